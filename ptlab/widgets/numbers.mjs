// Numbers over time: the counters' table and the timeline.

import { draw, html, valueAt } from "./dom.mjs";

/** Small step charts under one cursor. `opAt` = the operation at every position; `placeOf(step)` = the position of a step. */
export function makeTimeline(pane, panes, opAt, placeOf, onSeek) {
  const places = opAt.length;
  const cursor = html("div", { class: "ptlab-cursor" });
  const charts = html("div", { class: "ptlab-charts" }), labels = html("div", { class: "ptlab-chart-labels" });
  const bands = opAt.map((op, k) => (op % 2 ? `M${k} 0h1v40h-1z` : "")).join("");
  const events = pane.steps.flatMap((step, k) => (step.event ? [`M${placeOf(k) + 0.5} 40v-4`] : [])).join("");
  const rows = pane.timeline.map(({ name, unit, track }, i) => {
    // One scale for all panes, else a comparison would mislead.
    const top = panes.flatMap((one) => one.timeline[i].track).reduce((most, record) => Math.max(most, record[1]), 1);
    const y = (value) => 36 - value / top * 30;
    const path = track.map(([step, value], k) => `${k ? "H" + placeOf(step) + "V" : "M0 "}${y(value)}`).join("") + "H" + places;
    const value = html("b");
    labels.append(html("div", {}, html("span", {}, name), value, html("small", {}, `scale 0 to ${top} ${unit}`)));
    charts.append(draw("svg", { viewBox: `0 0 ${places} 40`, preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("path", { class: "band", d: bands }), draw("path", { class: "event", d: events }), draw("path", { class: "curve", d: path })));
    return { track, unit, value };
  });
  charts.append(cursor);
  cursor.style.width = `max(3px, ${100 / places}%)`;
  const seek = (event) => {
    const box = charts.getBoundingClientRect();
    onSeek(Math.floor((event.clientX - box.left) / box.width * places));
  };
  charts.addEventListener("pointerdown", (event) => { charts.setPointerCapture(event.pointerId); seek(event); });
  charts.addEventListener("pointermove", (event) => { if (charts.hasPointerCapture(event.pointerId)) seek(event); });
  function show(step, position) {
    cursor.style.left = `${position / places * 100}%`;
    for (const { track, unit, value } of rows) value.textContent = `${valueAt(track, step) ?? 0} ${unit}`;
  }
  const note = html("p", { class: "ptlab-note" }, "Shaded bands: every other operation. Ticks: a table is built, unhooked or freed. Click to go there.");
  return { element: html("div", { class: "ptlab-timeline" }, labels, charts, note), show };
}

export function makeCounters(pane) {
  const cells = pane.counters.map(({ name, unit, track }) => ({ name, unit, track, cell: html("td") }));
  const element = html("table", { class: "ptlab-counters", "aria-label": "Counters of the process" },
    html("thead", {}, html("tr", {}, ...cells.map(({ name }) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, html("tr", {}, ...cells.map(({ cell }) => cell))));
  function show(step, previous) {
    for (const { unit, track, cell } of cells) {
      const now = valueAt(track, step) ?? 0, was = valueAt(track, previous) ?? 0;
      cell.className = now === was ? "" : "is-changed";
      cell.textContent = (now === was ? "" : `${was} \u2192 `) + `${now} ${unit}`;
    }
  }
  return { element, show };
}
