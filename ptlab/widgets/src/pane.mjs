// One pane: a story under one scheme, with its sentence, locks, tree, entries and numbers.

import { CELL, PADLOCK, at, draw, html, icon, markAt, steady } from "./dom.mjs";
import { makeEntries } from "./entries.mjs";
import { makeCounters, makeTimeline } from "./numbers.mjs";
import { makeTree } from "./tree.mjs";

/** The one of `items` for which `measure` gives most. */
const longest = (items, measure) => items.reduce((best, one) => (measure(one) > measure(best) ? one : best));

/** `pte_put: the visitor leaves` with the function's name in the type of code. */
function sentenceOf({ fn, text, who }) {
  const task = who ? [html("b", { class: "ptlab-who" }, who), " "] : [];
  return [...task, ...(fn ? [html("code", {}, fn), ": "] : []), text];
}
/** As much room as the sentence takes, in characters. */
const lengthOf = ({ fn, text }) => fn.length + text.length;
function callsOf(path) {
  return [...path.slice(0, -1).map((name) => `${name} \u203a `), html("b", {}, ...path.slice(-1))];
}
function locksOf(held) {
  if (held.length === 0) return [html("li", { class: "none" }, "no lock held")];
  return held.map(({ text }) => html("li", {}, icon(PADLOCK), text));
}

/** The kinds of entries that occur in the pane, with their shapes. */
function makeLegend(pane, { kinds }) {
  const spans = Object.values(pane.nodes).flatMap((node) => node.track.flatMap(({ strip }) => strip));
  const used = new Set(spans.map(([, , kind]) => kind));
  const items = Object.entries(kinds).filter(([kind]) => used.has(kind)).map(([kind, look]) => html("li", {},
    draw("svg", { viewBox: `0 0 ${CELL} ${CELL}`, "aria-hidden": "true" },
      draw("path", { d: markAt(look, 0, 0), class: `kind-${kind}`, "fill-rule": "evenodd" })),
    `${kind}: ${look.meaning}`));
  return html("ul", { class: "ptlab-legend", "aria-label": "Legend" },
    html("li", {}, "Click a table to see its 512 entries."), ...items);
}

/**
 * Pane number `p` of the payload. The pane of a story shows its steps. The pane of a race has `segments`: for each
 * position the text, the function, the call path, and `who` did it. `opAt` is the operation at every position.
 * `onSeek(position)` and `onPick(table, entry)` are called with what the learner asks for.
 */
export function makePane(payload, p, opAt, { onSeek, onPick }) {
  const { panes, frames } = payload, pane = panes[p];
  /** The first position that shows this step or a later one. */
  function placeOf(step) {
    let low = 0, high = frames.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle][p] >= step) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  let step = 0, previous = 0, picked = "";

  const tree = makeTree(pane, payload.palette.edges, (id) => {
    open(id); // which selects an entry
    onPick(id, entries.entry());
    entries.panel.scrollIntoView({ block: "nearest" });
  });
  const entries = makeEntries(pane, payload, (entry) => onPick(picked, entry), () => {
    onPick("", 0);
    tree.focus();
  });
  const timeline = makeTimeline(pane, panes, opAt, placeOf, onSeek), counters = makeCounters(pane);
  const sentence = html("p", { class: "ptlab-sentence", "aria-live": "polite", "aria-atomic": "true" });
  const path = html("div", { class: "ptlab-path" });
  const locks = html("ul", { class: "ptlab-locks", "aria-label": "Locks held" });
  const waits = html("div", { class: "ptlab-waits" }, "waits for the other story");
  const most = longest(pane.locks, ({ held }) => held.reduce((sum, { text }) => sum + text.length, 0)).held;
  const element = html("div", { class: "ptlab-pane", role: "group", "aria-label": pane.heading },
    html("div", { class: "ptlab-head" }, html("h3", {}, pane.heading), html("span", { class: "ptlab-fate" }, pane.fate)),
    steady(sentence, html("p", { class: "ptlab-sentence" }, ...sentenceOf(longest([...pane.steps, ...pane.segments ?? []], lengthOf)))),
    html("div", { class: "ptlab-where" },
      steady(path, html("div", { class: "ptlab-path" }, ...callsOf(longest(pane.steps.map((one) => one.path), (path) => path.join().length)))),
      steady(locks, html("ul", { class: "ptlab-locks" }, ...locksOf(most)))),
    counters.element, html("div", { class: "ptlab-view" }, tree.scroller, waits), makeLegend(pane, payload.palette),
    timeline.element, entries.panel);

  /** Show the entries of table `id`; of none, if the pane has no such table. */
  function open(id, index) {
    picked = id in pane.nodes ? id : "";
    tree.mark(picked);
    if (picked) entries.open(picked, index, step, previous, tree.sentenceOf(picked));
    else entries.close();
  }
  function show(position, jumped) {
    step = frames[position][p];
    previous = frames[Math.max(0, position - 1)][p];
    const shown = pane.segments?.[position] ?? pane.steps[step], held = pane.locks[at(pane.locks, step)]?.held ?? [];
    element.classList.toggle("is-waiting", panes.length > 1 && position > 0 && step === previous);
    // A live region is read whenever it is written, so it is written only when it says something new.
    const parts = sentenceOf(shown);
    if (sentence.textContent !== parts.map((part) => part.textContent ?? part).join("")) sentence.replaceChildren(...parts);
    path.replaceChildren(...callsOf(shown.path));
    locks.replaceChildren(...locksOf(held));
    tree.show(step, previous, held, jumped);
    counters.show(step, previous);
    timeline.show(step, position);
    if (picked) open(picked, entries.entry());
  }
  return { element, show, open, sentence, enter: tree.enter, stop: tree.stop };
}
