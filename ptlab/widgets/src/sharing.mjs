// What several processes map: frames of pages, and PMD pages of huge pages, which hang from a table of each of them.

import { draw } from "./dom.mjs";
import { frameOf } from "./walk.mjs";

const LEVELS = ["PGD", "P4D", "PUD", "PMD", "PTE"];

/**
 * For each frame that is mapped at a step, a page's or a table's, the processes that map it; nothing where there is only
 * one process. `wordsOf(changes)` makes a function that gives the words of a table at a step, and their kinds.
 */
export function makeSharers({ nodes, entries, processes }, wordsOf) {
  const tables = Object.entries(nodes).filter(([id]) => id in entries && processes.length > 1)
    .sort(([, a], [, b]) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
    .map(([id, node]) => ({ id, node, replay: wordsOf(entries[id]) }));
  return (step) => {
    const found = new Map();
    for (const { id, node, replay } of tables) {
      const { words, kinds } = replay(step), own = found.get(id) ?? [node.process];
      kinds.forEach((kind, i) => {
        if (kind === "none" || !((words[i] & 1n) === 1n || kind === "protnone")) return;
        const frame = frameOf(words[i], kind), key = kind === "table" ? `n${frame}` : frame, all = found.get(key) ?? new Set();
        for (const process of own) all.add(process);
        found.set(key, all);
      });
    }
    return found;
  };
}

/** A line for each entry that leads to a table which has its place below another one: `{ from, index, to, path }`. */
export function makeLinks({ nodes, entries }) {
  const links = new Map();
  for (const [from, changes] of Object.entries(entries)) {
    for (const { first, last, word, grows, kind } of changes) {
      for (let index = first; kind === "table" && index < last; index++) {
        const to = `n${frameOf(BigInt(word) + BigInt(index - first) * BigInt(grows), kind)}`;
        const elsewhere = nodes[to]?.places.some(({ parent }) => parent !== from);
        if (elsewhere) links.set(`${from} ${index} ${to}`, { from, index, to, path: draw("path", { class: "edge is-shared" }) });
      }
    }
  }
  return [...links.values()];
}
