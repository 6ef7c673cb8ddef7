// The 512 entries of one table as a grid, and the selected entry decoded.

import { CELL, ENTRIES, OWN_KEYS, draw, fill, html, markAt } from "./dom.mjs";

const COLUMNS = 32, ROWS = ENTRIES / COLUMNS, MARGIN = 2;
const INDICES = Array.from({ length: ENTRIES }, (_, i) => i);
const column = (i) => i % COLUMNS * CELL, row = (i) => Math.floor(i / COLUMNS) * CELL;
const cells = (indices, shape) => indices.map((i) => shape(column(i), row(i))).join("");
const outline = (x, y) => `M${x + 0.5} ${y + 0.5}h13v13h-13z`;
const hex = (number) => `0x${number.toString(16)}`;

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

/** What an x86-64 entry says: frame number and flags, where it has any. */
function decode(word, kind, flags) {
  const mapped = (word & 1n) === 1n || kind === "protnone";
  // Linux inverts the frame number of a PROT_NONE word, so that a speculating CPU finds no memory there (L1TF).
  const frame = ((kind === "protnone" ? ~word : word) >> 12n) & ((1n << 40n) - 1n);
  const isSet = (bit) => mapped && ((word >> BigInt(bit)) & 1n) === 1n;
  return {
    pfn: mapped ? frame : null,
    flags: flags.map(([letter, bit, meaning]) => ({ letter, set: isSet(bit), meaning: `bit ${bit}, ${meaning}` })),
  };
}

/** The panel below a tree. `onEntry(index)` when the learner selects an entry, `onClose()` when done. */
export function makeEntries(pane, payload, onEntry, onClose) {
  const title = html("h4"), note = html("p", { class: "ptlab-note" });
  const word = html("tbody"), flagList = html("ul", { class: "ptlab-flags", "aria-label": "Flag bits" });
  const close = html("button", { type: "button", ...OWN_KEYS }, "Close");
  close.addEventListener("click", onClose);
  const { kinds, none } = payload.palette;
  const meaningOf = (kind) => kinds[kind]?.meaning ?? none;
  const layers = Object.entries(kinds).map(([kind, look]) => ({
    kind, look, path: draw("path", { class: `kind-${kind}`, "fill-rule": "evenodd" }),
  }));
  const changed = draw("path", { class: "changed" });
  const chosen = draw("rect", { class: "chosen", width: CELL + 2, height: CELL + 2, rx: 2 });
  // One element with the keys of a slider, not 512 buttons: one tab stop, and its value says the selected entry.
  const grid = draw("svg", {
    viewBox: `${-MARGIN} ${-MARGIN} ${COLUMNS * CELL + 2 * MARGIN} ${ROWS * CELL + 2 * MARGIN}`,
    class: "ptlab-grid", role: "slider", tabindex: "0", "aria-valuemin": 0, "aria-valuemax": ENTRIES - 1, ...OWN_KEYS,
  }, draw("path", { class: "empty", d: cells(INDICES, outline) }), ...layers.map(({ path }) => path), changed, chosen);
  const facts = html("div", { class: "ptlab-facts" }, html("table", { class: "ptlab-word" }, word), flagList);
  const body = html("div", { class: "ptlab-entries-body" }, grid, facts);
  const panel = html("section", { class: "ptlab-entries" }, html("header", {}, title, close), note, body);
  panel.hidden = true;

  let id = "", entry = 0, replay = null, now = null;

  /** Show a table as it is at `step`; without an index, select what just changed, or else the first entry in use. */
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
      pfn: pfn === null ? "none" : `${pfn} = ${hex(pfn)}${below ? `, ${below.title}` : ""}`,
    };
    word.replaceChildren(...Object.entries(rows).map(([name, text]) =>
      html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, text))));
    flagList.replaceChildren(...flags.map(({ letter, set, meaning }) =>
      html("li", { class: set ? "set" : "unset" }, html("b", {}, `${set ? 1 : 0} ${letter}`), ` ${meaning}`)));
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
      ArrowLeft: entry - 1, ArrowRight: entry + 1, ArrowUp: entry - COLUMNS, ArrowDown: entry + COLUMNS,
      Home: 0, End: ENTRIES - 1,
    }[event.key];
    if (to === undefined) return;
    select(to);
    event.preventDefault();
    event.stopPropagation();
  });
  return { panel, open, close: () => { panel.hidden = true; }, entry: () => entry };
}
