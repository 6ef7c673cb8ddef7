// Tabs: a list of names, of which one's panel is seen.

import { OWN_KEYS, html } from "./dom.mjs";

let made = 0; // ids must differ within the page

/** `panels` by name; `onOpen(name)` after one was opened. */
export function makeTabs(panels, onOpen = () => {}) {
  const names = Object.keys(panels), own = `ptlab-tab-${++made}`;
  const buttons = names.map((name, k) =>
    html("button", { type: "button", role: "tab", id: `${own}-${k}`, "aria-controls": `${own}-panel-${k}`, ...OWN_KEYS }, name));
  const list = html("div", { class: "ptlab-tabs", role: "tablist", "aria-label": "What is shown beside the tree" }, ...buttons);
  const boxes = names.map((name, k) =>
    html("div", { class: "ptlab-panel", role: "tabpanel", id: `${own}-panel-${k}`, "aria-labelledby": `${own}-${k}` }, panels[name]));
  let now = "";
  function open(name) {
    now = name;
    names.forEach((one, k) => {
      buttons[k].setAttribute("aria-selected", one === name);
      buttons[k].setAttribute("tabindex", one === name ? "0" : "-1");
      boxes[k].hidden = one !== name;
    });
    onOpen(name);
  }
  buttons.forEach((button, k) => button.addEventListener("click", () => open(names[k])));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const next = (names.indexOf(now) + by + names.length) % names.length;
    open(names[next]);
    buttons[next].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  open(names[0]);
  return { list, boxes, open, now: () => now };
}
