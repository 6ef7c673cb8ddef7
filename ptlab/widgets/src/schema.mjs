// The version of a payload that this front end plays, and how it refuses another one.

import { html } from "./dom.mjs";

const SCHEMA = 6; // as in ptlab/widgets/payload.py

/** A payload of another version has other fields, so it would be shown wrongly. */
export function checkSchema(payload) {
  if (payload?.schema === SCHEMA) return;
  throw new Error(`its payload has schema ${payload?.schema ?? "none"}, and this page plays schema ${SCHEMA}. `
    + "Run the cell again with the ptlab that is installed.");
}

/** Say in `root`, instead of the story or the race, why it cannot be shown. */
export function refuse(root, what, { message }) {
  const words = `This ${what} cannot be shown: ${message}`;
  root.replaceChildren(html("div", { class: "ptlab ptlab-error", role: "alert" }, words));
}
