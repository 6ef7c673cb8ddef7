// The page caches of files: for each a small box with its strip, which says of each page whether it is there, mapped, dirty.

import { at, draw, fill, html } from "./dom.mjs";

const HEIGHT = 14, WIDTH = 1000; // of a strip, in its own units
const LOOKS = { cached: [9, 5], mapped: [4, 10], dirty: [0, 14] }; // where a page of each state begins, and how high it is

/** How many pages a strip is long: a page may still be there beyond the end of a file that became shorter. */
const length = ({ pages, strip }) => Math.max(pages, 1, ...strip.map(([, to]) => to));

/** The shape of the runs of one state. A lone page stays wide enough to be seen. */
function shape(strip, state, pages) {
  const [y, high] = LOOKS[state], most = WIDTH / 100;
  return strip.filter((run) => run[2] === state).map(([from, to]) => {
    const width = Math.max(most / 2, (to - from) / pages * WIDTH - (WIDTH / pages > most ? most / 5 : 0));
    return `M${Math.min(from / pages * WIDTH, WIDTH - width)} ${y}h${width}v${high}h${-width}z`;
  }).join("");
}

/** The boxes of a pane; `show(step, previous)` draws them, `mark(frame)` points at the page that a walk leads to. */
export function makeCaches({ caches }) {
  const boxes = caches.map(({ title, track }) => {
    const paths = Object.keys(LOOKS).map((state) => [state, draw("path", { class: `cache-${state}` })]), pointer = draw("path", { class: "mark" });
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 7}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "strip-box", width: WIDTH, height: HEIGHT }), ...paths.map(([, path]) => path), pointer);
    const line = html("span"), element = html("li", {}, html("p", {}, html("span", { class: "ptlab-what" }, "Page cache of "), html("b", {}, title), ": ", line), svg);
    return { track, paths, pointer, line, element, now: null };
  });
  const element = html("ul", { class: "ptlab-caches", "aria-label": "Page caches of files" }, ...boxes.map((box) => box.element));
  element.hidden = boxes.length === 0;
  return {
    element,
    show(step, previous) {
      for (const box of boxes) {
        const { track, paths, line, element: one } = box, look = track[at(track, step)];
        one.classList.toggle("is-changed", look !== undefined && look.step > previous && step !== previous);
        one.hidden = look === undefined;
        if (look === box.now) continue;
        box.now = look;
        line.textContent = line.parentElement.title = look?.line ?? "";
        for (const [state, path] of paths) fill(path, { d: look ? shape(look.strip, state, length(look)) : "" });
      }
    },
    mark(frame) {
      for (const { now, pointer } of boxes) {
        const run = frame === null ? undefined : now?.strip.find(([from, to, , first]) => frame >= BigInt(first) && frame < BigInt(first + to - from));
        const x = run && (run[0] + Number(frame) - run[3] + 0.5) / length(now) * WIDTH;
        fill(pointer, { d: run ? `M${x} ${HEIGHT}l-6 7h12z` : "" });
      }
    },
  };
}
