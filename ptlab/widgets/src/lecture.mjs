// A lecture: the stage fills the screen in large type, shows what is said and the tree, and obeys a presenter's keys.

import { OWN_KEYS, html } from "./dom.mjs";

const BEGIN = "Lecture", END = "End the lecture";
const HELP = "Page Down or space: next. Page Up: back. Period: blank. Esc: end.";

/** What begins and ends a lecture on the stage that it stands in; `go` has next, back, first and last. */
export function makeLecture(go) {
  const button = html("button", { type: "button", title: "Large type on the whole screen, for a presenter's keys (key l)", ...OWN_KEYS }, BEGIN);
  const element = html("div", { class: "ptlab-lecturer" }, html("span", { class: "ptlab-note" }, HELP), button);
  let stage = null; // while a lecture is on
  const next = () => go.next(), back = () => go.back();
  const keys = {
    PageDown: next, ArrowRight: next, ArrowDown: next, " ": next, Enter: next,
    PageUp: back, ArrowLeft: back, ArrowUp: back, Backspace: back,
    Home: () => go.first(), End: () => go.last(), ".": () => stage.classList.add("is-blank"),
    F5() {}, // a presenter's "start": in a browser it would load the page again
  };
  function hear(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (key === "Escape" || key === "l") end();
    else if (stage.classList.contains("is-blank")) stage.classList.remove("is-blank"); // and nothing else
    else if (!(key in keys) || (target === button && (key === " " || key === "Enter"))) return;
    else keys[key]();
    event.preventDefault();
    event.stopPropagation();
  }
  async function begin() {
    stage = button.closest(".ptlab-stage");
    stage.classList.add("is-lecture");
    button.textContent = END;
    stage.addEventListener("keydown", hear, true);
    document.addEventListener("fullscreenchange", leave);
    stage.focus({ preventScroll: true });
    try {
      await stage.requestFullscreen();
    } catch { /* a frame or a telephone that may not: the lecture stays in its place */ }
  }
  function end() {
    stage.classList.remove("is-lecture", "is-blank");
    button.textContent = BEGIN;
    stage.removeEventListener("keydown", hear, true);
    document.removeEventListener("fullscreenchange", leave);
    if (document.fullscreenElement) document.exitFullscreen();
    stage = null;
  }
  const leave = () => document.fullscreenElement || end(); // the browser has Esc to itself
  const toggle = () => (stage ? end() : begin());
  button.addEventListener("click", toggle);
  return { element, toggle };
}
