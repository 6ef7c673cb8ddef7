// Time as one strip: VmPTE and references over the whole story, operations as bands, table events as ticks.
// It is the chart, the slider and the list of operations in one.

import { OWN_KEYS, draw, html, most } from "./dom.mjs";

const HEIGHT = 48, TOP = 17, FLOOR = 46; // of the picture, and of the curves in it
const LABEL_ROOM = 46; // pixels that the name of an operation needs at the least

const STRETCHES = 1000; // of a curve: a screen does not show more

/** Of many records the lowest, the highest and the last in each stretch of positions. */
export function thinned(records, last) {
  if (records.length <= 4 * STRETCHES) return records;
  const kept = [records[0]], stretchOf = ([place]) => Math.floor(place * STRETCHES / last);
  for (let first = 1, next; first < records.length; first = next) {
    let low = first, high = first;
    for (next = first + 1; next < records.length && stretchOf(records[next]) === stretchOf(records[first]); next++) {
      if (records[next][1] < records[low][1]) low = next;
      if (records[next][1] > records[high][1]) high = next;
    }
    kept.push(...[...new Set([Math.min(low, high), Math.max(low, high), next - 1])].map((k) => records[k]));
  }
  return kept;
}

/** A curve over positions: `height(value)` from each record on. */
const curveOf = (track, placeOf, last, height) =>
  thinned(track.map(({ step, value }) => [placeOf(step), value]), last)
    .map(([place, value], k) => `${k ? `H${place}V` : "M0 "}${height(value)}`).join("") + `H${last}`;

function curvesOf(panes, placeOf, last) {
  const tops = [0, 1].map((i) => Math.max(1, ...panes.flatMap(({ processes }) =>
    processes.map(({ timeline }) => most(timeline[i]?.track ?? [])))));
  return panes.flatMap(({ processes }, p) => processes.flatMap(({ timeline }, process) =>
    timeline.slice(0, panes.length > 1 ? 1 : 2).map(({ track }, i) => {
      const height = (value) => FLOOR - value / tops[i] * (FLOOR - TOP);
      const d = curveOf(track, (step) => placeOf(p, step), last, height);
      return { p, process, i, d, area: `${d}V${FLOOR}H0z` };
    })));
}

/** The stretches of positions that belong to one operation: [operation, from, to]. */
function bandsOf(opAt) {
  const bands = [];
  opAt.forEach((op, k) => {
    if (op < 0) return;
    if (bands.at(-1)?.[0] === op) bands.at(-1)[2] = k;
    else bands.push([op, k - 1, k]);
  });
  return bands;
}

/** `placeOf(pane, step)` is the first position that shows a step; `onSeek(position)` is called when one is chosen. */
export function makeTime({ panes }, opAt, events, placeOf, onSeek) {
  const last = opAt.length - 1, ops = longestOps(panes), bands = bandsOf(opAt);
  const slider = html("input", { type: "range", min: 0, max: last, "aria-label": "Position in the story", ...OWN_KEYS });
  const names = bands.map(([op, from, to]) => {
    const width = (to - from) / last * 100;
    return html("span", { style: `left: ${from / last * 100}%; width: ${width}%`, "data-op": op }, ops[op]);
  });
  const curves = curvesOf(panes, placeOf, last).map(({ p, process, i, d, area }) => ({
    process,
    paths: [...(i === 0 && panes.length === 1 ? [draw("path", { class: "area", d: area })] : []),
      draw("path", { class: `curve line-${panes.length > 1 ? p : i}`, d })],
  }));
  const picture = draw("svg", { viewBox: `0 0 ${Math.max(1, last)} ${HEIGHT}`, preserveAspectRatio: "none" },
    draw("path", { class: "band", d: bands.filter((_, k) => k % 2 === 0).map(([, from, to]) => `M${from} 0H${to}V${HEIGHT}H${from}z`).join("") }),
    ...curves.flatMap(({ paths }) => paths),
    draw("path", { class: "event", d: events.map((k) => `M${k} ${HEIGHT}v-5`).join("") }));
  const chart = html("div", { class: "ptlab-chart", "aria-hidden": "true" }, picture, ...names);
  const element = html("div", { class: "ptlab-time" }, chart, slider);
  slider.addEventListener("input", () => onSeek(Number(slider.value)));
  slider.addEventListener("pointermove", ({ clientX }) => {
    const box = slider.getBoundingClientRect(), k = Math.round((clientX - box.left) / box.width * last);
    slider.title = `${ops[opAt[k]] ?? "before the first operation"}, step ${k}`;
  });
  new ResizeObserver(() => {
    for (const name of names) name.classList.toggle("is-small", name.offsetWidth < LABEL_ROOM);
  }).observe(element);
  let shown = -1;
  return {
    element,
    show(position, process) {
      slider.value = position;
      slider.setAttribute("aria-valuetext", `step ${position} of ${last}, ${ops[opAt[position]] ?? "before the first operation"}`);
      for (const name of names) name.classList.toggle("is-now", Number(name.dataset.op) === opAt[position]);
      if (process === shown) return;
      shown = process;
      for (const { process: whose, paths } of curves) paths.forEach((path) => path.classList.toggle("is-other", whose !== process));
    },
  };
}

/** The operations of the pane that has most of them. */
export const longestOps = (panes) => panes.reduce((best, { ops }) => (ops.length > best.length ? ops : best), []);
