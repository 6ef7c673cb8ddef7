// The code that runs at a step: the call path to click through, and the source with the line of the step marked.

import { OWN_KEYS, fill, html } from "./dom.mjs";

const ABOVE = 3; // lines that are shown above the marked one

/** The panel of the tab Code. */
export function makeCode({ functions, calls }) {
  const path = html("div", { class: "ptlab-calls", role: "group", "aria-label": "Call path" });
  const head = html("h4"), where = html("p", { class: "ptlab-note" });
  const source = html("pre", { class: "ptlab-source", tabindex: "0", "aria-label": "Source", ...OWN_KEYS });
  const element = html("div", { class: "ptlab-code" }, path, head, where, source);
  let frames = [], open = -1;

  function show(index) {
    frames = calls[index];
    open = frames.length - 1;
    drawPath();
  }
  function drawPath() {
    path.replaceChildren(...frames.map(([f], k) => {
      const { name, kernel } = functions[f];
      const button = html("button", { type: "button", "aria-pressed": k === open, class: kernel ? "" : "is-own", ...OWN_KEYS }, name);
      button.addEventListener("click", () => {
        open = k;
        drawPath();
        path.children[k].focus();
      });
      return button;
    }));
    drawSource();
  }
  function drawSource() {
    if (open < 0) {
      head.textContent = "No kernel function runs yet.";
      for (const part of [where, source]) part.replaceChildren();
      return;
    }
    const [f, at] = frames[open], { title, file, first, lines } = functions[f];
    head.textContent = title;
    where.textContent = file ? `${file}, line ${first + at}` : "your own code";
    source.replaceChildren(...lines.map((line, k) => fill(html("span"), k === at ? { class: "is-here", "aria-current": "true" } : {}, `${line}\n`)));
    if (lines.length === 0) source.textContent = "Its source is not at hand.";
    const marked = source.children[at];
    if (marked) source.scrollTop = Math.max(0, marked.offsetTop - source.offsetTop - ABOVE * marked.offsetHeight);
    source.scrollLeft = 0;
  }
  return { element, show, redraw: drawSource };
}
