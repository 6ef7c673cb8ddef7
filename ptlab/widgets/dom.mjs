// What every part of the stepper uses: elements, tracks (values over steps), the kinds of entries.

const SVG = "http://www.w3.org/2000/svg";

export function fill(element, attributes, ...children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
export const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, ...children);
export const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, ...children);
export const icon = (path) =>
  draw("svg", { viewBox: "0 0 16 16", class: "ptlab-icon", "aria-hidden": "true" }, draw("path", { d: path }));

/** For everything that takes the focus: JupyterLab then leaves its keys alone. */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** `element` over an unseen ghost of the longest thing it will ever show: it keeps its size, nothing below jumps. */
export const steady = (element, ghost) =>
  html("div", { class: "ptlab-steady" }, fill(ghost, { "aria-hidden": "true" }), element);

/** Index of the last record whose step (its first item) is at most `step`; -1 if there is none. */
export function at(track, step) {
  let low = 0, high = track.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle][0] <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
export const valueAt = (track, step) => track[at(track, step)]?.[1];

export const ENTRIES = 512;
export const PADLOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
export const KINDS = {
  page: "maps a page",
  file: "maps a page of a file",
  huge: "maps a huge page of 2 MiB",
  table: "points to a lower table",
  zero: "maps the shared zero page",
  swap: "swapped out",
  marker: "marker, no page",
  protnone: "page that may not be accessed",
  none: "empty, all 64 bits are zero",
};

// One shape for each kind, in a cell of 14 by 14: colour is never alone.
export const CELL = 14;
export const GLYPH = {
  page: (x, y) => `M${x + 2} ${y + 2}h10v10h-10z`,
  file: (x, y) => `M${x + 2} ${y + 2}h7l3 3v7h-10z`,
  huge: (x, y) => `M${x + 1} ${y + 1}h12v12h-12z`,
  table: (x, y) => `M${x + 2} ${y + 2}h10l-5 10z`,
  zero: (x, y) => `M${x + 2} ${y + 2}h10v10h-10zM${x + 4} ${y + 4}v6h6v-6z`,
  swap: (x, y) => `M${x + 2} ${y + 12}v-4l6 -6h4v4l-6 6z`,
  marker: (x, y) => `M${x + 7} ${y + 3}l4 4l-4 4l-4 -4z`,
  protnone: (x, y) => `M${x + 2} ${y + 3}h10v2h-10zM${x + 2} ${y + 9}h10v2h-10z`,
};
