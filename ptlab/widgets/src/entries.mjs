// The 512 entries of one table as a grid, and the selected entry decoded.

import { rangeOf } from "./columns.mjs";
import { CELL, ENTRIES, OWN_KEYS, at, draw, fill, hex, html, markAt } from "./dom.mjs";
import { makeSharers } from "./sharing.mjs";
import { frameOf } from "./walk.mjs";

const MARGIN = 2;
const INDICES = Array.from({ length: ENTRIES }, (_, i) => i);
const outline = (x, y) => `M${x + 0.5} ${y + 0.5}h13v13h-13z`;
const corner = (x, y) => `M${x + 14} ${y}v7l-7 -7z`;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 4096 as "4 KiB". */
function sizeOf(bytes) {
  let unit = 0;
  for (; bytes >= 1024; bytes /= 1024) unit++;
  return `${bytes} ${UNITS[unit]}`;
}

/** The words of one table at a step, replayed from its changes (forward from where the last call stopped). */
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

const mapped = (word, kind) => (word & 1n) === 1n || kind === "protnone";

/** The panel. `columns` entries stand in a row. `onEntry(index)` when the learner selects one. */
export function makeEntries(pane, payload, columns, onEntry) {
  const rows = ENTRIES / columns;
  const column = (i) => i % columns * CELL, row = (i) => Math.floor(i / columns) * CELL;
  const cells = (indices, shape) => indices.map((i) => shape(column(i), row(i))).join("");
  const title = html("span"), about = html("small"), name = html("h4", {}, title, " ", about);
  const words = html("p", { class: "ptlab-word" });
  const flagList = html("ul", { class: "ptlab-flags", "aria-label": "Flag bits" });
  const { kinds, none } = payload.palette;
  const meaningOf = (kind) => kinds[kind]?.meaning ?? none;
  const layers = Object.entries(kinds).map(([kind, look]) => ({
    kind, look, path: draw("path", { class: `kind-${kind}`, "fill-rule": "evenodd" }),
  }));
  const changed = draw("path", { class: "changed" }), shared = draw("path", { class: "shared" });
  const chosen = draw("rect", { class: "chosen", width: CELL + 2, height: CELL + 2, rx: 2 });
  // One element with the keys of a slider, not 512 buttons: one tab stop, and its value says the selected entry.
  const grid = draw("svg", {
    viewBox: `${-MARGIN} ${-MARGIN} ${columns * CELL + 2 * MARGIN} ${rows * CELL + 2 * MARGIN}`,
    preserveAspectRatio: "xMinYMin", class: "ptlab-grid", role: "slider", tabindex: "0", "aria-valuemin": 0, "aria-valuemax": ENTRIES - 1, ...OWN_KEYS,
  }, draw("path", { class: "empty", d: cells(INDICES, outline) }), ...layers.map(({ path }) => path), shared, changed, chosen);
  const element = html("div", { class: "ptlab-entries" }, name, grid, words, flagList);
  const sharers = makeSharers(pane, makeWords);
  let id = "", entry = 0, replay = null, now = null, mappers = new Map(), base = 0n;

  /** Show a table as it is at `step`, with one of its entries selected. */
  function open(table, index, step, previous, sentence) {
    const changes = pane.entries[table] ?? [], node = pane.nodes[table];
    if (table !== id) replay = makeWords(changes);
    id = table;
    now = replay(step);
    base = BigInt((node.places[at(node.places, step)] ?? node.places[0]).base);
    mappers = sharers(step);
    const recent = changes.filter((change) => change.step > previous && change.step <= step);
    const folded = node.fold !== null;
    title.textContent = node.title;
    about.textContent = folded ? sentence : `512 entries of ${sizeOf(node.entry_size)}`;
    for (const part of [grid, words, flagList]) part.toggleAttribute("hidden", folded);
    for (const { kind, look, path } of layers) {
      path.setAttribute("d", cells(INDICES.filter((i) => now.kinds[i] === kind), (x, y) => markAt(look, x, y)));
    }
    shared.setAttribute("d", cells(INDICES.filter((i) => others(i).length), corner));
    changed.setAttribute("d", cells(recent.flatMap(({ first, last }) => INDICES.slice(first, last)), outline));
    if (!folded) choose(index);
  }
  /** The other processes that map the page of an entry, or its table. */
  function others(index) {
    const word = now.words[index], kind = now.kinds[index];
    if (kind === "none" || !mapped(word, kind)) return [];
    const frame = frameOf(word, kind), all = mappers.get(kind === "table" ? `n${frame}` : frame) ?? [];
    return [...all].filter((process) => process !== pane.nodes[id].process).map((process) => pane.processes[process].name);
  }

  function choose(index) {
    entry = Math.max(0, Math.min(ENTRIES - 1, index));
    fill(chosen, { x: column(entry) - 1, y: row(entry) - 1 });
    const word = now.words[entry], kind = now.kinds[entry], node = pane.nodes[id], with_ = others(entry);
    const frame = mapped(word, kind) ? frameOf(word, kind) : null;
    const below = kind === "table" ? pane.nodes[`n${frame}`]?.title : undefined;
    const address = hex(base + BigInt(entry) * BigInt(node.entry_size));
    const leads = frame === null ? "" : `, ${below ?? `frame ${hex(frame)}`}`;
    const sharing = with_.length ? `, shared with ${with_.join(" and ")}` : "";
    const head = payload.columns.find(({ level }) => level === node.level);
    const bits = entry.toString(2).padStart(head.bits, "0");
    words.replaceChildren(html("span", {}, "entry ", html("b", {}, entry), `: ${rangeOf(head)} = `, html("b", {}, bits), " "),
      html("span", {}, `at ${address}: `, html("b", {}, `0x${word.toString(16).padStart(16, "0")}`)),
      html("span", {}, `${kind}: ${meaningOf(kind)}${leads}${sharing}`));
    const flags = payload.flags.map(([letter, bit, meaning]) =>
      ({ letter, bit, meaning, set: frame !== null && ((word >> BigInt(bit)) & 1n) === 1n }));
    flagList.replaceChildren(...flags.map(({ letter, bit, meaning, set }) =>
      html("li", { class: set ? "set" : "unset", title: `bit ${bit}: ${meaning}` }, `${letter} ${set ? 1 : 0}`)));
    const set = flags.filter((flag) => flag.set).map((flag) => flag.letter).join(", ");
    const spoken = `entry ${entry}: ${meaningOf(kind)}${leads}${sharing}${set && `, ${set}`}`;
    fill(grid, { "aria-label": `Entries of ${node.title}`, "aria-valuenow": entry, "aria-valuetext": spoken });
  }

  function select(index) {
    choose(index);
    onEntry(entry);
  }
  grid.addEventListener("pointerdown", (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(grid.getScreenCTM().inverse());
    const x = Math.max(0, Math.min(columns - 1, Math.floor(place.x / CELL)));
    select(x + columns * Math.max(0, Math.floor(place.y / CELL)));
  });
  grid.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: entry - 1, ArrowRight: entry + 1, ArrowUp: entry - columns, ArrowDown: entry + columns,
      Home: 0, End: ENTRIES - 1,
    }[event.key];
    if (to === undefined) return;
    select(to);
    event.preventDefault();
    event.stopPropagation();
  });
  return { element, open, entry: () => entry };
}
