// One pane: a story under one scheme, with its sentence, locks, tree, entries and numbers.

import { GLYPH, KINDS, draw, html, icon, valueAt } from "./dom.mjs";
import { makeEntries } from "./entries.mjs";
import { makeCounters, makeTimeline } from "./numbers.mjs";
import { makeTree } from "./tree.mjs";

const longest = (texts) => texts.reduce((best, text) => (text.length > best.length ? text : best), "");
/** `element` over an unseen ghost of the longest thing it will ever show: it keeps its height, nothing below jumps. */
function steady(element, ghost) {
  ghost.setAttribute("aria-hidden", "true");
  return html("div", { class: "ptlab-steady" }, ghost, element);
}

const PADLOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";

const callsOf = (path) => path.split(" > ").flatMap((name, i, all) => [...(i ? [" \u203a "] : []), html(i + 1 === all.length ? "b" : "span", {}, name)]);
const locksOf = (held) => (held.length ? held.map((lock) => html("li", {}, icon(PADLOCK), lock)) : [html("li", { class: "none" }, "no lock held")]);

export function makePane(payload, p, opAt, { onSeek, onPick }) {
  const pane = payload.panes[p], { frames } = payload;
  const placeOf = (step) => { // the first position that shows this step or a later one
    let low = 0, high = frames.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (frames[middle][p] >= step) high = middle; else low = middle + 1; }
    return low;
  };
  const sentence = html("p", { class: "ptlab-sentence", "aria-live": "polite", "aria-atomic": "true" });
  const path = html("div", { class: "ptlab-path" }), locks = html("ul", { class: "ptlab-locks", "aria-label": "Locks held" });
  let step = 0, previous = 0, picked = "";
  const tree = makeTree(pane, (id) => {
    open(id);
    entries.panel.scrollIntoView({ block: "nearest" });
    onPick(id, entries.entry());
  });
  const entries = makeEntries(pane, payload, (entry) => onPick(picked, entry), () => { open(""); onPick("", 0); });
  const timeline = makeTimeline(pane, payload.panes, opAt, placeOf, onSeek), counters = makeCounters(pane);
  const used = Object.keys(GLYPH).filter((kind) => Object.values(pane.nodes).some((node) => node.track.some((record) => record[3].some((run) => run[2] === kind))));
  const legend = html("ul", { class: "ptlab-legend", "aria-label": "Legend" }, html("li", {}, "Click a table to see its 512 entries."), ...used.map((kind) => html("li", {},
    draw("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, draw("path", { d: GLYPH[kind](0, 0), class: `kind-${kind}`, "fill-rule": "evenodd" })), `${kind}: ${KINDS[kind]}`)));
  const element = html("section", { class: "ptlab-pane", "aria-label": pane.heading },
    html("header", {}, html("h3", {}, pane.heading), html("span", { class: "ptlab-fate" }, pane.fate)),
    steady(sentence, html("p", { class: "ptlab-sentence" }, longest(pane.steps.map((one) => one.text)))),
    html("div", { class: "ptlab-where" }, steady(path, html("div", { class: "ptlab-path" }, ...callsOf(longest(pane.steps.map((one) => one.path))))),
      steady(locks, html("ul", { class: "ptlab-locks" }, ...locksOf(pane.locks.map((record) => record[1]).reduce((best, held) => (held.join().length > best.join().length ? held : best), []))))),
    counters.element, tree.scroller, legend, timeline.element, entries.panel);

  function open(id, index) {
    picked = pane.nodes[id] ? id : "";
    tree.mark(picked);
    if (picked) entries.open(picked, index, step, previous, tree.lookOf(picked)?.[4] ?? "not there yet"); else entries.close();
  }
  function show(position, jumped) {
    [step, previous] = [frames[position][p], frames[Math.max(0, position - 1)][p]];
    const { text, fn, path: calls } = pane.steps[step];
    element.classList.toggle("is-waiting", position > 0 && step === previous);
    if (sentence.textContent !== text) {
      const named = fn && text.startsWith(fn + ":");
      sentence.replaceChildren(...(named ? [html("code", {}, fn), text.slice(fn.length)] : [text]));
    }
    path.replaceChildren(...callsOf(calls));
    locks.replaceChildren(...locksOf(valueAt(pane.locks, step) ?? []));
    tree.show(step, previous, jumped);
    counters.show(step, previous);
    timeline.show(step, position);
    if (picked) open(picked, entries.entry());
  }
  return { element, show, open, sentence, has: (id) => id in pane.nodes, stop: tree.stop };
}
