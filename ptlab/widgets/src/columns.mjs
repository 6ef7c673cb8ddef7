// The address over the tree: its bit groups are the heads of the columns, so that a walk is read from left to right.

import { draw } from "./dom.mjs";
import { indexOf } from "./walk.mjs";

export const HEAD = 53; // how high the heads are
const LARGEST = 12, ADVANCE = 0.61; // size of type, and how wide a digit is in it

/** Which bits of an address a column takes, as "bits 20-12". */
export const rangeOf = ({ shift, bits }) => `bits ${shift + bits - 1}\u2013${shift}`;

/** The heads of the columns as SVG, as wide as the picture below it. */
export function makeHeads(columns, width) {
  const heads = columns.map((column) => {
    const { level, bits, x, width: own } = column;
    const size = Math.min(LARGEST, (own - 6) / bits / ADVANCE);
    const group = draw("text", { class: "bits", x: x + own / 2, y: 16, "font-size": size });
    const number = draw("tspan", { class: "index" });
    const frame = draw("rect", { x, y: 1, width: own, height: HEAD - 4, rx: 5, class: `head ${level}` });
    const name = draw("tspan");
    const label = draw("text", { class: "label", x: x + own / 2, y: 32, "font-size": 10.5 }, name, number);
    const range = draw("text", { class: "label", x: x + own / 2, y: 44, "font-size": 9.5 }, rangeOf(column));
    return { group, name, number, element: draw("g", {}, frame, group, label, range) };
  });
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEAD}`, class: "ptlab-heads", role: "img" }, ...heads.map((head) => head.element));
  return {
    svg,
    /** Show an address: the first columns are the `read` ones, the others its `offset` in the page that it leads to, or null. */
    show(address, read, offset, changed) {
      const found = offset !== null;
      const spoken = columns.map((column, k) => {
        const index = indexOf(address, column), { group, name, number, element } = heads[k];
        const begins = found ? k === read : column.level === "page", goesOn = found && k > read; // a huge page has a long offset
        group.textContent = index.toString(2).padStart(column.bits, "0");
        name.textContent = begins ? "offset " : goesOn ? "of the offset" : `${column.level} entry `;
        number.textContent = goesOn ? "" : begins && found ? offset : index;
        element.setAttribute("class", `${found || k < read ? "is-read" : ""} ${column.level === changed ? "is-changed" : ""}`);
        return goesOn ? "" : `${name.textContent}${number.textContent}`;
      });
      svg.setAttribute("aria-label", `Address 0x${address.toString(16)}: ${spoken.filter(Boolean).join(", ")}`);
    },
  };
}
