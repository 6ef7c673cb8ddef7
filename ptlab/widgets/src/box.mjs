// One table of the picture: its frame, its texts, its strip, and the marks of a step.

import { ENTRIES, OWN_KEYS, PADLOCK, draw, fill } from "./dom.mjs";

export const MARGIN = 7; // around a picture, and in a box
const STRIP = 7; // how high a strip is
const TITLE = 11, LINE = 10, SLOT = 9.5; // sizes of type
export const UNBORN = { state: "absent", number: null, line: "", strip: [] };

const pen = document.createElement("canvas").getContext("2d");
function widthOf(text, size, weight = "") {
  pen.font = `${weight} ${size}px system-ui, sans-serif`; // as the style sheet and JupyterLab begin
  return pen.measureText(text).width * 1.03; // the notebook's own font may be a little wider
}
const fits = new Map(); // to measure a text takes long, and few differ
/** The size of type at which `text` fits. */
function fitting(text, size, room, weight = "") {
  const key = `${text} ${size} ${room} ${weight}`;
  if (!fits.has(key)) fits.set(key, Math.min(size, size * room / Math.max(1, widthOf(text, size, weight))));
  return fits.get(key);
}

/** The runs of one kind in the box of the strip; a lone entry stays wide enough to be seen. */
function stripPath(runs, box) {
  return runs.map(([low, high]) => {
    const width = Math.max(2, (high - low) / ENTRIES * box.width);
    const x = Math.min(box.x + low / ENTRIES * box.width, box.x + box.width - width);
    return `M${x} ${box.y}h${width}v${STRIP}h${-width}z`;
  }).join("");
}

// How much of a strip's height a table of a fold takes: all in the tree, half before and after, none when it is gone.
const HIGH = { live: STRIP, new: STRIP / 2, unhooked: STRIP / 2, rcu: STRIP / 2, deposited: STRIP / 2 };

/** The strip of a fold has a cell for each of its tables, and a line below those that the step names or changes. */
function cellsOf({ states, changed }, box) {
  const each = box.width / states.length, wide = each > 3 ? each - 1 : each;
  const cell = (k, y, high) => `M${box.x + k * each} ${y}h${wide}v${high}h${-wide}z`;
  const floor = box.y + STRIP, tables = states.map((state, k) => (HIGH[state] ? cell(k, floor - HIGH[state], HIGH[state]) : ""));
  return [
    draw("path", { d: tables.join(""), class: "kind-table" }),
    draw("path", { d: changed.map((k) => cell(k, floor + 1.2, 2.6)).join(""), class: "cells-changed" }),
  ];
}

/** The elements of one table: frame, slot, title, line, strip, and room for marks. */
export function makeBox(id, node, columns, height, process) {
  const { width } = columns.find(({ level }) => level === node.level), { x, y } = node;
  const box = { x, y, width, height }, room = width - 2 * MARGIN;
  const strip = { x: x + MARGIN, y: y + height - STRIP - 5, width: room };
  const slots = node.places.map(({ slot }) => (slot === null ? "" : `[${slot}]`));
  const named = process && node.level === "PGD" ? `${process}: ` : "";
  const lock = ["PMD", "PTE"].includes(node.level) ? 10 : 0; // these have one of their own
  const wide = node.level === "PTE"; // the slot stands before the title; in a narrow box after the line
  const slot = draw("text", wide ? { class: "slot", x: strip.x, y: y + 13, "font-size": SLOT }
    : { class: "slot at-end", x: strip.x + room, y: y + 25, "font-size": SLOT });
  const taken = slots[0] ? widthOf(slots[0], SLOT, "700") + 6 : 0, [before, after] = wide ? [taken, 0] : [0, taken];
  const heading = draw("text", { class: "name", x: strip.x + before, y: y + 13, "font-size": fitting(node.title, TITLE, room - before - lock, "600") }, node.title);
  const line = draw("text", { class: "line", x: strip.x, y: y + 25 });
  const frame = (shift, part) => draw("rect", { ...box, x: x + shift, y: y - shift, rx: 5, class: part });
  const runs = draw("g"), mark = draw("path", { class: "mark" });
  const pill = draw("rect", { y: y - 9, height: 13, rx: 6.5 }), change = draw("text", { y: y + 1, "font-size": LINE });
  const corner = `translate(${x + width - 14} ${y + 5}) scale(0.62)`;
  const state = node.fold === null ? {} : { "aria-expanded": "false" };
  const g = draw("g", { role: "button", tabindex: "-1", "data-node": id, ...state, ...OWN_KEYS },
    ...(node.fold === null ? [] : [frame(4, "under"), frame(2, "under")]), frame(0, "frame"), slot, heading, line,
    draw("path", { d: PADLOCK, transform: corner, class: "padlock" }),
    draw("rect", { ...strip, height: STRIP, class: "strip-box" }), runs, mark, draw("g", { class: "change" }, pill, change));
  return { g, edge: draw("path"), id, node, box, strip, slot, slots, after, named, line, runs, mark, pill, change, key: "", look: UNBORN };
}

/** A table, or the tables of a fold, in one sentence. */
export const spoken = ({ named, node: { title, fold }, look: { state, line }, change }) =>
  `${named}${title}, ${state}: ${line}${fold !== null && change.textContent ? `, ${change.textContent}` : ""}`;

export function paint(view, look, before, { edges, changed, focus, locked, slot, cells }) {
  const { state, number, line, strip } = (view.look = look);
  const classes = ["node", view.node.level, `is-${state}`, changed && "is-changed", focus && "is-focus", locked && "is-locked"];
  fill(view.g, { class: classes.filter(Boolean).join(" "), "aria-hidden": state === "absent" });
  view.line.textContent = `${view.named}${line}`;
  view.line.setAttribute("font-size", fitting(view.line.textContent, LINE, view.strip.width - view.after));
  view.slot.textContent = slot;
  view.edge.setAttribute("class", `edge is-${edges[state]}`);
  const kinds = [...new Set(strip.map((run) => run[2]))];
  view.runs.replaceChildren(...(cells ? cellsOf(cells, view.strip) : kinds.map((kind) =>
    draw("path", { d: stripPath(strip.filter((run) => run[2] === kind), view.strip), class: `kind-${kind}` }))));
  const counted = changed && before.number !== null && number !== null && before.number !== number;
  const change = cells?.changed.length > 1 ? `${cells.changed.length} in this step` : counted ? `${before.number} \u2192 ${number}` : "";
  const width = change ? widthOf(change, LINE, "700") + 12 : 0, right = view.box.x + view.box.width + 3;
  fill(view.pill, { x: right - width, width });
  fill(view.change, { x: right - width / 2 });
  view.change.textContent = change;
  fill(view.g, { "aria-label": spoken(view) });
}

/** The page at the end of a walk, in the last column. */
export function makePage({ x, width }) {
  const frame = draw("rect", { x, width, height: 34, rx: 5, class: "frame" });
  const name = draw("text", { x: x + width / 2, "font-size": LINE, class: "label" }, "page frame");
  const number = draw("text", { x: x + width / 2, "font-size": LINE, class: "number" });
  const edge = draw("path", { class: "edge is-lit" });
  const element = draw("g", { class: "page" }, edge, frame, name, number);
  return {
    element,
    show(box, text) {
      element.toggleAttribute("hidden", !box);
      if (!box) return;
      const middle = box.y + box.height / 2;
      fill(frame, { y: middle - 17 });
      fill(name, { y: middle - 3 });
      fill(number, { y: middle + 11, "font-size": fitting(text, LINE, width - 8) });
      number.textContent = text;
      edge.setAttribute("d", `M${box.x + box.width} ${middle}H${x}`);
    },
  };
}
