// Made by `make front-end` from ptlab/widgets/src, d595cca5d4d06c3d

// ptlab/widgets/src/dom.mjs
var SVG = "http://www.w3.org/2000/svg";
function fill(element, attributes, ...children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
var html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, ...children);
var draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, ...children);
var icon = (path) => draw("svg", { viewBox: "0 0 16 16", class: "ptlab-icon", "aria-hidden": "true" }, draw("path", { d: path }));
var OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };
var steady = (element, ghost) => html("div", { class: "ptlab-steady" }, fill(ghost, { "aria-hidden": "true" }), element);
function at(track, step) {
  let low = 0, high = track.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (track[middle].step <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
var valueAt = (track, step) => track[at(track, step)]?.value;
var ENTRIES = 512;
var PADLOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
var CELL = 14;
var markAt = ({ mark }, x, y) => mark.map(([dx, dy, strokes]) => `M${x + dx} ${y + dy}${strokes}`).join("");
function paintWith({ kinds, levels }, root) {
  const set = (name, { light, dark }) => root.style.setProperty(name, `light-dark(${light}, ${dark})`);
  for (const [kind, tone] of Object.entries(kinds)) set(`--${kind}`, tone);
  for (const [level, tone] of Object.entries(levels)) set(`--${level}`, tone);
}

// ptlab/widgets/src/entries.mjs
var COLUMNS = 32;
var ROWS = ENTRIES / COLUMNS;
var MARGIN = 2;
var INDICES = Array.from({ length: ENTRIES }, (_, i) => i);
var column = (i) => i % COLUMNS * CELL;
var row = (i) => Math.floor(i / COLUMNS) * CELL;
var cells = (indices, shape) => indices.map((i) => shape(column(i), row(i))).join("");
var outline = (x, y) => `M${x + 0.5} ${y + 0.5}h13v13h-13z`;
var hex = (number) => `0x${number.toString(16)}`;
function makeWords(changes) {
  const words = new BigUint64Array(ENTRIES), kinds = new Array(ENTRIES).fill("none");
  let next = 0;
  return (step) => {
    if (next > 0 && changes[next - 1].step > step) {
      words.fill(0n);
      kinds.fill("none");
      next = 0;
    }
    for (; next < changes.length && changes[next].step <= step; next++) {
      const { first, last, word, grows, kind } = changes[next];
      kinds.fill(kind, first, last);
      for (let i = first; i < last; i++) words[i] = BigInt(word) + BigInt(i - first) * BigInt(grows);
    }
    return { words, kinds };
  };
}
function decode(word, kind, flags) {
  const mapped = (word & 1n) === 1n || kind === "protnone";
  const frame = (kind === "protnone" ? ~word : word) >> 12n & (1n << 40n) - 1n;
  const isSet = (bit) => mapped && (word >> BigInt(bit) & 1n) === 1n;
  return {
    pfn: mapped ? frame : null,
    flags: flags.map(([letter, bit, meaning]) => ({ letter, set: isSet(bit), meaning: `bit ${bit}, ${meaning}` }))
  };
}
function makeEntries(pane, payload, onEntry, onClose) {
  const title = html("h4"), note = html("p", { class: "ptlab-note" });
  const word = html("tbody"), flagList = html("ul", { class: "ptlab-flags", "aria-label": "Flag bits" });
  const close = html("button", { type: "button", ...OWN_KEYS }, "Close");
  close.addEventListener("click", onClose);
  const { kinds, none } = payload.palette;
  const meaningOf = (kind) => kinds[kind]?.meaning ?? none;
  const layers = Object.entries(kinds).map(([kind, look]) => ({
    kind,
    look,
    path: draw("path", { class: `kind-${kind}`, "fill-rule": "evenodd" })
  }));
  const changed = draw("path", { class: "changed" });
  const chosen = draw("rect", { class: "chosen", width: CELL + 2, height: CELL + 2, rx: 2 });
  const grid = draw("svg", {
    viewBox: `${-MARGIN} ${-MARGIN} ${COLUMNS * CELL + 2 * MARGIN} ${ROWS * CELL + 2 * MARGIN}`,
    class: "ptlab-grid",
    role: "slider",
    tabindex: "0",
    "aria-valuemin": 0,
    "aria-valuemax": ENTRIES - 1,
    ...OWN_KEYS
  }, draw("path", { class: "empty", d: cells(INDICES, outline) }), ...layers.map(({ path }) => path), changed, chosen);
  const facts = html("div", { class: "ptlab-facts" }, html("table", { class: "ptlab-word" }, word), flagList);
  const body = html("div", { class: "ptlab-entries-body" }, grid, facts);
  const panel = html("section", { class: "ptlab-entries" }, html("header", {}, title, close), note, body);
  panel.hidden = true;
  let id = "", entry = 0, replay = null, now = null;
  function open(table, index, step, previous, sentence) {
    const changes = pane.entries[table] ?? [], node = pane.nodes[table];
    if (table !== id) replay = makeWords(changes);
    id = table;
    now = replay(step);
    const recent = changes.filter((change) => change.step > previous && change.step <= step);
    const folded = node.fold !== null;
    title.textContent = `Entries of ${node.title}`;
    note.textContent = folded ? `${sentence}. They are drawn as one, without their entries.` : "";
    body.hidden = folded;
    panel.hidden = false;
    for (const { kind, look, path } of layers) {
      path.setAttribute("d", cells(INDICES.filter((i) => now.kinds[i] === kind), (x, y) => markAt(look, x, y)));
    }
    changed.setAttribute("d", cells(recent.flatMap(({ first, last }) => INDICES.slice(first, last)), outline));
    if (!folded) choose(index ?? recent[0]?.first ?? Math.max(0, now.kinds.findIndex((kind) => kind !== "none")));
  }
  function choose(index) {
    entry = Math.max(0, Math.min(ENTRIES - 1, index));
    fill(chosen, { x: column(entry) - 1, y: row(entry) - 1 });
    const value = now.words[entry], kind = now.kinds[entry], node = pane.nodes[id];
    const { pfn, flags } = decode(value, kind, payload.flags);
    const below = kind === "table" && pane.nodes[`n${pfn}`];
    const rows = {
      Entry: String(entry),
      Address: hex(BigInt(node.base) + BigInt(entry) * BigInt(node.entry_size)),
      Word: `0x${value.toString(16).padStart(16, "0")}`,
      Kind: `${kind}: ${meaningOf(kind)}`,
      pfn: pfn === null ? "none" : `${pfn} = ${hex(pfn)}${below ? `, ${below.title}` : ""}`
    };
    word.replaceChildren(...Object.entries(rows).map(([name, text]) => html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, text))));
    flagList.replaceChildren(...flags.map(({ letter, set: set2, meaning }) => html("li", { class: set2 ? "set" : "unset" }, html("b", {}, `${set2 ? 1 : 0} ${letter}`), ` ${meaning}`)));
    const set = flags.filter((flag) => flag.set).map((flag) => flag.letter).join(", ");
    const spoken = `entry ${entry}: ${meaningOf(kind)}${set && `, pfn ${pfn}, ${set}`}`;
    fill(grid, { "aria-label": title.textContent, "aria-valuenow": entry, "aria-valuetext": spoken });
  }
  function select(index) {
    choose(index);
    onEntry(entry);
  }
  grid.addEventListener("pointerdown", (event) => {
    const box = grid.getBoundingClientRect(), unit = (COLUMNS * CELL + 2 * MARGIN) / box.width;
    const cellAt = (pixels) => Math.floor((pixels * unit - MARGIN) / CELL);
    const x = Math.max(0, Math.min(COLUMNS - 1, cellAt(event.clientX - box.left)));
    select(x + COLUMNS * cellAt(event.clientY - box.top));
  });
  grid.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: entry - 1,
      ArrowRight: entry + 1,
      ArrowUp: entry - COLUMNS,
      ArrowDown: entry + COLUMNS,
      Home: 0,
      End: ENTRIES - 1
    }[event.key];
    if (to === void 0) return;
    select(to);
    event.preventDefault();
    event.stopPropagation();
  });
  return { panel, open, close: () => {
    panel.hidden = true;
  }, entry: () => entry };
}

// ptlab/widgets/src/numbers.mjs
var most = (track) => track.reduce((top, { value }) => Math.max(top, value), 0);
function bandsPath(opAt) {
  const odd = (k) => opAt[k] % 2 === 1;
  return opAt.map((op, k) => {
    if (op === opAt[k - 1]) return "";
    return (odd(k - 1) ? `H${k}v-40z` : "") + (odd(k) ? `M${k} 0v40` : "");
  }).join("") + (odd(opAt.length - 1) ? `H${opAt.length}v-40z` : "");
}
function makeTimeline(pane, panes, opAt, placeOf, onSeek) {
  const places = opAt.length;
  const labels = html("div", { class: "ptlab-chart-labels" }), charts = html("div", { class: "ptlab-charts" });
  const cursor = html("div", { class: "ptlab-cursor", style: `width: max(3px, ${100 / places}%)` });
  const bands = bandsPath(opAt);
  const events = pane.steps.map((step, k) => step.event ? `M${placeOf(k) + 0.5} 40v-4` : "").join("");
  const values = pane.timeline.map(({ name, unit, track }, i) => {
    const top = Math.max(1, ...panes.map((one) => most(one.timeline[i].track)));
    const height = (value2) => 36 - value2 / top * 30;
    const curve = track.map(({ step, value: value2 }, k) => `${k ? `H${placeOf(step)}V` : "M0 "}${height(value2)}`).join("");
    const value = html("b");
    labels.append(html("div", {}, html("span", {}, name), value, html("small", {}, `scale 0 to ${top} ${unit}`)));
    charts.append(draw(
      "svg",
      { viewBox: `0 0 ${places} 40`, preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("path", { class: "band", d: bands }),
      draw("path", { class: "event", d: events }),
      draw("path", { class: "curve", d: `${curve}H${places}` })
    ));
    return { track, unit, value };
  });
  charts.append(cursor);
  const seek = (event) => {
    const box = charts.getBoundingClientRect();
    onSeek(Math.floor((event.clientX - box.left) / box.width * places));
  };
  charts.addEventListener("pointerdown", (event) => {
    charts.setPointerCapture(event.pointerId);
    seek(event);
  });
  charts.addEventListener("pointermove", (event) => {
    if (charts.hasPointerCapture(event.pointerId)) seek(event);
  });
  const note = html(
    "p",
    { class: "ptlab-note" },
    "Shaded: every other operation. Ticks: a table is built, unhooked or freed. Click to go there."
  );
  return {
    element: html("div", { class: "ptlab-timeline" }, labels, charts, note),
    show(step, position) {
      cursor.style.left = `${position / places * 100}%`;
      for (const { track, unit, value } of values) value.textContent = `${valueAt(track, step) ?? 0} ${unit}`;
    }
  };
}
function makeCounters(pane) {
  const cells2 = pane.counters.map(({ name, unit, track }) => {
    const inWords = (was, now) => `${was === now ? "" : `${was} → `}${now} ${unit}`;
    return { name, track, inWords, value: html("span"), ghost: html("b", {}, inWords(most(track), `${most(track)}`)) };
  });
  const element = html(
    "table",
    { class: "ptlab-counters", "aria-label": "Counters of the process" },
    html("thead", {}, html("tr", {}, ...cells2.map(({ name }) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, html("tr", {}, ...cells2.map(({ value, ghost }) => html("td", {}, steady(value, ghost)))))
  );
  return {
    element,
    show(step, previous) {
      for (const { track, inWords, value } of cells2) {
        const was = valueAt(track, previous) ?? 0, now = valueAt(track, step) ?? 0;
        value.className = was === now ? "" : "is-changed";
        value.textContent = inWords(was, now);
      }
    }
  };
}

// ptlab/widgets/src/tree.mjs
var STILL = matchMedia("(prefers-reduced-motion: reduce)");
var PADDING = 8;
var SMALLEST = 8;
var LARGEST = 10;
var EDGE = { absent: "absent", new: "absent", live: "live", unhooked: "cut", rcu: "cut", freed: "cut", deposited: "cut" };
var UNBORN = { state: "absent", number: null, line: "", strip: [], text: "" };
var numbers = (text) => text.match(/-?[\d.]+/g).map(Number);
function boxOf(shape) {
  const all = numbers(shape.getAttribute("points") ?? shape.getAttribute("d"));
  const xs = all.filter((_, i) => i % 2 === 0), ys = all.filter((_, i) => i % 2 === 1);
  const x = Math.min(...xs), y = Math.min(...ys);
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
var pen = document.createElement("canvas").getContext("2d");
function widthOf(text, size) {
  pen.font = `${size}px sans-serif`;
  return pen.measureText(text).width * 1.04;
}
function stripPath(runs, box) {
  return runs.map(([low, high]) => {
    const width = Math.max(2, (high - low) / ENTRIES * box.width);
    const x = Math.min(box.x + low / ENTRIES * box.width, box.x + box.width - width);
    return `M${x} ${box.y}h${width}v${box.height}h${-width}z`;
  }).join("");
}
function dress(g, id, node) {
  const texts = [...g.querySelectorAll("text")], [name, place, line] = texts;
  const boxes = [...g.querySelectorAll("path, polygon")].map(boxOf);
  const box = boxes[0], strip = { ...boxes.at(-1), x: box.x + 7, width: box.width - 14 };
  const longest2 = node.track.reduce((best, { line: one }) => one.length > best.length ? one : best, "");
  for (const [text, content] of [[name, node.title], [place, node.place], [line, longest2]]) {
    const size = Number(text.getAttribute("font-size"));
    for (const attribute of ["text-anchor", "font-family", "fill"]) text.removeAttribute(attribute);
    fill(text, { x: strip.x, "font-size": Math.min(size, size * strip.width / widthOf(content, size)) });
    text.textContent = content;
  }
  name.setAttribute("class", "name");
  line.setAttribute("class", "line");
  const frame = (shift, part) => draw("rect", { ...box, x: box.x + shift, y: box.y - shift, rx: 4, class: part });
  const fold = node.fold !== null;
  const runs = draw("g");
  const pill = draw("rect", { y: box.y - 13, height: 16, rx: 8 });
  const change = draw("text", { y: box.y - 1.5, "font-size": 10 });
  const corner = `translate(${strip.x + strip.width - 10} ${box.y + 4}) scale(0.7)`;
  g.replaceChildren(
    ...fold ? [frame(6, "under"), frame(3, "under")] : [],
    frame(0, "frame"),
    ...texts,
    draw("path", { d: PADLOCK, transform: corner, class: "padlock" }),
    draw("rect", { ...strip, class: "strip-box" }),
    runs,
    draw("g", { class: "change" }, pill, change)
  );
  fill(g, { role: "button", tabindex: "-1", "data-node": id, ...OWN_KEYS });
  return { g, id, node, box, strip, place, line, runs, pill, change, fold, key: "", look: UNBORN };
}
function paint(view, look, before, marks) {
  const { state, number, line, strip, text } = view.look = look;
  const { changed, focus, locked } = marks;
  const classes = [
    "node",
    view.node.level,
    `is-${state}`,
    changed && "is-changed",
    focus && "is-focus",
    locked && "is-locked"
  ];
  view.g.setAttribute("class", classes.filter(Boolean).join(" "));
  view.g.setAttribute("aria-label", text);
  view.g.setAttribute("aria-hidden", state === "absent");
  view.line.textContent = line;
  view.edge?.setAttribute("class", `edge is-${EDGE[state]}`);
  const kinds = [...new Set(strip.map((run) => run[2]))];
  view.runs.replaceChildren(...kinds.map((kind) => draw("path", { d: stripPath(strip.filter((run) => run[2] === kind), view.strip), class: `kind-${kind}` })));
  const counted = changed && before.number !== null && number !== null && before.number !== number;
  const change = counted ? `${before.number} → ${number}` : "";
  const width = change ? widthOf(change, 10) + 14 : 0, right = view.box.x + view.box.width + 6;
  fill(view.pill, { x: right - width, width });
  fill(view.change, { x: right - width / 2 });
  view.change.textContent = change;
}
function makeTree(pane, onPick) {
  const picture = new DOMParser().parseFromString(pane.svg, "image/svg+xml").documentElement;
  if (picture.localName !== "svg") throw new Error(`the picture of pane ${pane.name} is not SVG`);
  const svg = document.importNode(picture, true);
  const shift = /translate\(([-\d.]+)[ ,]+([-\d.]+)/.exec(svg.innerHTML);
  if (!shift) throw new Error(`the picture of pane ${pane.name} is not Graphviz's: its drawing has no translate()`);
  const [, , width, height] = numbers(svg.getAttribute("viewBox"));
  const byId = new Map([...svg.querySelectorAll("g.node, g.edge")].map((g) => [g.id, g]));
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
    edge.parentNode.prepend(edge);
  }
  const group = { role: "group", "aria-label": `Tree of ${pane.heading}`, tabindex: "0", ...OWN_KEYS };
  const scroller = html("div", { class: "ptlab-tree", ...group }, svg);
  const smallest = Math.min(...views.map((view) => Number(view.place.getAttribute("font-size"))));
  let scale = 1, seen = { left: 0, top: 0, width: 0, height: 0 };
  let target = null;
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
  function placeOf({ box }) {
    const left = (box.x + Number(shift[1])) * scale + PADDING, top = (box.y + Number(shift[2])) * scale + PADDING;
    return { left, top, right: left + box.width * scale, bottom: top + box.height * scale };
  }
  const nearest = (position, size, low, high) => Math.max(Math.min(position, low), high - size);
  function bringIntoView(view, behavior) {
    const own = placeOf(view), parent = viewOf.get(view.node.parent);
    const inside = own.left >= seen.left && own.right <= seen.left + seen.width && own.top >= seen.top && own.bottom <= seen.top + seen.height;
    if (inside) return;
    const up = parent ? placeOf(parent) : own;
    let left = Math.min(own.left, up.left), right = Math.max(own.right, up.right);
    if (right - left + 2 * PADDING > seen.width) ({ left, right } = own);
    scroller.scrollTo({
      left: nearest(seen.left, seen.width, left - PADDING, right + PADDING),
      top: nearest(seen.top, seen.height, own.top - PADDING, own.bottom + PADDING),
      behavior
    });
  }
  const shown = () => views.filter((view) => view.look.state !== "absent");
  let stop = null;
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
      paint(view, track[now] ?? UNBORN, track[before] ?? UNBORN, { changed, focus: focused, locked });
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
    stop: () => sizes.disconnect()
  };
}

// ptlab/widgets/src/pane.mjs
var longest = (items, measure) => items.reduce((best, one) => measure(one) > measure(best) ? one : best);
function sentenceOf({ fn, text, who }) {
  const task = who ? [html("b", { class: "ptlab-who" }, who), " "] : [];
  return [...task, ...fn ? [html("code", {}, fn), ": "] : [], text];
}
var lengthOf = ({ fn, text }) => fn.length + text.length;
function callsOf(path) {
  return [...path.slice(0, -1).map((name) => `${name} › `), html("b", {}, ...path.slice(-1))];
}
function locksOf(held) {
  if (held.length === 0) return [html("li", { class: "none" }, "no lock held")];
  return held.map(({ text }) => html("li", {}, icon(PADLOCK), text));
}
function makeLegend(pane, { kinds }) {
  const spans = Object.values(pane.nodes).flatMap((node) => node.track.flatMap(({ strip }) => strip));
  const used = new Set(spans.map(([, , kind]) => kind));
  const items = Object.entries(kinds).filter(([kind]) => used.has(kind)).map(([kind, look]) => html(
    "li",
    {},
    draw(
      "svg",
      { viewBox: `0 0 ${CELL} ${CELL}`, "aria-hidden": "true" },
      draw("path", { d: markAt(look, 0, 0), class: `kind-${kind}`, "fill-rule": "evenodd" })
    ),
    `${kind}: ${look.meaning}`
  ));
  return html(
    "ul",
    { class: "ptlab-legend", "aria-label": "Legend" },
    html("li", {}, "Click a table to see its 512 entries."),
    ...items
  );
}
function makePane(payload, p, opAt, { onSeek, onPick }) {
  const { panes, frames } = payload, pane = panes[p];
  function placeOf(step2) {
    let low = 0, high = frames.length - 1;
    while (low < high) {
      const middle = low + high >> 1;
      if (frames[middle][p] >= step2) high = middle;
      else low = middle + 1;
    }
    return low;
  }
  let step = 0, previous = 0, picked = "";
  const tree = makeTree(pane, (id) => {
    open(id);
    onPick(id, entries.entry());
    entries.panel.scrollIntoView({ block: "nearest" });
  });
  const entries = makeEntries(pane, payload, (entry) => onPick(picked, entry), () => {
    onPick("", 0);
    tree.focus();
  });
  const timeline = makeTimeline(pane, panes, opAt, placeOf, onSeek), counters = makeCounters(pane);
  const sentence = html("p", { class: "ptlab-sentence", "aria-live": "polite", "aria-atomic": "true" });
  const path = html("div", { class: "ptlab-path" });
  const locks = html("ul", { class: "ptlab-locks", "aria-label": "Locks held" });
  const waits = html("div", { class: "ptlab-waits" }, "waits for the other story");
  const most2 = longest(pane.locks, ({ held }) => held.reduce((sum, { text }) => sum + text.length, 0)).held;
  const element = html(
    "div",
    { class: "ptlab-pane", role: "group", "aria-label": pane.heading },
    html("div", { class: "ptlab-head" }, html("h3", {}, pane.heading), html("span", { class: "ptlab-fate" }, pane.fate)),
    steady(sentence, html("p", { class: "ptlab-sentence" }, ...sentenceOf(longest([...pane.steps, ...pane.told ?? []], lengthOf)))),
    html(
      "div",
      { class: "ptlab-where" },
      steady(path, html("div", { class: "ptlab-path" }, ...callsOf(longest(pane.steps.map((one) => one.path), (path2) => path2.join().length)))),
      steady(locks, html("ul", { class: "ptlab-locks" }, ...locksOf(most2)))
    ),
    counters.element,
    html("div", { class: "ptlab-view" }, tree.scroller, waits),
    makeLegend(pane, payload.palette),
    timeline.element,
    entries.panel
  );
  function open(id, index) {
    picked = id in pane.nodes ? id : "";
    tree.mark(picked);
    if (picked) entries.open(picked, index, step, previous, tree.sentenceOf(picked));
    else entries.close();
  }
  function show(position, jumped) {
    step = frames[position][p];
    previous = frames[Math.max(0, position - 1)][p];
    const told = pane.told?.[position] ?? pane.steps[step], held = pane.locks[at(pane.locks, step)]?.held ?? [];
    element.classList.toggle("is-waiting", panes.length > 1 && position > 0 && step === previous);
    const parts = sentenceOf(told);
    if (sentence.textContent !== parts.map((part) => part.textContent ?? part).join("")) sentence.replaceChildren(...parts);
    path.replaceChildren(...callsOf(told.path));
    locks.replaceChildren(...locksOf(held));
    tree.show(step, previous, held, jumped);
    counters.show(step, previous);
    timeline.show(step, position);
    if (picked) open(picked, entries.entry());
  }
  return { element, show, open, sentence, enter: tree.enter, stop: tree.stop };
}

// ptlab/widgets/src/stepper.mjs
var ICON = {
  First: "M3 3h2v10H3zM13 3v10L6 8z",
  Back: "M11 3v10L4 8z",
  Step: "M5 3v10l7-5z",
  Last: "M11 3h2v10h-2zM3 3v10l7-5z",
  Play: "M4 3v10l9-5z",
  Pause: "M4 3h3v10H4zM9 3h3v10H9z"
};
var MARKS_HELP = "Thick outline: changed in this step. Dashed outline: not in the tree (any more, or yet). Padlock: its lock is held.";
var KEYS_HELP = "Keys: ← → step back and forth, Home and End, space plays, n goes to the next table event; ↓ goes into the tree, ↑ ↓ walk its tables, Enter opens one.";
var LONGEST_OP = 36;
var OP_BEGINNING = 12;
var SCHEMA = 2;
var STEP_MS = 700;
var FAST_MS = 175;
var SAVE_MS = 150;
function checkSchema(payload) {
  if (payload?.schema === SCHEMA) return;
  throw new Error(`its payload has schema ${payload?.schema}, and this page plays schema ${SCHEMA}. Run the cell again with the ptlab that is installed.`);
}
function check(payload) {
  const want = (ok, message) => {
    if (!ok) throw new Error(message);
  };
  checkSchema(payload);
  want(payload?.title !== void 0, "the payload has no title: expected the dict of Story.payload()");
  want(payload.panes?.length, "payload.panes is empty: expected one pane, or two for a comparison");
  want(payload.frames?.length, "payload.frames is empty: expected the step of each pane at every position");
  payload.frames.forEach((frame, k) => payload.panes.forEach(({ steps }, p) => want(
    steps[frame[p]],
    `payload.frames[${k}] shows step ${frame[p]} of pane ${p}, which has ${steps.length} steps`
  )));
}
function button(name, act) {
  const face = name in ICON ? [icon(ICON[name]), html("span", {}, name)] : [name];
  const made = html("button", { type: "button", ...OWN_KEYS }, ...face);
  made.addEventListener("click", act);
  return made;
}
function shortened(op) {
  return op.length <= LONGEST_OP ? op : `${op.slice(0, OP_BEGINNING)}…${op.slice(OP_BEGINNING + 1 - LONGEST_OP)}`;
}
function makeBar(ops, last, go) {
  const first = button("First", go.first), back = button("Back", go.back);
  const step = button("Step", go.step), end = button("Last", go.last);
  const play = button("Play", go.play), speed = button("4× speed", go.speed);
  const event = button("Next table event", go.nextEvent), operation = button("Next operation", go.nextOperation);
  step.classList.add("ptlab-primary");
  speed.setAttribute("aria-pressed", "false");
  const name = "Position in the story";
  const slider = html("input", { type: "range", min: 0, max: last, "aria-label": name, ...OWN_KEYS });
  const count = html("output", { class: "ptlab-count", "aria-live": "off" });
  const select = html(
    "select",
    OWN_KEYS,
    html("option", { value: -1 }, "before the first operation"),
    ...ops.map((op, i) => html("option", { value: i, title: op }, shortened(`${i + 1}. ${op}`)))
  );
  slider.addEventListener("input", () => go.to(Number(slider.value)));
  select.addEventListener("change", () => go.operation(Number(select.value)));
  const element = html(
    "div",
    { class: "ptlab-bar", role: "group", "aria-label": "Step controls" },
    html(
      "div",
      { class: "ptlab-buttons" },
      html("div", {}, first, back, step, end),
      html("div", {}, play, speed),
      html("div", {}, event, operation)
    ),
    html("div", { class: "ptlab-position" }, slider, count, html("label", {}, "Operation ", select))
  );
  return {
    element,
    show(position, op, anotherEvent, anotherOperation) {
      slider.value = position;
      slider.setAttribute("aria-valuetext", `step ${position} of ${last}`);
      count.textContent = `${position} / ${last}`;
      select.value = op;
      select.title = ops[op] ?? "";
      for (const one of [first, back]) one.setAttribute("aria-disabled", position === 0);
      for (const one of [step, end]) one.setAttribute("aria-disabled", position === last);
      event.setAttribute("aria-disabled", !anotherEvent);
      operation.setAttribute("aria-disabled", !anotherOperation);
    },
    playing(on) {
      const face = on ? "Pause" : "Play";
      play.replaceChildren(icon(ICON[face]), html("span", {}, face));
    },
    fast: (on) => speed.setAttribute("aria-pressed", on)
  };
}
function player(payload, { position = 0, onPosition = () => {
}, onPick = () => {
} }) {
  check(payload);
  const { frames, panes } = payload, last = frames.length - 1;
  const opAt = frames.map((frame) => Math.max(...frame.map((step, p) => panes[p].steps[step].op)));
  const events = [...frames.keys()].slice(1).filter((k) => panes.some(({ steps }, p) => steps.slice(frames[k - 1][p] + 1, frames[k][p] + 1).some((step) => step.event)));
  let now = -1, timer = 0, fast = false;
  function seek(target) {
    const next = Math.max(0, Math.min(last, target));
    if (next === now) return;
    const began = now >= 0, jumped = Math.abs(next - now) > 1;
    now = next;
    for (const view of views) view.show(now, jumped);
    bar.show(now, opAt[now], events.at(-1) > now, opAt[now] < opAt[last]);
    element.dataset.position = now;
    if (began) onPosition(now);
  }
  function seekOperation(op) {
    const start = opAt.findIndex((one) => one >= op);
    if (start >= 0) seek(start);
  }
  function pick(table, entry) {
    for (const view of views) view.open(table, entry);
  }
  function choose(table, entry) {
    pick(table, entry);
    onPick(table, entry);
  }
  function tick() {
    seek(now + 1);
    if (now < last) timer = setTimeout(tick, fast ? FAST_MS : STEP_MS);
    else pause();
  }
  const speak = (value) => views.forEach((view) => view.sentence.setAttribute("aria-live", value));
  function play() {
    if (now === last) seek(0);
    speak("off");
    bar.playing(true);
    timer = setTimeout(tick, 0);
  }
  function pause() {
    clearTimeout(timer);
    timer = 0;
    speak("polite");
    bar.playing(false);
  }
  const go = {
    first: () => seek(0),
    back: () => seek(now - 1),
    step: () => seek(now + 1),
    last: () => seek(last),
    to: seek,
    play: () => timer ? pause() : play(),
    speed: () => bar.fast(fast = !fast),
    nextEvent: () => seek(events.find((k) => k > now) ?? now),
    operation: seekOperation,
    nextOperation: () => seekOperation(opAt[now] + 1)
  };
  const bar = makeBar(panes[0].ops, last, go);
  const views = panes.map((_, p) => makePane(payload, p, opAt, { onSeek: seek, onPick: choose }));
  const element = html(
    "div",
    { class: "ptlab", tabindex: "-1", ...OWN_KEYS },
    html("h2", {}, payload.title),
    bar.element,
    html("div", { class: "ptlab-panes" }, ...views.map((view) => view.element)),
    html("p", { class: "ptlab-note" }, MARKS_HELP),
    html("p", { class: "ptlab-note" }, KEYS_HELP)
  );
  paintWith(payload.palette, element);
  const keys = { ArrowRight: go.step, ArrowLeft: go.back, Home: go.first, End: go.last, n: go.nextEvent, " ": go.play };
  element.addEventListener("keydown", (event) => {
    const { key, target } = event, tag = target.localName;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (tag === "select" || tag === "button" && key === " ") return;
    if (key in keys) keys[key]();
    else if (key === "ArrowDown" && tag !== "input") (views.find((view) => view.element.contains(target)) ?? views[0]).enter();
    else return;
    event.preventDefault();
  });
  seek(position);
  return {
    element,
    seek,
    pick,
    stop() {
      pause();
      for (const view of views) view.stop();
    }
  };
}
function mount(root, payload, options = {}) {
  try {
    const made = player(payload, options);
    root.replaceChildren(made.element);
    return made;
  } catch (error) {
    const message = `This story cannot be shown: ${error.message}`;
    root.replaceChildren(html("div", { class: "ptlab ptlab-error", role: "alert" }, message));
    return { seek() {
    }, pick() {
    }, stop() {
    } };
  }
}
function render({ model, el }) {
  let view, timer = 0, changes = {}, saving = false;
  function save() {
    timer = 0;
    saving = true;
    model.set(changes);
    saving = false;
    changes = {};
    model.save_changes();
  }
  function tell(values) {
    Object.assign(changes, values);
    timer ||= setTimeout(save, SAVE_MS);
  }
  function start() {
    view?.stop();
    view = mount(el, model.get("payload"), {
      position: model.get("position"),
      onPosition: (position) => tell({ position }),
      onPick: (picked, entry) => tell({ picked, entry })
    });
    view.pick(model.get("picked"), model.get("entry"));
  }
  const heard = () => !saving && !timer;
  const seek = () => heard() && view.seek(model.get("position"));
  const pick = () => heard() && view.pick(model.get("picked"), model.get("entry"));
  model.on("change:payload", start);
  model.on("change:position", seek);
  model.on("change:picked change:entry", pick);
  start();
  return () => {
    model.off("change:payload", start);
    model.off("change:position", seek);
    model.off("change:picked change:entry", pick);
    view.stop();
  };
}
var stepper_default = { render };
export {
  checkSchema,
  stepper_default as default,
  mount
};
