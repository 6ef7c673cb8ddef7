// The picture of one pane. Graphviz has placed the boxes once; a step only changes texts, classes and strips.

import { MARGIN, UNBORN, makeBox, makePage, paint, spoken } from "./box.mjs";
import { makeHeads, HEAD } from "./columns.mjs";
import { ENTRIES, OWN_KEYS, at, draw, fill, html } from "./dom.mjs";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const ROW_GAP = 8; // between two rows of an open fold, as between others
const ABOVE = 5; // room above the first row, for the mark of a change
const SMALLEST = 0.8, LARGEST = 1.35; // scales; a tree that is still too large scrolls

const bend = (from, to) => {
  const x = from.x + from.width, y = from.y + from.height / 2, end = to.y + to.height / 2, half = (to.x - x) / 2;
  return `M${x} ${y}C${x + half} ${y} ${to.x - half} ${end} ${to.x} ${end}`;
};

/** The tree of `pane` in a scroller of its own; `onPick(id)` when a table is clicked or entered. */
export function makeTree(pane, { columns, box_height: height, palette: { edges } }, onPick) {
  const end = columns.at(-1), width = end.x + end.width + MARGIN;
  const make = (id) => makeBox(id, pane.nodes[id], columns, height, pane.processes[pane.nodes[id].process].name);
  const views = Object.keys(pane.nodes).filter((id) => pane.nodes[id].inside === null).map(make)
    .sort((a, b) => a.node.process - b.node.process || a.box.x - b.box.x || a.box.y - b.box.y);
  const known = new Map(views.map((view) => [view.id, view]));
  let revealed = []; // the tables of folds that are looked at: each lies on its fold, which is otherwise closed
  /** The view of a node; that of a table in a fold is made when it is first looked at. */
  function viewOf(id) {
    if (id in pane.nodes && !known.has(id)) {
      const view = make(id);
      known.set(id, view);
      fill(view.g, { hidden: "" });
      fill(view.edge, { hidden: "" });
      edgeLayer.append(view.edge);
      svg.append(view.g);
    }
    return known.get(id);
  }
  const heads = makeHeads(columns, width), page = makePage(end);
  let tall = ABOVE + pane.height + MARGIN;
  const edgeLayer = draw("g", { "aria-hidden": "true" }, ...views.map((view) => view.edge));
  const svg = draw("svg", { viewBox: `0 ${-ABOVE} ${width} ${tall}`, role: "group", "aria-label": `Page tables of ${pane.heading}` },
    edgeLayer, page.element, ...views.map((view) => view.g));

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
  function resize() {
    lookAround();
    if (!seen.width) return;
    const wide = seen.width / width, high = (seen.height - 1) / (tall + HEAD);
    scale = Math.max(SMALLEST, Math.min(wide, LARGEST, Math.max(high, SMALLEST)));
    for (const [part, own] of [[svg, tall], [heads.svg, HEAD]]) fill(part, { width: Math.floor(width * scale), height: Math.floor(own * scale) });
    lookAround();
    if (target) bringIntoView(target, "instant");
  }
  const sizes = new ResizeObserver(resize);
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
    const own = placeOf(view), parent = viewOf(parentOf(view)), head = HEAD * scale, edge = MARGIN * scale;
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
  const shown = () => [...views, ...revealed].filter((view) => view.look.state !== "absent");
  let stop = null; // the one table in the tab order
  function tabStop(view) {
    stop?.g.setAttribute("tabindex", "-1");
    view?.g.setAttribute("tabindex", "0");
    stop = view;
  }
  const viewUnder = (event) => viewOf(event.target.closest("g.node")?.dataset.node);
  svg.addEventListener("click", (event) => {
    const view = viewUnder(event);
    if (!view) return;
    tabStop(view);
    view.g.focus({ preventScroll: true });
    choose(view);
  });
  svg.addEventListener("keydown", (event) => {
    const view = viewUnder(event), way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (view && way) {
      const all = shown(), next = all[all.indexOf(view) + way];
      if (next) tabStop(next);
      stop.g.focus({ preventScroll: true });
      bringIntoView(stop, "instant");
    } else if (view && (event.key === "Enter" || event.key === " ")) choose(view);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  let lit = null; // the way that is lit up
  const relight = () => lit && light(...lit);
  let moment = { step: 0, previous: 0, held: [] };
  /** Show a table as it is at this moment. */
  function update(view) {
    const { step, previous, held } = moment, { track } = view.node, { focus } = pane.steps[step];
    const now = at(track, step), changed = now >= 0 && track[now].step > previous;
    const before = changed ? at(track, previous) : now, place = Math.max(0, at(view.node.places, step));
    const focused = step !== previous && focus.includes(view.id);
    const locked = held.some(({ table }) => table === view.id);
    const key = `${now} ${before} ${focused} ${locked} ${place}`;
    if (key === view.key) return;
    view.key = key;
    const above = viewOf(view.node.places[place].parent);
    if (above) view.edge.setAttribute("d", bend(above.box, view.box));
    paint(view, track[now] ?? UNBORN, track[before] ?? UNBORN, { edges, changed, focus: focused, locked, slot: view.slots[place] });
  }
  const open = new Map(); // the folds that are open, with the tables in them from top to bottom
  const choose = (view) => (view.node.fold === null ? onPick(view.id) : toggle(view));
  /** Open a fold, or close it: its tables get a row each below it, and what was below it moves down. */
  function toggle({ id, g }) {
    const inside = (name) => Object.keys(pane.nodes).filter((one) => pane.nodes[one].inside === name);
    if (!open.delete(id)) open.set(id, rowsOf(inside(id)));
    g.setAttribute("aria-expanded", open.has(id));
    reveal(revealed.map((view) => view.id));
    const extra = [...open].map(([fold, rows]) => [pane.nodes[fold].y, rows.size ? Math.max(...rows.values()) * (height + ROW_GAP) : 0]);
    const above = (y) => extra.reduce((sum, [from, more]) => sum + (from < y ? more : 0), 0);
    for (const view of known.values()) {
      const { node } = view, row = open.get(node.inside)?.get(view.id) ?? 0;
      view.box.y = node.y + above(node.y) + row * (height + ROW_GAP);
      view.g.setAttribute("transform", `translate(0 ${view.box.y - node.y})`);
      view.key = "";
    }
    tall = ABOVE + pane.height + MARGIN + above(Infinity);
    svg.setAttribute("viewBox", `0 ${-ABOVE} ${width} ${tall}`);
    resize();
    [...views, ...revealed].forEach(update);
    relight();
  }
  /** Which row each table of an open fold has, from 1: that of its first child, if it has children there. */
  function rowsOf(ids) {
    const rows = new Map(), of = (parent) => ids.filter((one) => pane.nodes[one].places[0].parent === parent);
    let next = 1;
    function place(id) {
      const children = of(id);
      rows.set(id, next);
      children.forEach(place);
      if (children.length === 0) next++;
    }
    ids.filter((one) => !ids.includes(pane.nodes[one].places[0].parent)).forEach(place);
    return rows;
  }
  /** Of each fold show the first of these tables in each column, and those that it hangs below; hide the others. */
  function reveal(ids) {
    const wanted = new Map();
    for (const first of ids) {
      for (let id = first; pane.nodes[id]?.inside; id = parentOf(viewOf(id))) {
        const key = `${pane.nodes[id].inside} ${pane.nodes[id].level}`;
        if (!wanted.has(key) && !open.has(pane.nodes[id].inside)) wanted.set(key, viewOf(id));
      }
    }
    const next = [...[...open.values()].flatMap((rows) => [...rows.keys()].map(viewOf)), ...wanted.values()];
    for (const view of revealed) if (!next.includes(view)) for (const part of [view.g, view.edge]) part.setAttribute("hidden", "");
    for (const view of next) for (const part of [view.g, view.edge]) part.removeAttribute("hidden");
    revealed = next;
    revealed.forEach(update);
  }
  function show(step, previous, held, jumped) {
    const { focus } = pane.steps[step];
    shownStep = step;
    moment = { step, previous, held };
    views.forEach(update);
    reveal(focus);
    if (!stop || stop.look.state === "absent") tabStop(shown()[0]);
    target = viewOf(focus[0]) ?? target ?? shown()[0];
    if (target) bringIntoView(target, jumped || STILL.matches ? "instant" : "smooth");
  }
  /** Light up the way of an address. */
  function light(address, { path, frame }) {
    lit = [address, { path, frame }];
    const read = new Map(path.map((one) => [one.id, one.index]));
    heads.show(address, frame === null ? path.length : columns.length);
    reveal([...pane.steps[shownStep].focus, ...path.map(({ id }) => id)]);
    for (const { g, edge, id, mark, strip } of [...views, ...revealed]) {
      const index = read.get(id), isRead = index !== undefined;
      g.classList.toggle("is-lit", isRead);
      edge.classList.toggle("is-lit", isRead);
      const x = strip.x + ((index ?? 0) + 0.5) / ENTRIES * strip.width;
      mark.setAttribute("d", isRead ? `M${x} ${strip.y}l-3.5 -5h7z` : "");
    }
    page.show(frame === null ? null : viewOf(path.at(-1).id).box, frame === null ? "" : `0x${frame.toString(16)}`);
  }
  return {
    scroller,
    show,
    light,
    mark: (id) => known.forEach((view) => view.g.toggleAttribute("data-picked", view.id === id)),
    focus: () => stop.g.focus({ preventScroll: true }),
    enter: () => stop.g.focus({ preventScroll: true }),
    sentenceOf: (id) => spoken(viewOf(id)),
    stop: () => sizes.disconnect(),
  };
}
