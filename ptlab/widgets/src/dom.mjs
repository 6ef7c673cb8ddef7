// What every part of the stage uses: elements, tracks (values over steps), the kinds of entries.

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

/** Index of the last record of a track whose step is at most `step`; -1 if there is none. */
export function at(track, step) {
  let low = 0, high = track.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle].step <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
export const valueAt = (track, step) => track[at(track, step)]?.value ?? 0;
export const most = (track) => track.reduce((top, { value }) => Math.max(top, value), 0);
/** The one of `items` for which `measure` gives most. */
export const longest = (items, measure) => items.reduce((best, one) => (measure(one) > measure(best) ? one : best));

export const ENTRIES = 512;
export const PADLOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
export const hex = (number) => `0x${number.toString(16)}`;

// One shape for each kind of entry, in a cell of 14 by 14: colour is never alone.
export const CELL = 14;
/** The mark of a kind with its cell's corner at (x, y), as the data of an SVG path. */
export const markAt = ({ mark }, x, y) => mark.map(([dx, dy, strokes]) => `M${x + dx} ${y + dy}${strokes}`).join("");

/** Give `root` the colours of the palette, as custom properties that the style sheet uses. */
export function paintWith({ kinds, levels, interface: around }, root) {
  const set = (name, { light, dark }) => root.style.setProperty(name, `light-dark(${light}, ${dark})`);
  for (const [name, tone] of [kinds, levels, around].flatMap(Object.entries)) set(`--of-${name}`, tone);
}
