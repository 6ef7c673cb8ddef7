// Words with an explanation: each is a button in its sentence, and one tip of the stage shows what it means.

import { OWN_KEYS, html } from "./dom.mjs";

const WIDEST = 320, LINGER_MS = 250; // the pointer may go from the word to the tip

/** A text whose arrows, as in `3 -> 1`, stay in one line: a browser would break it after the dash. */
const unbroken = (text) => text.split(/(\S+ -> \S+)/).map((part, k) => (k % 2 ? html("span", { class: "ptlab-unbroken" }, part) : part));

/** A function that takes a text apart: its plain parts as strings, and the first use of each term as a button. */
export function makeMarker(glossary) {
  const termOf = new Map(glossary.flatMap((term) => term.forms.map((form) => [form, term])));
  const forms = [...termOf.keys()].sort((a, b) => b.length - a.length);
  const found = new RegExp(`(?<![\\w-])(${forms.join("|")})(?![\\w-])`); // no form has a sign that means something here
  return (text) => {
    const seen = new Set();
    return text.split(found).flatMap((part, k) => {
      const term = k % 2 ? termOf.get(part) : undefined;
      if (!term || seen.has(term)) return unbroken(part);
      seen.add(term);
      return html("button", { type: "button", class: "ptlab-term", "data-means": term.text, "data-term": term.forms[0], ...OWN_KEYS }, part);
    });
  };
}

/** Put new parts into an element. The focus does not fall out of the stage with a word that goes. */
export function put(element, ...parts) {
  const inside = element.contains(document.activeElement);
  element.replaceChildren(...parts);
  if (inside) element.closest(".ptlab").focus({ preventScroll: true });
}

let made = 0; // ids must differ within the page

/** Let the words of the stage `root` explain themselves: on hover, focus and touch; Escape closes the tip. */
export function explain(root) {
  const name = html("b"), text = html("span");
  const tip = html("div", { class: "ptlab-tip", role: "tooltip", id: `ptlab-tip-${++made}` }, name, " ", text);
  tip.hidden = true;
  root.append(tip);
  let word = null, timer = 0;

  function open(next) {
    clearTimeout(timer);
    close();
    word = next;
    name.textContent = word.dataset.term;
    text.textContent = word.dataset.means;
    word.setAttribute("aria-describedby", tip.id);
    tip.hidden = false;
    const stage = root.getBoundingClientRect(), box = word.getBoundingClientRect();
    const wide = Math.min(WIDEST, stage.width - 8);
    tip.style.maxWidth = `${wide}px`;
    tip.style.left = `${Math.max(4, Math.min(box.left - stage.left, stage.width - wide - 4))}px`;
    const below = box.bottom - stage.top + 3, above = box.top - stage.top - tip.offsetHeight - 3;
    tip.style.top = `${below + tip.offsetHeight > stage.height ? above : below}px`;
  }
  function close() {
    word?.removeAttribute("aria-describedby");
    word = null;
    tip.hidden = true;
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => word !== document.activeElement && close(), LINGER_MS);
  };
  const wordOf = ({ target }) => target.closest?.(".ptlab-term");
  for (const type of ["mouseover", "focusin", "click"]) {
    root.addEventListener(type, (event) => {
      const next = wordOf(event);
      if (next && next !== word) open(next);
      else if (next || tip.contains(event.target)) clearTimeout(timer);
      else if (type === "click") close();
    });
  }
  for (const type of ["mouseout", "focusout"]) {
    root.addEventListener(type, (event) => (wordOf(event) || tip.contains(event.target)) && later());
  }
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !word) return;
    close();
    event.preventDefault();
    event.stopPropagation();
  });
  /** A word that has left the page explains nothing. */
  return () => word && !word.isConnected && close();
}
