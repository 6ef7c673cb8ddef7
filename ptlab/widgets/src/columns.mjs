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
    const label = draw("text", { class: "label", x: x + own / 2, y: 32, "font-size": 10.5 },
      level === "page" ? "offset " : `${level} entry `, number);
    const range = draw("text", { class: "label", x: x + own / 2, y: 44, "font-size": 9.5 }, rangeOf(column));
    return { group, number, element: draw("g", {}, frame, group, label, range) };
  });
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEAD}`, class: "ptlab-heads", role: "img" }, ...heads.map((head) => head.element));
  return {
    svg,
    /** Show an address; the first `reached` columns are those that the walk reads, and the step changes `changed`. */
    show(address, reached, changed) {
      const spoken = columns.map((column, k) => {
        const index = indexOf(address, column), { group, number, element } = heads[k];
        group.textContent = index.toString(2).padStart(column.bits, "0");
        number.textContent = index;
        element.setAttribute("class", `${k < reached ? "is-read" : ""} ${column.level === changed ? "is-changed" : ""}`);
        return `${column.level === "page" ? "offset" : `${column.level} entry`} ${index}`;
      });
      svg.setAttribute("aria-label", `Address 0x${address.toString(16)}: ${spoken.join(", ")}`);
    },
  };
}
