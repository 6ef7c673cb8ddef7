// The code that runs at a step: the call path to click through, and the source with the line of the step marked.
// In a race each task has its own line.

import { OWN_KEYS, fill, html } from "./dom.mjs";

const ABOVE = 3; // lines that are shown above the marked one, where there is room

/** A row of buttons of which one is pressed. */
function choices(label, className) {
  const element = html("div", { class: className, role: "group", "aria-label": label });
  return {
    element,
    show(names, pressed, choose) {
      element.replaceChildren(...names.map((name, k) => {
        const button = html("button", { type: "button", "aria-pressed": k === pressed, ...OWN_KEYS }, name);
        button.addEventListener("click", () => {
          choose(k);
          element.children[k].focus();
        });
        return button;
      }));
      element.hidden = names.length < 2;
    },
  };
}

/** What a function follows in the kernel, as a link to it. */
function originOf({ origin }) {
  if (!origin) return [];
  const link = html("a", { href: origin.url, target: "_blank", rel: "noopener", ...OWN_KEYS }, origin.file);
  return ["follows ", link, `, ${origin.of}`];
}

/** A line of source. What does not fit goes on below, further in than the line begins. */
function lineOf(line, isHere) {
  const further = `${line.length - line.trimStart().length + 4}ch`;
  return fill(html("span", { style: `padding-left: calc(6px + ${further}); text-indent: -${further}` }),
    isHere ? { class: "is-here", "aria-current": "true" } : {}, `${line}\n`);
}

/** The panel of the tab Code. */
export function makeCode({ functions, calls }) {
  const tasks = choices("Whose code", "ptlab-whose"), path = choices("Call path", "ptlab-calls");
  const name = html("b"), where = html("span"), head = html("h4", { class: "ptlab-note" }, name, " ", where);
  const follows = html("p", { class: "ptlab-note" });
  const source = html("pre", { class: "ptlab-source", tabindex: "0", "aria-label": "Source", ...OWN_KEYS });
  const element = html("div", { class: "ptlab-code" }, tasks.element, path.element, head, follows, source);
  let lines = [["", 0]], whose = 0, frames = [], open = -1;

  /** `all` are the call paths to choose from, as [who, index of the path]; `now` is the one of this step. */
  function show(all, now) {
    lines = all;
    whose = now;
  }
  function chooseTask(k) {
    whose = k;
    frames = calls[lines[whose][1]];
    tasks.show(lines.map(([who]) => who), whose, chooseTask);
    chooseCall(frames.length - 1);
  }
  function chooseCall(k) {
    open = k;
    path.show(frames.map(([f]) => functions[f].name), open, chooseCall);
    frames.forEach(([f], at) => path.element.children[at].classList.toggle("is-own", !functions[f].kernel));
    path.element.hidden = frames.length === 0;
    drawSource();
  }
  function drawSource() {
    if (open < 0) {
      name.textContent = "No kernel function runs yet.";
      for (const part of [where, follows, source]) part.replaceChildren();
      return;
    }
    const [f, at] = frames[open], { title, file, first, lines: text } = functions[f];
    name.textContent = title;
    where.textContent = file ? `${file}, line ${first + at}` : "your own code";
    follows.replaceChildren(...originOf(functions[f]));
    source.replaceChildren(...text.map((line, k) => lineOf(line, k === at)));
    if (text.length === 0) source.textContent = "Its source is not at hand.";
    const marked = source.children[at];
    if (marked) source.scrollTop = marked.offsetTop - Math.min(ABOVE * marked.offsetHeight, source.clientHeight / 3);
  }
  /** Draw what show() was told: to do it at each step would cost a layout that nobody sees. */
  const redraw = () => chooseTask(whose);
  return { element, show, redraw };
}
