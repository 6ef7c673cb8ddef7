// The picture of one pane. Graphviz has placed the boxes once; a step only changes texts, classes and strips.

import { makeHeads, HEAD } from "./columns.mjs";
import { ENTRIES, OWN_KEYS, PADLOCK, at, draw, fill, html } from "./dom.mjs";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const MARGIN = 7, STRIP = 7; // around a picture and in a box; how high a strip is
const ABOVE = 5; // room above the first row, for the mark of a change
const TITLE = 11, LINE = 10, SLOT = 9.5; // sizes of type
const SMALLEST = 0.8, LARGEST = 1.35; // scales; a tree that is still too large scrolls
const UNBORN = { state: "absent", number: null, line: "", strip: [] };

const pen = document.createElement("canvas").getContext("2d");
function widthOf(text, size, weight = "") {
  pen.font = `${weight} ${size}px sans-serif`;
  return pen.measureText(text).width * 1.06; // the notebook's own font may be a little wider
}
const fits = new Map(); // to measure a text takes long, and few differ
/** The size of type at which `text` fits. */
function fitting(text, size, room) {
  const key = `${text} ${size} ${room}`;
  if (!fits.has(key)) fits.set(key, Math.min(size, size * room / Math.max(1, widthOf(text, size))));
  return fits.get(key);
}

/** The runs of one kind in the box of the strip; a lone entry stays wide enough to be seen. */
function stripPath(runs, box) {
  return runs.map(([low, high]) => {
    const width = Math.max(2, (high - low) / ENTRIES * box.width);
    const x = Math.min(box.x + low / ENTRIES * box.width, box.x + box.width - width);
    return `M${x} ${box.y}h${width}v${STRIP}h${-width}z`;
  }).join("");
}

/** The elements of one table: frame, slot, title, line, strip, and room for marks. */
function makeBox(id, node, columns, height, process) {
  const { width } = columns.find(({ level }) => level === node.level), { x, y } = node;
  const box = { x, y, width, height }, room = width - 2 * MARGIN;
  const strip = { x: x + MARGIN, y: y + height - STRIP - 5, width: room };
  const slots = node.places.map(({ slot }) => (slot === null ? "" : `[${slot}]`));
  const named = process && node.level === "PGD" ? `${process}: ` : "";
  const wide = node.level === "PTE"; // the slot stands before the title; in a narrow box after the line
  const slot = draw("text", wide ? { class: "slot", x: strip.x, y: y + 13, "font-size": SLOT }
    : { class: "slot at-end", x: strip.x + room, y: y + 25, "font-size": SLOT });
  const taken = slots[0] ? widthOf(slots[0], SLOT) + 3 : 0, [before, after] = wide ? [taken, 0] : [0, taken];
  const heading = draw("text", { class: "name", x: strip.x + before, y: y + 13, "font-size": fitting(node.title, TITLE, room - before - 10) }, node.title);
  const line = draw("text", { class: "line", x: strip.x, y: y + 25 });
  const frame = (shift, part) => draw("rect", { ...box, x: x + shift, y: y - shift, rx: 5, class: part });
  const runs = draw("g"), mark = draw("path", { class: "mark" });
  const pill = draw("rect", { y: y - 9, height: 13, rx: 6.5 }), change = draw("text", { y: y + 1, "font-size": LINE });
  const corner = `translate(${x + width - 14} ${y + 5}) scale(0.62)`;
  const g = draw("g", { role: "button", tabindex: "-1", "data-node": id, ...OWN_KEYS },
    ...(node.fold === null ? [] : [frame(4, "under"), frame(2, "under")]), frame(0, "frame"), slot, heading, line,
    draw("path", { d: PADLOCK, transform: corner, class: "padlock" }),
    draw("rect", { ...strip, height: STRIP, class: "strip-box" }), runs, mark, draw("g", { class: "change" }, pill, change));
  return { g, edge: draw("path"), id, node, box, strip, slot, slots, after, named, line, runs, mark, pill, change, key: "", look: UNBORN };
}

/** A table in one sentence. */
const spoken = ({ named, node: { title }, look: { state, line } }) => `${named}${title}, ${state}: ${line}`;

function paint(view, look, before, { edges, changed, focus, locked, slot }) {
  const { state, number, line, strip } = (view.look = look);
  const classes = ["node", view.node.level, `is-${state}`, changed && "is-changed", focus && "is-focus", locked && "is-locked"];
  fill(view.g, { class: classes.filter(Boolean).join(" "), "aria-label": spoken(view), "aria-hidden": state === "absent" });
  view.line.textContent = `${view.named}${line}`;
  view.line.setAttribute("font-size", fitting(view.line.textContent, LINE, view.strip.width - view.after));
  view.slot.textContent = slot;
  view.edge.setAttribute("class", `edge is-${edges[state]}`);
  const kinds = [...new Set(strip.map((run) => run[2]))];
  view.runs.replaceChildren(...kinds.map((kind) =>
    draw("path", { d: stripPath(strip.filter((run) => run[2] === kind), view.strip), class: `kind-${kind}` })));
  const counted = changed && before.number !== null && number !== null && before.number !== number;
  const change = counted ? `${before.number} \u2192 ${number}` : "";
  const width = change ? widthOf(change, LINE, "700") + 12 : 0, right = view.box.x + view.box.width + 3;
  fill(view.pill, { x: right - width, width });
  fill(view.change, { x: right - width / 2 });
  view.change.textContent = change;
}

/** The page at the end of a walk, in the last column. */
function makePage({ x, width }) {
  const frame = draw("rect", { x, width, height: 34, rx: 5, class: "frame" });
  const name = draw("text", { x: x + width / 2, "font-size": LINE, class: "label" }, "page frame");
  const number = draw("text", { x: x + width / 2, "font-size": LINE, class: "number" });
  const edge = draw("path", { class: "edge is-lit" });
  const element = draw("g", { class: "page" }, edge, frame, name, number);
  return {
    element,
    show(box, text) {
      element.toggleAttribute("hidden", !box);
      if (!box) return;
      const middle = box.y + box.height / 2;
      fill(frame, { y: middle - 17 });
      fill(name, { y: middle - 3 });
      fill(number, { y: middle + 11, "font-size": fitting(text, LINE, width - 8) });
      number.textContent = text;
      edge.setAttribute("d", `M${box.x + box.width} ${middle}H${x}`);
    },
  };
}

const bend = (from, to) => {
  const x = from.x + from.width, y = from.y + from.height / 2, end = to.y + to.height / 2, half = (to.x - x) / 2;
  return `M${x} ${y}C${x + half} ${y} ${to.x - half} ${end} ${to.x} ${end}`;
};

/** The tree of `pane` in a scroller of its own; `onPick(id)` when a table is clicked or entered. */
export function makeTree(pane, { columns, box_height: height, palette: { edges } }, onPick) {
  const end = columns.at(-1), width = end.x + end.width + MARGIN;
  const views = Object.entries(pane.nodes)
    .map(([id, node]) => makeBox(id, node, columns, height, pane.processes[node.process].name))
    .sort((a, b) => a.node.process - b.node.process || a.box.x - b.box.x || a.box.y - b.box.y);
  const viewOf = new Map(views.map((view) => [view.id, view]));
  const heads = makeHeads(columns, width), page = makePage(end);
  const tall = ABOVE + pane.height + MARGIN;
  const svg = draw("svg", { viewBox: `0 ${-ABOVE} ${width} ${tall}`, role: "group", "aria-label": `Page tables of ${pane.heading}` },
    draw("g", { "aria-hidden": "true" }, ...views.map((view) => view.edge)), page.element, ...views.map((view) => view.g));

  // Groups, not regions: a notebook has many trees of one design, and landmarks must differ in name.
  const group = { role: "group", "aria-label": `Tree of ${pane.heading}`, tabindex: "0", ...OWN_KEYS };
  const scroller = html("div", { class: "ptlab-tree", ...group }, heads.svg, svg);
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
    const wide = seen.width / width, high = (seen.height - 1) / (tall + HEAD);
    scale = Math.max(SMALLEST, Math.min(wide, LARGEST, Math.max(high, SMALLEST)));
    for (const [part, own] of [[svg, tall], [heads.svg, HEAD]]) fill(part, { width: Math.floor(width * scale), height: Math.floor(own * scale) });
    lookAround();
    if (target) bringIntoView(target, "instant");
  });
  sizes.observe(scroller);

  /** Where a table is drawn, in pixels of the scroller's content. */
  function placeOf({ box }) {
    const left = box.x * scale, top = (box.y + ABOVE + HEAD) * scale;
    return { left, top, right: left + box.width * scale, bottom: top + box.height * scale };
  }
  /** The scroll position that shows `low` to `high`, as near as possible to the present one. */
  const nearest = (position, size, low, high) => Math.max(Math.min(position, low), high - size);
  /** Scroll only if the table is outside, and no further than it needs: the other tables should stay. */
  function bringIntoView(view, behavior) {
    const own = placeOf(view), parent = viewOf.get(parentOf(view)), head = HEAD * scale, edge = MARGIN * scale;
    const inside = own.left >= seen.left && own.right <= seen.left + seen.width
      && own.top - edge >= seen.top + head && own.bottom + edge <= seen.top + seen.height;
    if (inside) return;
    const up = parent ? placeOf(parent) : own; // is shown too, if both fit
    let top = Math.min(own.top, up.top), bottom = Math.max(own.bottom, up.bottom);
    if (bottom - top + 2 * edge > seen.height - head) ({ top, bottom } = own);
    const left = Math.min(own.left, up.left), right = Math.max(own.right, up.right);
    scroller.scrollTo({
      left: nearest(seen.left, seen.width, left - edge, right + edge),
      top: nearest(seen.top + head, seen.height - head, top - edge, bottom + edge) - head,
      behavior,
    });
  }

  let shownStep = 0;
  const placeAt = (view) => view.node.places[at(view.node.places, shownStep)] ?? view.node.places[0];
  const parentOf = (view) => placeAt(view).parent;
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
      stop.g.focus({ preventScroll: true });
      bringIntoView(stop, "instant");
    } else if (view && (event.key === "Enter" || event.key === " ")) onPick(view.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function show(step, previous, held, jumped) {
    const { focus } = pane.steps[step];
    shownStep = step;
    for (const view of views) {
      const { track } = view.node, now = at(track, step), changed = now >= 0 && track[now].step > previous;
      const before = changed ? at(track, previous) : now, place = Math.max(0, at(view.node.places, step));
      const focused = step !== previous && focus.includes(view.id);
      const locked = held.some(({ table }) => table === view.id);
      const key = `${now} ${before} ${focused} ${locked} ${place}`;
      if (key === view.key) continue;
      view.key = key;
      const above = viewOf.get(view.node.places[place].parent);
      if (above) view.edge.setAttribute("d", bend(above.box, view.box));
      paint(view, track[now] ?? UNBORN, track[before] ?? UNBORN, { edges, changed, focus: focused, locked, slot: view.slots[place] });
    }
    if (!stop || stop.look.state === "absent") tabStop(shown()[0]);
    target = viewOf.get(focus[0]) ?? target ?? shown()[0];
    if (target) bringIntoView(target, jumped || STILL.matches ? "instant" : "smooth");
  }
  /** Light up the way of an address. */
  function light(address, { path, frame }) {
    const read = new Map(path.map((one) => [one.id, one.index]));
    heads.show(address, frame === null || frame === undefined ? path.length : columns.length);
    for (const { g, edge, id, mark, strip } of views) {
      const index = read.get(id), lit = index !== undefined;
      g.classList.toggle("is-lit", lit);
      edge.classList.toggle("is-lit", lit);
      const x = strip.x + ((index ?? 0) + 0.5) / ENTRIES * strip.width;
      mark.setAttribute("d", lit ? `M${x} ${strip.y}l-3.5 -5h7z` : "");
    }
    const last = viewOf.get(path.at(-1)?.id);
    page.show(frame === null || frame === undefined ? null : last?.box, frame === undefined || frame === null ? "" : `0x${frame.toString(16)}`);
  }
  return {
    scroller,
    show,
    light,
    mark: (id) => views.forEach((view) => view.g.toggleAttribute("data-picked", view.id === id)),
    focus: () => stop.g.focus({ preventScroll: true }),
    enter: () => stop.g.focus({ preventScroll: true }),
    sentenceOf: (id) => spoken(viewOf.get(id)),
    stop: () => sizes.disconnect(),
  };
}
