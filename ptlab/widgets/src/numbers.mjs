// The counters of the process that the sentence speaks of, and the locks that are held.

import { PADLOCK, html, icon, longest, most, steady, valueAt } from "./dom.mjs";
import { put } from "./terms.mjs";

/** A list of numbers; one that the step has changed is bold and has an arrow. `lines` are those of the strip of time. */
export function makeCounters(pane, lines, mark) {
  const lists = pane.processes.map(({ name, counters, timeline }) => {
    const numbers = [...timeline, ...counters.filter((one) => one.name !== timeline[0]?.name)];
    const cells = numbers.map(({ name: what, unit, track }, k) => {
      const value = html("span"), ghost = html("b", {}, `${most(track)} ${unit} \u25be`);
      const key = k < lines.length ? [html("i", { class: `ptlab-key line-${lines[k]}`, "aria-hidden": "true" })] : [];
      return { unit, track, value, element: html("div", {}, html("dt", {}, ...mark(what), ...key), html("dd", {}, steady(value, ghost))) };
    });
    const whose = name ? `Counters of ${name}` : "Counters of the process";
    return { cells, element: html("div", { role: "group", "aria-label": whose }, html("dl", { class: "ptlab-counters" }, ...cells.map((cell) => cell.element))) };
  });
  const element = html("div", {}, ...lists.map((list) => list.element));
  return {
    element,
    show(step, previous, process) {
      lists.forEach(({ cells, element: one }, k) => {
        one.hidden = k !== process;
        for (const { track, unit, value } of k === process ? cells : []) {
          const was = valueAt(track, previous), now = valueAt(track, step);
          value.className = was === now ? "" : "is-changed";
          value.textContent = `${now} ${unit}${was === now ? "" : was < now ? " \u25b4" : " \u25be"}`;
        }
      });
    },
  };
}

function locksOf(held, mark) {
  if (held.length === 0) return [html("li", { class: "none" }, "no lock held")];
  return held.map(({ text }) => html("li", {}, icon(PADLOCK), html("span", {}, ...mark(text))));
}

/** The locks that are held, with room for the most that ever are. */
export function makeLocks(pane, mark) {
  const room = pane.locks.length
    ? longest(pane.locks, ({ held }) => held.reduce((sum, { text }) => sum + text.length, 0)).held : [];
  const list = html("ul", { class: "ptlab-locks", "aria-label": "Locks held" });
  return {
    element: steady(list, html("ul", { class: "ptlab-locks" }, ...locksOf(room, mark))),
    show: (held) => put(list, ...locksOf(held, mark)),
  };
}
