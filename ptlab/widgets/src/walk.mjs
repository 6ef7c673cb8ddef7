// What the MMU does with an address: it reads one entry at each level, as they stand at a step.

import { hex } from "./dom.mjs";

const PFN = (1n << 40n) - 1n, WRITE = 2n;
const PAGES = new Set(["page", "file", "zero", "huge"]);

/** The word of entry `index` of a table at a step, and its kind, from the table's changes. */
export function entryAt(changes = [], index, step) {
  for (let k = changes.length - 1; k >= 0; k--) {
    const { step: since, first, last, word, grows, kind } = changes[k];
    if (since <= step && first <= index && index < last) {
      return { word: BigInt(word) + BigInt(index - first) * BigInt(grows), kind };
    }
  }
  return { word: 0n, kind: "none" };
}

/** Frame number of a word. Linux inverts that of a PROT_NONE word, so that a speculating CPU finds no memory (L1TF). */
export const frameOf = (word, kind) => ((kind === "protnone" ? ~word : word) >> 12n) & PFN;

export const indexOf = (address, { shift, bits }) => Number((address >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));

/** The way of `address` through the tables of a process: for each table read, its node, the entry and its word. */
export function walk(pane, columns, address, process, step) {
  const levels = columns.slice(0, -1);
  let id = Object.keys(pane.nodes).find((one) => pane.nodes[one].process === process && pane.nodes[one].level === "PGD");
  const path = [];
  for (const column of levels) {
    const index = indexOf(address, column), { word, kind } = entryAt(pane.entries[id], index, step);
    path.push({ id, index, word, kind, column });
    if (kind !== "table") break;
    id = `n${frameOf(word, kind)}`;
  }
  const { word, kind, column } = path.at(-1), offset = address & ((1n << BigInt(column.shift)) - 1n);
  return { path, column, kind, frame: PAGES.has(kind) ? frameOf(word, kind) : null, offset, writable: (word & WRITE) !== 0n };
}

const FAULTS = {
  none: "is none: page fault",
  swap: "is swapped out: page fault",
  marker: "is a marker: SIGSEGV",
  protnone: "allows no access: page fault",
};

/** What became of a walk, in words. */
export function outcome({ path, column, kind, frame, offset, writable }) {
  const reads = `TLB miss, ${path.length} ${path.length === 1 ? "read" : "reads"}`;
  if (frame === null) return `${reads}: ${column.level} entry ${path.at(-1).index} ${FAULTS[kind]}`;
  const size = kind === "huge" ? "huge page, " : "";
  return `${reads}: ${size}frame ${hex(frame)} + ${hex(offset)}${writable ? "" : ", a write faults"}`;
}
