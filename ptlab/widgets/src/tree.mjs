// The picture of one pane: Graphviz laid it out once, a step only changes texts, classes and strips.

import { ENTRIES, OWN_KEYS, PADLOCK, at, draw, fill, html } from "./dom.mjs";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const PADDING = 8; // of the scroller, as in the style sheet
const SMALLEST = 8, LARGEST = 10; // how many pixels the smallest text may have; a tree that is still too wide scrolls
const UNBORN = { state: "absent", number: null, line: "", strip: [], text: "" };

const numbers = (text) => text.match(/-?[\d.]+/g).map(Number);

function boxOf(shape) {
  const all = numbers(shape.getAttribute("points") ?? shape.getAttribute("d"));
  const xs = all.filter((_, i) => i % 2 === 0), ys = all.filter((_, i) => i % 2 === 1);
  const x = Math.min(...xs), y = Math.min(...ys);
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

const pen = document.createElement("canvas").getContext("2d");
function widthOf(text, size) {
  pen.font = `${size}px sans-serif`;
  return pen.measureText(text).width * 1.04; // the notebook's own font may be a little wider
}

/** The runs of one kind in the box of the strip; a lone entry stays wide enough to be seen. */
function stripPath(runs, box) {
  return runs.map(([low, high]) => {
    const width = Math.max(2, (high - low) / ENTRIES * box.width);
    const x = Math.min(box.x + low / ENTRIES * box.width, box.x + box.width - width);
    return `M${x} ${box.y}h${width}v${box.height}h${-width}z`;
  }).join("");
}

/** Dress one Graphviz node: our frame instead of its shapes, its texts at the left, room for marks. */
function dress(g, id, node) {
  const texts = [...g.querySelectorAll("text")], [name, place, line] = texts;
  const boxes = [...g.querySelectorAll("path, polygon")].map(boxOf); // the node's own first, the strip's last
  const box = boxes[0], strip = { ...boxes.at(-1), x: box.x + 7, width: box.width - 14 };
  const longest = node.track.reduce((best, { line: one }) => (one.length > best.length ? one : best), "");
  for (const [text, content] of [[name, node.title], [place, node.place], [line, longest]]) {
    const size = Number(text.getAttribute("font-size"));
    for (const attribute of ["text-anchor", "font-family", "fill"]) text.removeAttribute(attribute);
    fill(text, { x: strip.x, "font-size": Math.min(size, size * strip.width / widthOf(content, size)) });
    text.textContent = content;
  }
  name.setAttribute("class", "name");
  line.setAttribute("class", "line");
  const frame = (shift, part) =>
    draw("rect", { ...box, x: box.x + shift, y: box.y - shift, rx: 4, class: part });
  const fold = node.fold !== null;
  const runs = draw("g");
  const pill = draw("rect", { y: box.y - 13, height: 16, rx: 8 });
  const change = draw("text", { y: box.y - 1.5, "font-size": 10 });
  const corner = `translate(${strip.x + strip.width - 10} ${box.y + 4}) scale(0.7)`;
  g.replaceChildren(
    ...(fold ? [frame(6, "under"), frame(3, "under")] : []), frame(0, "frame"), ...texts,
    draw("path", { d: PADLOCK, transform: corner, class: "padlock" }),
    draw("rect", { ...strip, class: "strip-box" }), runs, draw("g", { class: "change" }, pill, change),
  );
  fill(g, { role: "button", tabindex: "-1", "data-node": id, ...OWN_KEYS });
  return { g, id, node, box, strip, place, line, runs, pill, change, fold, key: "", look: UNBORN };
}

function paint(view, look, before, { edges, changed, focus, locked }) {
  const { state, number, line, strip, text } = (view.look = look);
  const classes = ["node", view.node.level, `is-${state}`,
    changed && "is-changed", focus && "is-focus", locked && "is-locked"];
  view.g.setAttribute("class", classes.filter(Boolean).join(" "));
  view.g.setAttribute("aria-label", text);
  view.g.setAttribute("aria-hidden", state === "absent");
  view.line.textContent = line;
  view.edge?.setAttribute("class", `edge is-${edges[state]}`);
  const kinds = [...new Set(strip.map((run) => run[2]))];
  view.runs.replaceChildren(...kinds.map((kind) =>
    draw("path", { d: stripPath(strip.filter((run) => run[2] === kind), view.strip), class: `kind-${kind}` })));
  const counted = changed && before.number !== null && number !== null && before.number !== number;
  const change = counted ? `${before.number} \u2192 ${number}` : "";
  const width = change ? widthOf(change, 10) + 14 : 0, right = view.box.x + view.box.width + 6;
  fill(view.pill, { x: right - width, width });
  fill(view.change, { x: right - width / 2 });
  view.change.textContent = change;
}

/**
 * The tree of `pane` in a scroller of its own; `onPick(id)` when a table is clicked or entered.
 * `edges` is how the line from the parent is drawn, by the state of the table.
 */
export function makeTree(pane, edges, onPick) {
  const picture = new DOMParser().parseFromString(pane.svg, "image/svg+xml").documentElement;
  if (picture.localName !== "svg") throw new Error(`the picture of pane ${pane.name} is not SVG`);
  const svg = document.importNode(picture, true);
  const shift = /translate\(([-\d.]+)[ ,]+([-\d.]+)/.exec(svg.innerHTML);
  if (!shift) throw new Error(`the picture of pane ${pane.name} is not Graphviz's: its drawing has no translate()`);
  const [, , width, height] = numbers(svg.getAttribute("viewBox"));
  const byId = new Map([...svg.querySelectorAll("g.node, g.edge")].map((g) => [g.id, g]));
  // Two views of one story share the page, where an id must not occur twice. Titles would be tooltips.
  for (const element of svg.querySelectorAll("[id]")) element.removeAttribute("id");
  for (const element of svg.querySelectorAll("title, g.graph > polygon")) element.remove();
  fill(svg, { role: "group", "aria-label": `Page tables of ${pane.heading}` });

  const views = Object.entries(pane.nodes).map(([id, node]) => {
    if (!byId.has(id)) throw new Error(`the picture of pane ${pane.name} has no table ${id}`);
    return { ...dress(byId.get(id), id, node), edge: byId.get(`e-${node.parent}-${id}`) };
  }).sort((a, b) => a.box.y - b.box.y || a.box.x - b.box.x);
  const viewOf = new Map(views.map((view) => [view.id, view]));
  for (const edge of svg.querySelectorAll("g.edge")) {
    edge.setAttribute("aria-hidden", "true");
    edge.parentNode.prepend(edge); // no line crosses a table or its marks
  }

  // Groups, not regions: a notebook has many trees of one design, and landmarks must differ in name.
  const group = { role: "group", "aria-label": `Tree of ${pane.heading}`, tabindex: "0", ...OWN_KEYS };
  const scroller = html("div", { class: "ptlab-tree", ...group }, svg);
  const smallest = Math.min(...views.map((view) => Number(view.place.getAttribute("font-size"))));
  // Kept at hand: to ask for them in the middle of a step makes the browser lay everything out at once.
  let scale = 1, seen = { left: 0, top: 0, width: 0, height: 0 };
  let target = null; // the table that the story looks at
  function lookAround() {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = scroller;
    seen = { left: scrollLeft, top: scrollTop, width: clientWidth, height: clientHeight };
  }
  scroller.addEventListener("scroll", lookAround);
  const sizes = new ResizeObserver(() => {
    lookAround();
    if (!seen.width) return;
    const fitting = (seen.width - 2 * PADDING) / width;
    scale = Math.min(Math.max(fitting, SMALLEST / smallest), LARGEST / smallest);
    fill(svg, { width: Math.floor(width * scale), height: Math.ceil(height * scale) });
    lookAround();
    if (target) bringIntoView(target, "instant");
  });
  sizes.observe(scroller);

  /** Where a table is drawn, in pixels of the scroller's content. */
  function placeOf({ box }) {
    const left = (box.x + Number(shift[1])) * scale + PADDING, top = (box.y + Number(shift[2])) * scale + PADDING;
    return { left, top, right: left + box.width * scale, bottom: top + box.height * scale };
  }
  /** The scroll position that shows `low` to `high`, as near as possible to the present one. */
  const nearest = (position, size, low, high) => Math.max(Math.min(position, low), high - size);
  /** Scroll only if the table is outside, and no further than it needs: the other tables should stay. */
  function bringIntoView(view, behavior) {
    const own = placeOf(view), parent = viewOf.get(view.node.parent);
    const inside = own.left >= seen.left && own.right <= seen.left + seen.width
      && own.top >= seen.top && own.bottom <= seen.top + seen.height;
    if (inside) return;
    const up = parent ? placeOf(parent) : own; // is shown too, if both fit
    let left = Math.min(own.left, up.left), right = Math.max(own.right, up.right);
    if (right - left + 2 * PADDING > seen.width) ({ left, right } = own);
    scroller.scrollTo({
      left: nearest(seen.left, seen.width, left - PADDING, right + PADDING),
      top: nearest(seen.top, seen.height, own.top - PADDING, own.bottom + PADDING),
      behavior,
    });
  }

  const shown = () => views.filter((view) => view.look.state !== "absent");
  let stop = null; // the one table in the tab order
  function tabStop(view) {
    stop?.g.setAttribute("tabindex", "-1");
    view?.g.setAttribute("tabindex", "0");
    stop = view;
  }
  const viewUnder = (event) => viewOf.get(event.target.closest("g.node")?.dataset.node);
  svg.addEventListener("click", (event) => {
    const view = viewUnder(event);
    if (!view) return;
    tabStop(view);
    view.g.focus({ preventScroll: true });
    onPick(view.id);
  });
  svg.addEventListener("keydown", (event) => {
    const view = viewUnder(event), way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (view && way) {
      const all = shown(), next = all[all.indexOf(view) + way];
      if (next) tabStop(next);
      stop.g.focus();
    } else if (view && (event.key === "Enter" || event.key === " ")) onPick(view.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function show(step, previous, held, jumped) {
    const { focus } = pane.steps[step];
    for (const view of views) {
      const { track } = view.node;
      const now = at(track, step), changed = now >= 0 && track[now].step > previous;
      const before = changed ? at(track, previous) : now;
      const focused = step !== previous && focus.includes(view.id);
      const locked = held.some(({ table }) => table === view.id);
      const key = `${now} ${before} ${focused} ${locked}`;
      if (key === view.key) continue;
      view.key = key;
      paint(view, track[now] ?? UNBORN, track[before] ?? UNBORN, { edges, changed, focus: focused, locked });
    }
    if (!stop || stop.look.state === "absent") tabStop(shown()[0]);
    target = viewOf.get(focus[0]) ?? target ?? shown()[0];
    if (target) bringIntoView(target, jumped || STILL.matches ? "instant" : "smooth");
  }
  return {
    scroller,
    show,
    mark: (id) => views.forEach((view) => view.g.toggleAttribute("data-picked", view.id === id)),
    focus: () => stop.g.focus({ preventScroll: true }),
    enter: () => stop.g.focus(),
    sentenceOf: (id) => viewOf.get(id).look.text,
    stop: () => sizes.disconnect(),
  };
}
