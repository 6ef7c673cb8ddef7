// The stepper: plays a payload (what that is: ptlab/widgets/payload.py) in a notebook and in an exported page.
// Everything shown is a function of one number, the position; no step ever asks Python.

import { OWN_KEYS, html, icon, paintWith } from "./dom.mjs";
import { makeLecture } from "./lecture.mjs";
import { idOf, isOwnPage, makeLink, readMoment, tableOf } from "./moment.mjs";
import { makePane } from "./pane.mjs";
import { explain } from "./terms.mjs";
import { longestOps, makeTime } from "./time.mjs";
import { unpack } from "./unpack.mjs";
import { checkSchema, refuse } from "./schema.mjs";

const ICON = {
  First: "M3 3h2v10H3zM13 3v10L6 8z",
  Back: "M11 3v10L4 8z",
  Step: "M5 3v10l7-5z",
  Last: "M11 3h2v10h-2zM3 3v10l7-5z",
  Play: "M4 3v10l9-5z",
  Pause: "M4 3h3v10H4zM9 3h3v10H9z",
};
const HELP = "Thick outline: changed in this step. Dashed: not in the tree yet, or no longer. Padlock: its lock is held. "
  + "In a page cache a low mark is a page that is there, a higher one a page that an entry maps, a full one by a dirty entry. "
  + "Keys: \u2190 \u2192 step, Page Up and Page Down go by operations, Home and End, space plays, n: next table event, "
  + "\u2193 into the tree, \u2191 \u2193 from table to table, Enter looks at one, f follows the steps again, l: lecture.";
const STEP_MS = 700, FAST_MS = 175, SAVE_MS = 150;

function check(payload) {
  const want = (ok, message) => { if (!ok) throw new Error(message); };
  checkSchema(payload);
  want(payload?.title !== undefined, "the payload has no title: expected the dict of Story.payload()");
  want(payload.panes?.length, "payload.panes is empty: expected one pane, or two for a comparison");
  want(payload.frames?.length, "payload.frames is empty: expected the step of each pane at every position");
  payload.frames.forEach((frame, k) => payload.panes.forEach(({ steps }, p) => want(steps[frame[p]],
    `payload.frames[${k}] shows step ${frame[p]} of pane ${p}, which has ${steps.length} steps`)));
}

function button(name, act) {
  const face = name in ICON ? [icon(ICON[name]), html("span", {}, name)] : [name];
  const made = html("button", { type: "button", ...OWN_KEYS }, ...face);
  made.addEventListener("click", act);
  return made;
}

/** The control bar; `go` are the moves that its parts ask for. */
function makeBar(ops, last, go) {
  const first = button("First", go.first), back = button("Back", go.back);
  const step = button("Step", go.step), end = button("Last", go.last);
  const play = button("Play", go.play), speed = button("4\u00d7 speed", go.speed);
  const event = button("Next table event", go.nextEvent);
  step.classList.add("ptlab-primary");
  play.classList.add("ptlab-play");
  for (const one of [first, end]) one.classList.add("ptlab-bare");
  speed.setAttribute("aria-pressed", "false");
  const count = html("output", { class: "ptlab-count", "aria-live": "off" }), op = html("span", { class: "ptlab-op" });
  const element = html("div", { class: "ptlab-bar", role: "group", "aria-label": "Step controls" },
    first, back, step, end, play, speed, event, op, count);
  return {
    element,
    show(position, operation, anotherEvent) {
      count.replaceChildren("step ", html("b", {}, position), ` of ${last}`);
      op.textContent = ops[operation] ?? "";
      op.title = op.textContent;
      // aria-disabled, not disabled: a button that is disabled under the finger loses the keyboard focus.
      for (const one of [first, back]) one.setAttribute("aria-disabled", position === 0);
      for (const one of [step, end]) one.setAttribute("aria-disabled", position === last);
      event.setAttribute("aria-disabled", !anotherEvent);
    },
    playing(on) {
      const face = on ? "Pause" : "Play";
      play.replaceChildren(icon(ICON[face]), html("span", {}, face));
    },
    fast: (on) => speed.setAttribute("aria-pressed", on),
  };
}

/** For each pane, the first position that shows a step of it or a later one. */
function placesOf({ frames }) {
  return (p, step) => {
    let low = 0, high = frames.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle][p] >= step) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** One story: what is said stands above the picture. Several: each has its own column. */
function arrange(views, title, bar, time, feet) {
  const h2 = html("h2", { title }, title), help = html("details", { class: "ptlab-note ptlab-help" }, html("summary", OWN_KEYS, "Keys and marks"), HELP);
  const alone = views.length === 1;
  const heading = html("div", { class: "ptlab-title" }, h2, ...(alone ? [views[0].head] : []));
  const top = html("div", { class: "ptlab-top" }, heading, bar.element, time.element, ...(alone ? [views[0].say] : []));
  if (!alone) {
    for (const { element, head, say, aside } of views) {
      element.prepend(head, say);
      element.insertBefore(aside.firstChild, element.querySelector(".ptlab-figure"));
    }
  }
  return html("div", { class: `ptlab ptlab-stage${alone ? "" : " ptlab-several"}`, tabindex: "-1", ...OWN_KEYS },
    top, html("div", { class: "ptlab-panes" }, ...views.map((view) => view.element)), html("div", { class: "ptlab-foot" }, help, ...feet));
}

function player(payload, { position = 0, onPosition = () => {}, onPick = () => {}, linked = false }) {
  check(payload);
  const { frames, panes } = payload, last = frames.length - 1;
  const opAt = frames.map((frame) => Math.max(...frame.map((step, p) => panes[p].steps[step].op)));
  const events = [...frames.keys()].slice(1).filter((k) => panes.some(({ steps }, p) =>
    steps.slice(frames[k - 1][p] + 1, frames[k][p] + 1).some((step) => step.event)));
  let now = -1, timer = 0, fast = false, picked = ["", 0];

  function seek(target) {
    const next = Math.max(0, Math.min(last, target));
    if (next === now) return;
    const began = now >= 0, jumped = Math.abs(next - now) > 1;
    now = next;
    for (const view of views) view.show(now, jumped);
    bar.show(now, opAt[now], events.at(-1) > now);
    time.show(now, views[0].process());
    element.dataset.position = now;
    refresh();
    if (began) onPosition(now); // where a view starts is not the learner's doing
  }
  function seekOperation(op) {
    const start = opAt.findIndex((one) => one >= op);
    if (start >= 0) seek(start);
  }
  /** Show the entries of a table in every pane that has it: what is picked in one story is compared in the other. */
  function pick(table, entry) {
    for (const view of views) view.open(table, entry);
  }
  function choose(table, entry) {
    picked = [table, entry];
    pick(table, entry);
    onPick(table, entry);
  }
  function tick() {
    seek(now + 1);
    if (now < last) timer = setTimeout(tick, fast ? FAST_MS : STEP_MS);
    else pause();
  }
  // While it plays no voice could follow; where the play stops, the sentence speaks again.
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
    play: () => (timer ? pause() : play()),
    speed: () => bar.fast(fast = !fast),
    nextEvent: () => seek(events.find((k) => k > now) ?? now),
    operation: (by) => seekOperation(opAt[now] + by),
  };
  const bar = makeBar(longestOps(panes), last, go), time = makeTime(payload, opAt, events, placesOf(payload), seek);
  const views = panes.map((_, p) => makePane(payload, p, { onPick: choose, columns: panes.length > 1 ? 64 : 32 }));
  const link = linked ? [makeLink(() => ({ step: now, table: tableOf(picked[0]), entry: picked[1] }))] : [];
  const lecture = makeLecture({ ...go, next: go.step });
  const element = arrange(views, payload.title, bar, time, [lecture.element, ...link]);
  const refresh = explain(element);
  paintWith(payload.palette, element);

  const keys = {
    ArrowRight: go.step, ArrowLeft: go.back, Home: go.first, End: go.last, n: go.nextEvent, " ": go.play,
    PageDown: () => go.operation(1), PageUp: () => go.operation(-1), f: () => views[0].follow(), l: lecture.toggle,
  };
  element.addEventListener("keydown", (event) => {
    const { key, target } = event, tag = target.localName;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (target.type === "text" || (tag === "button" && key === " ") || (tag === "a" && key === " ")) return; // their own keys
    if (key in keys) keys[key]();
    else if (key === "ArrowDown" && !target.closest(".ptlab-source")) (views.find((view) => view.element.contains(target)) ?? views[0]).enter();
    else return;
    event.preventDefault();
  });
  seek(position);
  return {
    element,
    seek,
    pick,
    choose,
    stop() {
      pause();
      for (const view of views) view.stop();
    },
  };
}

/** Show `payload` in `root`; returns {seek, pick, stop}. A payload that cannot be played is refused in words. */
export function mount(root, payload, options = {}) {
  try {
    const made = player(payload, options);
    root.replaceChildren(made.element);
    return made;
  } catch (error) {
    refuse(root, "story", error);
    return { seek() {}, pick() {}, choose() {}, stop() {} };
  }
}

/** The stepper of a page: where it has an address of its own, it opens at the moment that the address names. */
export function mountPage(root, payload) {
  if (!isOwnPage()) return mount(root, payload);
  const view = mount(root, payload, { linked: true });
  function open() {
    const { step, table, entry } = readMoment();
    if (step !== undefined) view.seek(step);
    if (table !== undefined) view.choose(idOf(table), entry ?? 0);
  }
  open();
  addEventListener("hashchange", open);
  return view;
}

function render({ model, el }) {
  // What the learner did reaches the model a moment later, set and saved in one go: a value that is set but not
  // yet saved would be overwritten by the kernel's echo of the one before.
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
      onPick: (picked, entry) => tell({ picked, entry }),
    });
    view.pick(model.get("picked"), model.get("entry"));
  }
  const heard = () => !saving && !timer; // else it is our own change, or older than what is shown
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

export { unpack };
export default { render };
