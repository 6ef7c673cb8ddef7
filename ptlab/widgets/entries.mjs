// The 512 entries of one table as a grid, and the selected entry decoded.

import { CELL, ENTRIES, GLYPH, KINDS, draw, fill, html } from "./dom.mjs";

const COLUMNS = 32;
const cellPath = (indices, glyph) => indices.map((i) => glyph(i % COLUMNS * CELL, Math.floor(i / COLUMNS) * CELL)).join("");
const outline = (x, y) => `M${x + 0.5} ${y + 0.5}h13v13h-13z`;

/** The words of one table at `step`, replayed from the deltas (forward from where the last call stopped). */
function makeWords(deltas) {
  const words = new BigUint64Array(ENTRIES), kinds = new Array(ENTRIES).fill("none");
  let next = 0;
  return (step) => {
    if (next > 0 && deltas[next - 1][0] > step) { words.fill(0n); kinds.fill("none"); next = 0; }
    for (; next < deltas.length && deltas[next][0] <= step; next++) {
      const [, low, high, first, increment, kind] = deltas[next];
      for (let i = low, word = BigInt(first); i < high; i++, word += BigInt(increment)) { words[i] = word; kinds[i] = kind; }
    }
    return { words, kinds };
  };
}

export function makeEntries(pane, payload, onEntry, onClose) {
  const title = html("h4"), note = html("p", { class: "ptlab-note" }), facts = html("div", { class: "ptlab-facts" });
  const close = html("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, "Close");
  close.addEventListener("click", onClose);
  const layer = Object.fromEntries(Object.keys(GLYPH).map((kind) => [kind, draw("path", { class: `kind-${kind}`, "fill-rule": "evenodd" })]));
  const changedCells = draw("path", { class: "changed" }), chosen = draw("rect", { class: "chosen", width: CELL + 2, height: CELL + 2, rx: 2 });
  const all = Array.from({ length: ENTRIES }, (_, i) => i);
  const grid = draw("svg", { viewBox: `-2 -2 ${COLUMNS * CELL + 4} ${ENTRIES / COLUMNS * CELL + 4}`, class: "ptlab-grid", role: "slider", tabindex: "0",
    "aria-valuemin": 0, "aria-valuemax": ENTRIES - 1, "data-lm-suppress-shortcuts": "true" },
  draw("path", { class: "empty", d: cellPath(all, outline) }), ...Object.values(layer), changedCells, chosen);
  const panel = html("section", { class: "ptlab-entries" }, html("header", {}, title, close), note, html("div", { class: "ptlab-entries-body" }, grid, facts));
  panel.hidden = true;

  let id = "", entry = 0, replay = null, shown = null;
  function open(node, index, step, previous, sentence) {
    const deltas = pane.words[node] ?? [];
    if (node !== id) { id = node; replay = makeWords(deltas); }
    shown = replay(step);
    const recent = deltas.filter((delta) => delta[0] > previous && delta[0] <= step);
    if (index === undefined) index = recent[0]?.[1] ?? Math.max(0, shown.kinds.findIndex((kind) => kind !== "none"));
    entry = index;
    panel.hidden = false;
    title.textContent = `Entries of ${pane.nodes[node].title}`;
    const folded = pane.nodes[node].base === null;
    note.textContent = folded ? `${sentence}. They are alike and drawn as one; their entries are not recorded.` : "";
    panel.lastChild.hidden = folded;
    for (const kind in layer) layer[kind].setAttribute("d", cellPath(all.filter((i) => shown.kinds[i] === kind), GLYPH[kind]));
    changedCells.setAttribute("d", cellPath(recent.flatMap(([, low, high]) => all.slice(low, high)), outline));
    choose(entry);
  }
  function choose(index) {
    entry = Math.max(0, Math.min(ENTRIES - 1, index));
    fill(chosen, { x: entry % COLUMNS * CELL - 1, y: Math.floor(entry / COLUMNS) * CELL - 1 }, []);
    const word = shown.words[entry], kind = shown.kinds[entry], node = pane.nodes[id];
    const mapped = (word & 1n) === 1n || kind === "protnone";
    // Linux inverts the frame number of a PROT_NONE word, so that a speculating CPU finds no memory there (L1TF).
    const pfn = ((kind === "protnone" ? ~word : word) >> 12n) & ((1n << 40n) - 1n);
    const target = kind === "table" && pane.nodes["n" + pfn];
    const rows = [["Entry", String(entry)], ["Address", node.base === null ? "" : "0x" + (BigInt(node.base) + BigInt(entry) * BigInt(node.entry_size)).toString(16)],
      ["Word", "0x" + word.toString(16).padStart(16, "0")], ["Kind", `${kind}: ${KINDS[kind]}`],
      ["pfn", mapped ? `${pfn}${target ? ` (${target.title})` : ""}` : "none"]];
    const flags = payload.flags.map(([letter, bit, meaning]) => ({ letter, bit, meaning, set: mapped && ((word >> BigInt(bit)) & 1n) === 1n }));
    facts.replaceChildren(
      html("table", { class: "ptlab-word" }, html("tbody", {}, ...rows.map(([name, value]) => html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, value))))),
      html("ul", { class: "ptlab-flags", "aria-label": "Flag bits" }, ...flags.map((flag) => html("li", { class: flag.set ? "set" : "unset" },
        html("b", {}, `${flag.set ? 1 : 0} ${flag.letter}`), ` bit ${flag.bit}, ${flag.meaning}`))));
    fill(grid, { "aria-label": title.textContent, "aria-valuenow": entry,
      "aria-valuetext": `entry ${entry}: ${KINDS[kind]}${mapped ? `, pfn ${pfn}, ${flags.filter((flag) => flag.set).map((flag) => flag.letter).join(", ")}` : ""}` }, []);
  }
  const pick = (index) => { choose(index); onEntry(entry); };
  grid.addEventListener("pointerdown", (event) => {
    const box = grid.getBoundingClientRect(), unit = (COLUMNS * CELL + 4) / box.width;
    const column = Math.floor(((event.clientX - box.left) * unit - 2) / CELL), row = Math.floor(((event.clientY - box.top) * unit - 2) / CELL);
    pick(Math.max(0, Math.min(COLUMNS - 1, column)) + COLUMNS * row);
  });
  grid.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: entry - 1, ArrowRight: entry + 1, ArrowUp: entry - COLUMNS, ArrowDown: entry + COLUMNS, Home: 0, End: ENTRIES - 1 }[event.key];
    if (to === undefined) return;
    pick(to);
    event.preventDefault();
    event.stopPropagation();
  });
  return { panel, open, close: () => { panel.hidden = true; }, entry: () => entry };
}
