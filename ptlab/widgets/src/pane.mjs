// One pane: a story under one scheme, with its sentence, the tree with the address over it, numbers, entries and code.

import { CELL, OWN_KEYS, at, draw, hex, html, longest, markAt, steady } from "./dom.mjs";
import { parseAddress } from "./address.mjs";
import { makeCaches } from "./caches.mjs";
import { makeCode } from "./code.mjs";
import { makeEntries } from "./entries.mjs";
import { makeCounters, makeLocks } from "./numbers.mjs";
import { makeTabs } from "./tabs.mjs";
import { makeMarker, put } from "./terms.mjs";
import { makeTree } from "./tree.mjs";
import { indexOf, outcome, walk } from "./walk.mjs";

/** `pte_put: the visitor leaves` with the function's name in the type of code. */
function sentenceOf({ fn, text }, who, mark) {
  const named = who ? [html("b", { class: "ptlab-who" }, who), " "] : [];
  return [...named, ...(fn ? [html("code", {}, fn), ": "] : []), ...mark(text)];
}
/** As much room as the sentence takes, in characters. */
const lengthOf = ({ fn, text }) => fn.length + text.length;

/** The kinds of entries that occur in the pane, with their shapes. */
function makeLegend(pane, { kinds }) {
  const spans = Object.values(pane.nodes).flatMap((node) => node.track.flatMap(({ strip }) => strip));
  const used = new Set(spans.map(([, , kind]) => kind));
  const items = Object.entries(kinds).filter(([kind]) => used.has(kind)).map(([kind, look]) => html("li", {},
    draw("svg", { viewBox: `0 0 ${CELL} ${CELL}`, "aria-hidden": "true" },
      draw("path", { d: markAt(look, 0, 0), class: `kind-${kind}`, "fill-rule": "evenodd" })),
    `${kind}: ${look.meaning}`));
  return html("ul", { class: "ptlab-legend", "aria-label": "Kinds of entries" }, ...items);
}

/** For each step the address that it is about: that of its entries, or of the table that it names. */
function addressesOf({ steps, nodes }) {
  let now = null, first = null;
  const addresses = steps.map(({ focus: [id], entries }, step) => {
    const node = nodes[id];
    if (!node || (node.level === "PGD" && !entries)) return now;
    const base = BigInt((node.places[at(node.places, step)] ?? node.places[0]).base), size = BigInt(node.entry_size);
    if (entries) now = base + BigInt(entries[0]) * size;
    else if (now === null || now < base || now >= base + 512n * size) now = base;
    first ??= now;
    return now;
  });
  return addresses.map((address) => address ?? first ?? 0n);
}

/** The call path in one line: the kernel's functions, the innermost always in sight. */
function callsOf({ functions, calls }, { calls: index, fn }) {
  const names = calls[index].map(([f]) => functions[f]).filter(({ kernel }) => kernel).map(({ name }) => name);
  if (fn && names.at(-1) !== fn) names.push(fn);
  return [...names.slice(0, -1).map((name) => `${name} \u203a `), html("b", {}, ...names.slice(-1))];
}

let made = 0; // ids must differ within the page

/**
 * Pane number `p` of the payload. The pane of a race has `segments`: for each position the text, the function, the
 * call path, and `who` did it. `onPick(table, entry)` is called with what the learner chooses to look at ("": what the
 * steps are about). `tabs` are panels to show beside the tree before Entries and Code.
 */
export function makePane(payload, p, { onPick, tabs: more = {}, columns: inRow = 32 }) {
  const { panes, frames, columns } = payload, pane = panes[p], addresses = addressesOf(pane), mark = makeMarker(payload.glossary);
  let step = 0, previous = 0, pinned = "", entry = 0, typed = null;

  const tree = makeTree(pane, payload, (id) => {
    typed = null;
    look(id, undefined);
    onPick(id, entries.entry());
  });
  const entries = makeEntries(pane, payload, inRow, (index) => {
    look(shownTable(), index);
    onPick(pinned, index);
  });
  const code = makeCode(payload), counters = makeCounters(pane, panes.length > 1 ? [p] : [0, 1], mark), locks = makeLocks(pane, mark);
  const caches = makeCaches(pane);
  const tabs = makeTabs({ ...more, Entries: entries.element, Code: code.element },
    (name) => name === "Code" && code.redraw());

  const list = html("datalist", { id: `ptlab-mappings-${++made}` }, ...pane.mappings.map(({ name, about }) => html("option", { value: name, label: about })));
  const input = html("input", { type: "text", list: list.id, placeholder: "s0+2M", spellcheck: "false", autocomplete: "off", "aria-label": "Address to walk to", ...OWN_KEYS });
  const follow = html("button", { type: "button", "aria-pressed": "true", title: "Look at what each step is about (key f)", ...OWN_KEYS }, "follow");
  const says = html("output", { class: "ptlab-outcome", "aria-live": "off" });
  const address = html("div", { class: "ptlab-address" }, html("label", {}, html("span", {}, "address "), input), list, says, follow);

  const sentence = html("p", { class: "ptlab-sentence", "aria-live": "polite", "aria-atomic": "true" });
  const path = html("div", { class: "ptlab-path" }), waits = html("div", { class: "ptlab-waits" }, "waits for the other story");
  const most = longest([...pane.steps, ...pane.segments ?? []], lengthOf);
  const room = html("p", { class: "ptlab-sentence" }, ...sentenceOf(most, longest(pane.processes, ({ name }) => name.length).name, mark));
  const say = html("div", { class: "ptlab-say" }, steady(sentence, room), html("div", { class: "ptlab-path-room" }, path), waits);
  const figure = html("div", { class: "ptlab-figure" }, address, tree.scroller, caches.element, makeLegend(pane, payload.palette));
  const numbers = html("div", { class: "ptlab-numbers" }, counters.element, locks.element);
  const aside = html("div", { class: "ptlab-aside" }, numbers, tabs.list, ...tabs.boxes);
  const head = html("div", { class: "ptlab-head" }, html("h3", {}, pane.heading), html("span", { class: "ptlab-fate", title: pane.fate }, pane.fate));
  const element = html("div", { class: "ptlab-pane", role: "group", "aria-label": pane.heading }, figure, aside);

  const processNow = () => (pinned in pane.nodes ? pane.nodes[pinned].process : pane.steps[step].process);
  const shownTable = () => pinned || followed();
  /** The table that is looked at when nothing is pinned: that of the step, or the deepest one of the walk. */
  function followed() {
    const [id] = pane.steps[step].focus;
    return id in pane.nodes ? id : walk(pane, columns, addresses[step], processNow(), step).path.at(-1).id;
  }
  const baseOf = ({ places }) => BigInt((places[at(places, step)] ?? places[0]).base);
  function addressNow() {
    if (typed !== null) return typed;
    const node = pane.nodes[pinned];
    if (!node) return addresses[step];
    return baseOf(node) + BigInt(entry) * BigInt(node.entry_size);
  }
  /** Show what is looked at: the way of the address, and the entries of the table. */
  function redraw() {
    const where = addressNow(), process = processNow(), way = walk(pane, columns, where, process, step);
    const table = typed === null ? shownTable() : way.path.at(-1).id, column = columns.find(({ level }) => level === pane.nodes[table].level);
    if (!pinned || typed !== null) entry = indexOf(where, column);
    tree.light(where, way);
    caches.mark(way.frame);
    tree.mark(table);
    put(says, ...mark(outcome(way)));
    says.title = says.textContent;
    if (document.activeElement !== input) input.value = hex(where);
    follow.setAttribute("aria-pressed", !pinned && typed === null);
    entries.open(table, entry, step, previous, tree.sentenceOf(table));
  }
  /** Look at a table, or at "" what the steps are about. Without an index: at what changed, or its first entry in use. */
  function look(id, index) {
    pinned = id in pane.nodes ? id : "";
    if (pinned) entry = index ?? entryOf(pinned);
    redraw();
  }
  function entryOf(id) {
    const { focus, entries: about } = pane.steps[step];
    if (about && focus[0] === id) return about[0];
    const runs = pane.nodes[id].track[at(pane.nodes[id].track, step)]?.strip ?? [];
    return runs[0]?.[0] ?? 0;
  }
  follow.addEventListener("click", () => {
    typed = null;
    look("", 0);
    onPick("", 0);
  });
  input.addEventListener("change", () => {
    try {
      typed = parseAddress(input.value, pane.mappings, 1n << BigInt(columns[0].shift + columns[0].bits - 1));
      says.classList.remove("is-refused");
      redraw();
    } catch ({ message }) {
      says.textContent = says.title = message;
      says.classList.add("is-refused");
    }

  });

  /** The call paths at a position: that of the step; in a race that of each task, where it ran last. */
  function linesAt(position, shown) {
    if (!shown.who) return [[["", shown.calls]], 0];
    const last = new Map(pane.segments.slice(1, position + 1).map(({ who, calls }) => [who, calls]));
    const tasks = [...last].sort();
    return [tasks, tasks.findIndex(([who]) => who === shown.who)];
  }
  function show(position, jumped) {
    step = frames[position][p];
    previous = frames[Math.max(0, position - 1)][p];
    const segment = pane.segments?.[position], shown = segment ?? pane.steps[step], held = pane.locks[at(pane.locks, step)]?.held ?? [];
    say.classList.toggle("is-waiting", panes.length > 1 && position > 0 && step === previous);
    // A live region is read whenever it is written, so it is written only when it says something new.
    const parts = sentenceOf(shown, segment ? segment.who : pane.processes[pane.steps[step].process].name, mark);
    if (sentence.textContent !== parts.map((part) => part.textContent ?? part).join("")) put(sentence, ...parts);
    path.replaceChildren(...callsOf(payload, shown));
    locks.show(held);
    tree.show(step, previous, held, jumped);
    caches.show(step, previous);
    counters.show(step, previous, pane.steps[step].process);
    code.show(...linesAt(position, shown));
    if (tabs.now() === "Code") code.redraw();
    redraw();
  }
  return {
    element, head, say, figure, aside, sentence, tabs, show,
    open(id, index) {
      typed = null;
      look(id, index);
    },
    process: () => pane.steps[step].process,
    follow: () => follow.click(),
    enter: tree.enter,
    stop: tree.stop,
  };
}
