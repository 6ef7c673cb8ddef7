// Workloads and designs to choose from, and what was measured of them. In a notebook Python measures what is missing; a
// page has what was measured before.

import { OWN_KEYS, html, paintWith } from "./dom.mjs";
import { explain, makeMarker } from "./terms.mjs";
import { unpack } from "./unpack.mjs";

const TEXTS = "p, caption b, thead th, td"; // where words are explained, at their first use in the report

/** Let the words of a report explain themselves. Its cells hold text alone. */
function explainWords(report, mark) {
  const seen = new Set();
  for (const one of report.querySelectorAll(TEXTS)) {
    for (const text of [...one.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE)) {
      text.replaceWith(...mark(text.data).map((part) => {
        const { term } = part.dataset ?? {}, again = seen.has(term);
        if (term) seen.add(term);
        return again ? part.textContent : part;
      }));
    }
  }
}

/** Show of a report what is of the `chosen` designs. The small pictures move together, and their picture shrinks. */
function filter(report, chosen) {
  const parts = [...report.querySelectorAll("[data-design]")], svg = report.querySelector("svg");
  for (const one of parts) one.toggleAttribute("hidden", !chosen.includes(one.dataset.design));
  const panels = parts.filter(({ localName }) => localName === "g"), rows = [...report.querySelectorAll("[data-row]")];
  const places = panels.map(({ dataset }) => [dataset.x, dataset.y]), shown = panels.filter((panel) => !panel.hasAttribute("hidden"));
  shown.forEach((panel, k) => {
    const [x, y] = places[k];
    panel.setAttribute("transform", `translate(${x - panel.dataset.x} ${y - panel.dataset.y})`);
  });
  if (rows.length < 2) return;
  const bottom = Number(shown.length ? places[shown.length - 1][1] : rows[0].dataset.row);
  for (const row of rows) row.toggleAttribute("hidden", Number(row.dataset.row) > bottom);
  const { width, height } = svg.viewBox.baseVal, full = Number(svg.dataset.full ?? height), less = rows.at(-1).dataset.row - bottom;
  svg.dataset.full = full;
  svg.setAttribute("viewBox", `0 0 ${width} ${full - less}`);
  svg.querySelector(".footer").setAttribute("transform", `translate(0 ${-less})`);
}

function makeChoices(model, changed) {
  const workloads = model.get("workloads"), measures = model.get("measures");
  const has = (name) => measures || name in model.get("reports");
  const list = html("select", { "aria-label": "Workload", ...OWN_KEYS }, ...Object.keys(workloads).map((name) =>
    html("option", { value: name, ...(has(name) ? {} : { disabled: "" }) }, has(name) ? name : `${name} (not measured)`)));
  list.value = model.get("workload");
  const about = html("span", { class: "ptlab-note" });
  const ticks = model.get("designs").map((name) => {
    const box = html("input", { type: "checkbox", ...OWN_KEYS });
    box.checked = model.get("ticked").includes(name);
    box.addEventListener("change", () => changed());
    return { name, box, label: html("label", {}, box, name) };
  });
  list.addEventListener("change", () => changed());
  return {
    element: html("div", { class: "ptlab-choices" }, html("label", {}, "Workload ", list), about,
      html("div", { class: "ptlab-ticks", role: "group", "aria-label": "Designs" }, ...ticks.map(({ label }) => label))),
    workload: () => list.value,
    ticked: () => ticks.filter(({ box }) => box.checked).map(({ name }) => name),
    show() {
      list.value = model.get("workload");
      about.textContent = workloads[list.value];
      for (const { name, box } of ticks) {
        box.checked = model.get("ticked").includes(name);
        box.disabled = !measures && !model.get("reports")[list.value]?.designs.includes(name);
      }
    },
  };
}

/** Show the panel of `model`, whose traits are those of ptlab/widgets/designs.py. */
function render({ model, el }) {
  const mark = makeMarker(model.get("glossary")), measures = model.get("measures");
  const choices = makeChoices(model, () => {
    model.set("workload", choices.workload()); // one by one: marimo's models take no object
    model.set("ticked", choices.ticked());
    model.save_changes();
    show();
  });
  const button = html("button", { type: "button", class: "ptlab-primary", ...OWN_KEYS }, "Measure");
  button.addEventListener("click", () => !model.get("busy") && model.send({ measure: true }));
  const progress = html("progress", { "aria-label": "designs done" }), status = html("span", { role: "status" });
  const report = html("div", { class: "ptlab-report" });
  const root = html("div", { class: "ptlab ptlab-designs" }, choices.element,
    html("div", { class: "ptlab-bar" }, ...(measures ? [button] : []), progress, status), report);
  const refresh = explain(root);
  paintWith(model.get("palette"), root);
  let drawn = "";

  function show() {
    const workload = model.get("workload"), found = model.get("reports")[workload], ticked = model.get("ticked");
    choices.show();
    if (found && drawn !== found.html) {
      report.innerHTML = found.html;
      explainWords(report, mark);
      drawn = found.html;
    } else if (!found) {
      report.replaceChildren();
      drawn = "";
    }
    filter(report, ticked);
    const missing = ticked.filter((name) => !found?.designs.includes(name));
    button.setAttribute("aria-disabled", model.get("busy") || (ticked.length > 0 && missing.length === 0));
    progress.hidden = !model.get("busy");
    [progress.value, progress.max] = [model.get("done"), Math.max(1, model.get("of"))];
    status.textContent = model.get("said") || sayOf(ticked, missing, measures);
    refresh();
  }
  const changes = ["reports", "said", "busy", "workload", "ticked"].map((name) => `change:${name}`);
  for (const one of changes) model.on(one, show);
  el.replaceChildren(root);
  show();
  return () => changes.forEach((one) => model.off(one, show));
}

function sayOf(ticked, missing, measures) {
  if (!ticked.length) return measures ? "Tick one design or more, then press Measure." : "Tick one design or more.";
  if (!missing.length) return "";
  return measures ? `Not measured yet: ${missing.join(", ")}. Press Measure.` : `Not measured in this page: ${missing.join(", ")}.`;
}

/** The panel of a page: `state` has the traits, and nothing more is measured. */
export function mountDesigns(root, state) {
  const nothing = () => {};
  const set = (name, value) => { state[name] = value; };
  render({ model: { get: (name) => state[name], set, save_changes: nothing, on: nothing }, el: root });
}

export { unpack };
export default { render };
