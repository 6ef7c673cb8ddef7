// Numbers over time: the counters' table and the timeline.

import { draw, html, steady, valueAt } from "./dom.mjs";

const most = (track) => track.reduce((top, { value }) => Math.max(top, value), 0);

/** Every other operation as a shaded band. */
function bandsPath(opAt) {
  const odd = (k) => opAt[k] % 2 === 1;
  return opAt.map((op, k) => {
    if (op === opAt[k - 1]) return "";
    return (odd(k - 1) ? `H${k}v-40z` : "") + (odd(k) ? `M${k} 0v40` : "");
  }).join("") + (odd(opAt.length - 1) ? `H${opAt.length}v-40z` : "");
}

/**
 * Small step charts under one cursor; a click or a drag seeks.
 * `opAt` is the operation at every position, `placeOf(step)` the position that shows a step of this pane.
 */
export function makeTimeline(pane, panes, opAt, placeOf, onSeek) {
  const places = opAt.length;
  const labels = html("div", { class: "ptlab-chart-labels" }), charts = html("div", { class: "ptlab-charts" });
  const cursor = html("div", { class: "ptlab-cursor", style: `width: max(3px, ${100 / places}%)` });
  const bands = bandsPath(opAt);
  const events = pane.steps.map((step, k) => (step.event ? `M${placeOf(k) + 0.5} 40v-4` : "")).join("");
  const values = pane.timeline.map(({ name, unit, track }, i) => {
    // One scale for all panes, else a comparison would mislead.
    const top = Math.max(1, ...panes.map((one) => most(one.timeline[i].track)));
    const height = (value) => 36 - value / top * 30;
    const curve = track.map(({ step, value }, k) => `${k ? `H${placeOf(step)}V` : "M0 "}${height(value)}`).join("");
    const value = html("b");
    labels.append(html("div", {}, html("span", {}, name), value, html("small", {}, `scale 0 to ${top} ${unit}`)));
    charts.append(draw("svg", { viewBox: `0 0 ${places} 40`, preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("path", { class: "band", d: bands }), draw("path", { class: "event", d: events }),
      draw("path", { class: "curve", d: `${curve}H${places}` })));
    return { track, unit, value };
  });
  charts.append(cursor);
  const seek = (event) => {
    const box = charts.getBoundingClientRect();
    onSeek(Math.floor((event.clientX - box.left) / box.width * places));
  };
  charts.addEventListener("pointerdown", (event) => {
    charts.setPointerCapture(event.pointerId);
    seek(event);
  });
  charts.addEventListener("pointermove", (event) => {
    if (charts.hasPointerCapture(event.pointerId)) seek(event);
  });
  const note = html("p", { class: "ptlab-note" },
    "Shaded: every other operation. Ticks: a table is built, unhooked or freed. Click to go there.");
  return {
    element: html("div", { class: "ptlab-timeline" }, labels, charts, note),
    show(step, position) {
      cursor.style.left = `${position / places * 100}%`;
      for (const { track, unit, value } of values) value.textContent = `${valueAt(track, step) ?? 0} ${unit}`;
    },
  };
}

/** The counters as a table of one row; a changed one shows its value before. */
export function makeCounters(pane) {
  const cells = pane.counters.map(({ name, unit, track }) => {
    const inWords = (was, now) => `${was === now ? "" : `${was} \u2192 `}${now} ${unit}`;
    return { name, track, inWords, value: html("span"), ghost: html("b", {}, inWords(most(track), `${most(track)}`)) };
  });
  const element = html("table", { class: "ptlab-counters", "aria-label": "Counters of the process" },
    html("thead", {}, html("tr", {}, ...cells.map(({ name }) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, html("tr", {}, ...cells.map(({ value, ghost }) => html("td", {}, steady(value, ghost))))));
  return {
    element,
    show(step, previous) {
      for (const { track, inWords, value } of cells) {
        const was = valueAt(track, previous) ?? 0, now = valueAt(track, step) ?? 0;
        value.className = was === now ? "" : "is-changed";
        value.textContent = inWords(was, now);
      }
    },
  };
}
