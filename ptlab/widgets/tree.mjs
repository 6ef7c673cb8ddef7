// The picture of one pane: Graphviz laid it out once, a step only changes texts, classes and strips.

import { ENTRIES, at, draw, fill, html } from "./dom.mjs";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const PADDING = 8; // of the scroller, as in the style sheet
// How the line from the parent is drawn: a new table is not in the tree yet, a cut one was.
const EDGE = { absent: "absent", new: "absent", live: "live", unhooked: "cut", rcu: "cut", freed: "cut" };

const numbers = (text) => text.match(/-?[\d.]+/g).map(Number);
function boxOf(shape) {
  const all = numbers(shape.getAttribute("points") ?? shape.getAttribute("d"));
  const xs = all.filter((_, i) => i % 2 === 0), ys = all.filter((_, i) => i % 2 === 1);
  const x = Math.min(...xs), y = Math.min(...ys);
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Where on the strip the runs of one kind are; a lone entry stays wide enough to be seen. */
function stripPath(runs, kind, box) {
  return runs.filter((run) => run[2] === kind).map(([low, high]) => {
    const width = Math.max(2, (high - low) / ENTRIES * box.width);
    const x = Math.min(box.x + low / ENTRIES * box.width, box.x + box.width - width);
    return `M${x} ${box.y}h${width}v${box.height}h${-width}z`;
  }).join("");
}

/** Dress one Graphviz node: our frame instead of its polygons, its texts at the left, room for marks. */
function dress(g, id, node, measure) {
  const texts = [...g.querySelectorAll("text")], [name, place, line] = texts;
  const boxes = [...g.querySelectorAll("path, polygon")].map(boxOf); // first the node's own, last the place of the strip
  const box = boxes[0], strip = { ...boxes.at(-1), x: box.x + 7, width: box.width - 14 };
  const frame = (dx, name) => draw("rect", { x: box.x + dx, y: box.y - dx, width: box.width, height: box.height, rx: 4, class: name });
  const fold = node.base === null;
  g.replaceChildren(...(fold ? [frame(6, "under"), frame(3, "under")] : []), frame(0, "frame"), ...texts);
  const longest = node.track.reduce((best, record) => (record[2].length > best.length ? record[2] : best), "");
  for (const [text, content] of [[name, node.title], [place, node.place], [line, longest]]) {
    if (!text) continue;
    text.textContent = content;
    text.setAttribute("x", strip.x);
    const size = Number(text.getAttribute("font-size"));
    text.setAttribute("font-size", Math.min(size, size * strip.width / measure(content, size)));
    for (const attribute of ["text-anchor", "font-family", "fill"]) text.removeAttribute(attribute);
  }
  name.setAttribute("class", "name");
  line.setAttribute("class", "line");
  const runs = draw("g", { class: "strip" });
  const delta = draw("g", { class: "delta" }, draw("rect", { y: box.y - 13, height: 16, rx: 8 }), draw("text", { y: box.y - 1.5, "font-size": 10 }));
  g.append(draw("rect", { ...strip, class: "strip-box" }), runs, delta);
  // The line of a fold counts tables by state: its first number is not always of the same thing.
  return { g, id, node, box, strip, line, runs, delta, counts: !fold, key: "" };
}

export function makeTree(pane, onPick) {
  const doc = new DOMParser().parseFromString(pane.svg, "image/svg+xml");
  const svg = document.importNode(doc.documentElement, true);
  if (svg.localName !== "svg") throw new Error(`the picture of pane ${pane.name} is not SVG`);
  const [, , width, height] = numbers(svg.getAttribute("viewBox"));
  const shift = /translate\(([-\d.]+)[ ,]+([-\d.]+)/.exec(svg.innerHTML);
  if (!shift) throw new Error(`the picture of pane ${pane.name} is not Graphviz's: its drawing has no translate()`);
  const [, shiftX, shiftY] = shift.map(Number);
  const byId = new Map();
  for (const g of svg.querySelectorAll("g.node, g.edge")) byId.set(g.id, g);
  // Two views of one story share the page: an id must not occur twice, nor Graphviz's tooltips and white background.
  for (const element of svg.querySelectorAll("[id]")) element.removeAttribute("id");
  for (const element of svg.querySelectorAll("title, g.graph > polygon")) element.remove();
  fill(svg, { role: "group", "aria-label": `Page tables of ${pane.heading}` }, []);
  const pen = document.createElement("canvas").getContext("2d");
  const measure = (text, size) => { pen.font = `${size}px sans-serif`; return pen.measureText(text).width * 1.04; };

  const views = Object.entries(pane.nodes).map(([id, node]) => {
    if (!byId.has(id)) throw new Error(`the picture of pane ${pane.name} has no table ${id}`);
    const view = dress(byId.get(id), id, node, measure);
    view.edges = [...byId].filter(([edge]) => edge.startsWith("e-") && edge.endsWith("-" + id)).map(([, g]) => g);
    fill(view.g, { role: "button", tabindex: "-1", "data-node": id, "data-lm-suppress-shortcuts": "true" }, []);
    return view;
  }).sort((a, b) => a.box.y - b.box.y || a.box.x - b.box.x);
  const viewOf = new Map(views.map((view) => [view.id, view]));
  for (const edge of svg.querySelectorAll("g.edge")) {
    edge.setAttribute("aria-hidden", "true");
    edge.parentNode.prepend(edge); // no line crosses a node or its marks
  }

  // Text never gets smaller than 10 px: a wide tree scrolls in its own scroller instead.
  const scroller = html("div", { class: "ptlab-tree", tabindex: "0", role: "region", "aria-label": `Tree of ${pane.heading}`, "data-lm-suppress-shortcuts": "true" }, svg);
  const smallest = Math.min(...[...svg.querySelectorAll("text[font-size]")].map((text) => Number(text.getAttribute("font-size"))));
  // Kept at hand, because to ask for them in the middle of a step makes the browser lay everything out at once.
  let scale = 1, seen = { left: 0, top: 0, width: 0, height: 0 };
  const look = () => { seen = { left: scroller.scrollLeft, top: scroller.scrollTop, width: scroller.clientWidth, height: scroller.clientHeight }; };
  scroller.addEventListener("scroll", look);
  const sizes = new ResizeObserver(() => {
    look();
    if (!seen.width) return;
    scale = Math.min(Math.max((seen.width - 2 * PADDING) / width, 10 / smallest), 11 / smallest);
    svg.setAttribute("width", Math.floor(width * scale));
    svg.setAttribute("height", Math.ceil(height * scale));
  });
  sizes.observe(scroller);

  const visible = () => views.filter((view) => view.look && view.look[1] !== "absent");
  let stop = null; // the one node in the tab order
  function tabStop(view) {
    stop?.g.setAttribute("tabindex", "-1");
    (stop = view)?.g.setAttribute("tabindex", "0");
  }
  svg.addEventListener("click", (event) => {
    const view = viewOf.get(event.target.closest("g.node")?.dataset.node);
    if (view) { tabStop(view); view.g.focus({ preventScroll: true }); onPick(view.id); }
  });
  svg.addEventListener("keydown", (event) => {
    const view = viewOf.get(event.target.closest("g.node")?.dataset.node);
    if (!view) return;
    if (event.key === "Enter" || event.key === " ") onPick(view.id);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const all = visible();
      const next = all[all.indexOf(view) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { tabStop(next); next.g.focus(); }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function paint(view, record, before, changed, focus) {
    const [, state, line, strip, sentence] = record ?? [0, "absent", "", [], ""];
    view.look = record;
    const born = state !== "absent";
    view.g.setAttribute("class", `node ${view.node.level} is-${state}${changed ? " is-changed" : ""}${focus ? " is-focus" : ""}`);
    view.g.setAttribute("aria-label", sentence);
    view.g[born ? "removeAttribute" : "setAttribute"]("aria-hidden", "true");
    view.line.textContent = line;
    for (const edge of view.edges) edge.setAttribute("class", `edge is-${EDGE[state]}`);
    view.runs.replaceChildren(...[...new Set(strip.map((run) => run[2]))].map((kind) => draw("path", { d: stripPath(strip, kind, view.strip), class: `kind-${kind}` })));
    const [was, now] = [before?.[2], line].map((text) => /^\d+/.exec(text ?? "")?.[0]);
    const delta = changed && view.counts && was && now && was !== now ? `${was} \u2192 ${now}` : "";
    const [pill, text] = view.delta.children;
    const wide = delta ? measure(delta, 10) + 14 : 0, right = view.box.x + view.box.width + 6;
    text.textContent = delta;
    text.setAttribute("x", right - wide / 2);
    fill(pill, { x: right - wide, width: wide }, []);
  }

  function show(step, previous, jumped) {
    const focused = new Set(step === previous ? [] : pane.steps[step].focus);
    for (const view of views) {
      const { track } = view.node;
      const now = at(track, step), changed = now >= 0 && track[now][0] > previous;
      const before = changed ? at(track, previous) : now;
      const key = `${now} ${before} ${focused.has(view.id)}`;
      if (key === view.key) continue;
      view.key = key;
      paint(view, track[now], track[before], changed, focused.has(view.id));
    }
    if (!stop?.look || stop.look[1] === "absent") tabStop(visible()[0]);
    const target = viewOf.get(pane.steps[step].focus[0]);
    if (target) bringIntoView(target.box, jumped || STILL.matches ? "instant" : "smooth");
  }
  function bringIntoView(box, behavior) {
    const left = (box.x + shiftX) * scale + PADDING, right = left + box.width * scale;
    const top = (box.y + shiftY) * scale + PADDING, bottom = top + box.height * scale;
    if (left >= seen.left && right <= seen.left + seen.width && top >= seen.top && bottom <= seen.top + seen.height) return;
    scroller.scrollTo({ left: (left + right - seen.width) / 2, top: (top + bottom - seen.height) / 2, behavior });
  }
  const mark = (id) => views.forEach((view) => view.g.toggleAttribute("data-picked", view.id === id));
  return { scroller, show, mark, lookOf: (id) => viewOf.get(id)?.look, stop: () => sizes.disconnect() };
}
