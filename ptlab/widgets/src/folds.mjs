// Which tables of a fold are drawn. One that is looked at lies on its fold. Where a step changes several of one column,
// the box that stands for them all is drawn instead, with a cell for each of them.

import { at } from "./dom.mjs";

/** A function that gives the tables of the steps after `previous`, up to `step`: whether they change, or are only named. */
export function makeChanges({ steps, nodes, entries }) {
  const changed = steps.map(() => []);
  for (const [id, { fold, track }] of Object.entries(nodes)) {
    if (fold !== null) continue;
    for (const record of [...track, ...entries[id] ?? []]) changed[record.step]?.push(id);
  }
  return (step, previous) => {
    const all = new Map(step === previous ? [] : steps[step].focus.map((id) => [id, false]));
    for (let k = previous + 1; k <= step; k++) for (const id of changed[k]) all.set(id, true);
    return all;
  };
}

/** The folds of a pane: which tables each box stands for, and which box stands for a table. */
export function makeFolds({ nodes }) {
  const keyOf = (fold, level) => `${fold} ${level}`, members = new Map(), boxes = new Map();
  for (const [id, { fold, inside, level }] of Object.entries(nodes)) {
    if (fold !== null) {
      members.set(id, []);
      boxes.set(keyOf(inside ?? id, level), id);
    }
  }
  for (const [id, { fold, inside, level }] of Object.entries(nodes)) {
    if (fold === null && inside !== null) members.get(boxes.get(keyOf(inside, level))).push(id);
  }
  return {
    /** The tables that a box stands for, by their slots; undefined for a table. */
    tablesOf: (id) => members.get(id),
    /** The box that stands for a table of a fold. */
    boxOf: (id) => boxes.get(keyOf(nodes[id].inside, nodes[id].level)),
    /** The state of each of the tables of a box at a step. */
    statesOf: (id, step) => members.get(id).map((one) => nodes[one].track[at(nodes[one].track, step)]?.state ?? "absent"),
  };
}

/**
 * The nodes that are drawn of folds which are closed: of each column of a fold the table that is `changed`, or the box
 * for several, or else the one that the walk `path` leads through. `aboveOf(id)` is the table that one hangs from.
 */
export function drawnOf({ boxOf }, nodes, changed, path, aboveOf, isOpen) {
  const found = new Map();
  function collect(ids, several) {
    for (const start of ids) {
      for (let id = start; nodes[id]?.inside && nodes[id].fold === null && !isOpen(nodes[id].inside); id = aboveOf(id)) {
        const box = boxOf(id), before = found.get(box);
        if (before === undefined) found.set(box, id);
        else if (several && before !== id) found.set(box, box);
      }
    }
  }
  collect(changed, true);
  collect(path, false);
  return new Set(found.values());
}
