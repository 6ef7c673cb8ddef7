// The picture of one pane. Graphviz has placed the boxes once; a step only changes texts, classes and strips.

import { MARGIN, UNBORN, makeBox, makePage, paint, spoken } from "./box.mjs";
import { makeHeads, HEAD } from "./columns.mjs";
import { ENTRIES, OWN_KEYS, at, draw, fill, html } from "./dom.mjs";
import { drawnOf, makeChanges, makeFolds } from "./folds.mjs";
import { makeLinks } from "./sharing.mjs";
import { entryAt, frameOf } from "./walk.mjs";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const ROW_GAP = 8; // between two rows of an open fold, as between others
const ABOVE = 5; // room above the first row, for the mark of a change
const SMALLEST = 0.8, LARGEST = 1.35, LECTURE = 4; // scales; a tree that is still too large scrolls

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
  const known = new Map(views.map((view) => [view.id, view])), folds = makeFolds(pane), changesOf = makeChanges(pane);
  let revealed = []; // what is drawn of folds: each lies on its fold, which is otherwise closed
  /** The view of a node; that of one in a fold is made when it is first drawn. */
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
  const links = makeLinks(pane);
  const edgeLayer = draw("g", { "aria-hidden": "true" }, ...[...views.map((view) => view.edge), ...links.map(({ path: line }) => line)]);
  const svg = draw("svg", { viewBox: `0 ${-ABOVE} ${width} ${tall}`, role: "group", "aria-label": `Page tables of ${pane.heading}` },
    edgeLayer, page.element, ...views.map((view) => view.g));

  // Groups, not regions: a notebook has many trees of one design, and landmarks must differ in name.
  const group = { role: "group", "aria-label": `Tree of ${pane.heading}`, tabindex: "0", ...OWN_KEYS };
  const more = html("button", { type: "button", ...OWN_KEYS });
  const scroller = html("div", { class: "ptlab-tree", ...group }, heads.svg, svg, html("div", { class: "ptlab-more" }, more));
  // Kept at hand: to ask for them in the middle of a step makes the browser lay everything out at once.
  let scale = 1, seen = { left: 0, top: 0, width: 0, height: 0 };
  let targets = [], rest = []; // what the story looks at, and what of it is outside
  function lookAround() {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = scroller;
    seen = { left: scrollLeft, top: scrollTop, width: clientWidth, height: clientHeight };
    tellOfRest();
  }
  scroller.addEventListener("scroll", lookAround);
  function resize() {
    lookAround();
    if (!seen.width) return;
    const wide = seen.width / width, high = (seen.height - 1) / (tall + HEAD);
    const largest = scroller.closest(".is-lecture") ? LECTURE : LARGEST;
    scale = Math.max(SMALLEST, Math.min(wide, largest, Math.max(high, SMALLEST)));
    for (const [part, own] of [[svg, tall], [heads.svg, HEAD]]) fill(part, { width: Math.floor(width * scale), height: Math.floor(own * scale) });
    lookAround();
    if (targets.length) bringIntoView(targets, "instant");
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
  const unionOf = (places) => ({
    left: Math.min(...places.map((one) => one.left)), top: Math.min(...places.map((one) => one.top)),
    right: Math.max(...places.map((one) => one.right)), bottom: Math.max(...places.map((one) => one.bottom)),
  });
  const fits = ({ left, top, right, bottom }) => right - left + 2 * MARGIN * scale <= seen.width
    && bottom - top + 2 * MARGIN * scale <= seen.height - HEAD * scale;
  const isInside = ({ left, top, right, bottom }) => left >= seen.left && right <= seen.left + seen.width
    && top - MARGIN * scale / 2 >= seen.top + HEAD * scale && bottom + MARGIN * scale / 2 <= seen.top + seen.height;
  /** Scroll only if one of the tables is outside, and no further than it needs: the other tables should stay. */
  function bringIntoView(all, behavior) {
    const places = all.map(placeOf), [first] = all, parent = viewOf(parentOf(first)), edge = MARGIN * scale, head = HEAD * scale;
    if (places.every(isInside)) return;
    const family = unionOf([...places, ...(parent ? [placeOf(parent)] : [])]), several = unionOf(places);
    const { left, top, right, bottom } = [family, several].find(fits) ?? places[0]; // its parent is shown too, if both fit
    scroller.scrollTo({
      left: nearest(seen.left, seen.width, left - edge, right + edge),
      top: nearest(seen.top + head, seen.height - head, top - edge, bottom + edge) - head,
      behavior,
    });
  }
  /** Name the tables of the step that lie outside; a click leads to them. */
  function tellOfRest() {
    rest = targets.filter((view) => !isInside(placeOf(view)));
    more.hidden = rest.length === 0;
    if (!rest.length) return;
    const up = placeOf(rest[0]).top < seen.top + HEAD * scale;
    more.textContent = `${up ? "\u25b4" : "\u25be"} ${rest.length} more in this step: ${rest.map(({ node }) => node.title).join(", ")}`;
    more.title = more.textContent;
  }
  more.addEventListener("click", () => bringIntoView(rest, STILL.matches ? "instant" : "smooth"));

  let shownStep = 0, behavior = "instant";
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
      bringIntoView([stop], "instant");
    } else if (view && (event.key === "Enter" || event.key === " ")) choose(view);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  let lit = null; // the way that is lit up
  const relight = () => lit && light(...lit);
  let moment = { step: 0, previous: 0, held: [], changes: new Map() };
  /** Show a table as it is at this moment. */
  function update(view) {
    const { step, previous, held, changes } = moment, { track, places } = view.node, { focus } = pane.steps[step];
    const tables = folds.tablesOf(view.id), changing = tables ? [...tables.keys()].filter((k) => changes.has(tables[k])) : [];
    const isAbout = (test) => (changing.length > 1 ? changing.some((k) => test(tables[k])) : test(view.id)); // of one, its own box
    const now = at(track, step), newer = now >= 0 && track[now].step > previous, changed = newer || isAbout((id) => changes.get(id));
    const before = newer ? at(track, previous) : now, place = Math.max(0, at(places, step));
    const focused = step !== previous && isAbout((id) => focus.includes(id));
    const locked = isAbout((id) => held.some(({ table }) => table === id));
    const key = `${now} ${before} ${changed} ${focused} ${locked} ${place} ${changing}`;
    if (key === view.key) return;
    view.key = key;
    const above = viewOf(places[place].parent);
    if (above) view.edge.setAttribute("d", bend(above.box, view.box));
    const cells = tables && { states: folds.statesOf(view.id, step), changed: changing };
    paint(view, track[now] ?? UNBORN, track[before] ?? UNBORN, { edges, changed, focus: focused, locked, slot: view.slots[place], cells });
  }
  const open = new Map(); // the folds that are open, with the tables in them from top to bottom
  const choose = (view) => (view.node.fold === null ? onPick(view.id) : toggle(view));
  /** Open a fold, or close it: its tables get a row each below it, and what was below it moves down. */
  function toggle({ id, g }) {
    const inside = (name) => Object.keys(pane.nodes).filter((one) => pane.nodes[one].inside === name && pane.nodes[one].fold === null);
    if (!open.delete(id)) open.set(id, rowsOf(inside(id)));
    g.setAttribute("aria-expanded", open.has(id));
    reveal();
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
  /** Draw of the folds what the step changes and where the walk leads; hide the rest. */
  function reveal() {
    const path = lit ? lit[1].path.map(({ id }) => id) : [];
    const drawn = drawnOf(folds, pane.nodes, moment.changes.keys(), path, (id) => parentOf(viewOf(id)), (fold) => open.has(fold));
    const own = [...drawn].filter((id) => pane.nodes[id].inside !== null).map(viewOf);
    const next = [...[...open.values()].flatMap((rows) => [...rows.keys()].map(viewOf)), ...own];
    for (const view of revealed) if (!next.includes(view)) for (const part of [view.g, view.edge]) part.setAttribute("hidden", "");
    for (const view of next) for (const part of [view.g, view.edge]) part.removeAttribute("hidden");
    revealed = next;
    revealed.forEach(update);
  }
  /** Draw the lines to tables from others than those below which they have their place. */
  function drawLinks(read) {
    for (const { from, index, to, path } of links) {
      const { word, kind } = entryAt(pane.entries[from], index, shownStep), [above, view] = [from, to].map(viewOf);
      const isThere = kind === "table" && `n${frameOf(word, kind)}` === to && parentOf(view) !== from;
      const isDrawn = isThere && [above, view].every((one) => one.node.inside === null);
      path.setAttribute("d", isDrawn ? bend(above.box, view.box) : "");
      path.classList.toggle("is-lit", read.has(from) && read.has(to));
    }
  }
  function show(step, previous, held, jumped) {
    shownStep = step;
    moment = { step, previous, held, changes: changesOf(step, previous) };
    lit = null;
    views.forEach(update);
    reveal();
    if (!stop || stop.look.state === "absent") tabStop(shown()[0]);
    const now = [...new Set([...moment.changes.keys()].map(boxOf))].filter((view) => view.look.state !== "absent");
    if (now.length || !targets.length) targets = now.length ? now : shown().slice(0, 1);
    behavior = jumped || STILL.matches ? "instant" : "smooth";
    bringIntoView(targets, behavior);
    tellOfRest();
  }
  /** Mark the table that is looked at. It is brought into view, unless the step is about others. */
  function mark(id) {
    known.forEach((view) => view.g.toggleAttribute("data-picked", view.id === id));
    if (moment.changes.size) return;
    targets = [boxOf(id)];
    bringIntoView(targets, behavior);
    tellOfRest();
  }
  /** What is drawn for a table: itself, or the box of several in its fold. */
  function boxOf(id) {
    const view = viewOf(id), drawn = pane.nodes[id].inside === null || revealed.includes(view);
    return drawn ? view : viewOf(folds.boxOf(id));
  }
  /** Light up the way of an address. */
  function light(address, { path, frame, offset }) {
    lit = [address, { path, frame, offset }];
    const read = new Map(path.map(({ id, index }) => [id, (index + 0.5) / ENTRIES]));
    for (const { id } of path.filter((one) => pane.nodes[one.id].inside !== null)) {
      const box = folds.boxOf(id), tables = folds.tablesOf(box);
      read.set(box, (tables.indexOf(id) + 0.5) / tables.length);
    }
    const { focus: [about], entries } = pane.steps[shownStep];
    heads.show(address, path.length, frame === null ? null : offset, entries && pane.nodes[about].level);
    reveal();
    drawLinks(read);
    for (const { g, edge, id, node, mark, strip } of [...views, ...revealed]) {
      const part = read.get(id), isRead = part !== undefined;
      g.classList.toggle("is-lit", isRead);
      edge.classList.toggle("is-lit", isRead && (node.level === "PGD" || read.has(parentOf(viewOf(id)))));
      const x = strip.x + (part ?? 0) * strip.width;
      mark.setAttribute("d", isRead ? `M${x} ${strip.y}l-3.5 -5h7z` : "");
    }
    page.show(frame === null ? null : viewOf(path.at(-1).id).box, frame === null ? "" : `0x${frame.toString(16)}`);
  }
  return {
    scroller,
    show,
    light,
    mark,
    focus: () => stop.g.focus({ preventScroll: true }),
    enter: () => stop.g.focus({ preventScroll: true }),
    sentenceOf: (id) => spoken(viewOf(id)),
    stop: () => sizes.disconnect(),
  };
}
