// A moment of a story as the end of an address, #step=41&table=3&entry=0: an exported page opens at it, and copies it.
// That of a race that is played has its schedule before that, #schedule=AAB&step=2.

import { OWN_KEYS, html } from "./dom.mjs";

const MOST = 1e9; // no story is that long

/** The numbers that an address ends with; what is no such number is left out. */
export function readMoment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (name) => {
    const value = Number(given.get(name) || NaN);
    return Number.isInteger(value) && value >= 0 && value < MOST ? value : undefined;
  };
  return { schedule: given.get("schedule") ?? undefined, step: number("step"), table: number("table"), entry: number("entry") };
}

/** A button that copies the address of the moment that `now()` gives; where that fails it is in the address bar. */
export function makeLink(now) {
  const button = html("button", { type: "button", ...OWN_KEYS }, "Copy a link to this moment");
  const said = html("output", { class: "ptlab-note", "aria-live": "polite" });
  button.addEventListener("click", async () => {
    const { schedule, step, table, entry } = now(), line = schedule ? `schedule=${schedule}&` : "", where = table === undefined ? "" : `&table=${table}&entry=${entry}`;
    history.replaceState(null, "", `#${line}step=${step}${where}`);
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = "copied";
    } catch {
      said.textContent = "the address bar has it";
    }
  });
  return html("div", { class: "ptlab-link" }, said, button);
}

/** Whether this page is a page of its own, so that its address leads to it. */
export const isOwnPage = () => window === window.top;

/** Ids of tables are "n" and a number, which the links have. */
export const idOf = (table) => `n${table}`;
export const tableOf = (id) => (id ? Number(id.slice(1)) : undefined);
