// The stepper: plays a recorded story (ptlab/story.py writes the payload) in a notebook and in an exported page.
// Everything shown is a function of one number, the position; no step ever asks Python.

import { html, icon } from "./dom.mjs";
import { makePane } from "./pane.mjs";

function check(payload) {
  const want = (ok, message) => { if (!ok) throw new Error(message); };
  want(payload && payload.title !== undefined, "the payload has no title: expected the dict of Story.payload()");
  want(payload.panes?.length, "payload.panes is empty: expected one pane, or two for a comparison");
  want(payload.frames?.length, "payload.frames is empty: expected the step of each pane at every position");
  payload.frames.forEach((frame, position) => payload.panes.forEach((pane, p) => want(
    pane.steps[frame[p]], `payload.frames[${position}] shows step ${frame[p]} of pane ${p}, which has ${pane.steps.length} steps`)));
}

const ICON = {
  First: "M3 3h2v10H3zM13 3v10L6 8z", Back: "M11 3v10L4 8z", Step: "M5 3v10l7-5z", Last: "M11 3h2v10h-2zM3 3v10l7-5z",
  Play: "M4 3v10l9-5z", Pause: "M4 3h3v10H4zM9 3h3v10H9z",
};

function player(payload, { position = 0, onPosition = () => {}, onPick = () => {} }) {
  check(payload);
  const { frames, panes } = payload, last = frames.length - 1;
  const opAt = frames.map((frame) => Math.max(...frame.map((step, p) => panes[p].steps[step].op)));
  const events = frames.flatMap((frame, k) => (k && frame.some((step, p) => panes[p].steps.slice(frames[k - 1][p] + 1, step + 1).some((s) => s.event)) ? [k] : []));
  let now = -1, timer = 0, fast = false;

  const button = (name, act, ...extra) => {
    const made = html("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, ...extra, html("span", {}, name));
    made.addEventListener("click", act);
    return made;
  };
  const nextEvent = () => seek(events.find((k) => k > now) ?? now);
  const startOf = (op) => { const k = opAt.findIndex((one) => one >= op); return k < 0 ? now : k; };
  const first = button("First", () => seek(0), icon(ICON.First)), back = button("Back", () => seek(now - 1), icon(ICON.Back));
  const step = button("Step", () => seek(now + 1), icon(ICON.Step)), end = button("Last", () => seek(last), icon(ICON.Last));
  const playing = button("Play", () => (timer ? pause() : play()), icon(ICON.Play));
  const speed = button("4\u00d7 speed", () => { fast = !fast; speed.setAttribute("aria-pressed", fast); });
  const event = button("Next table event", nextEvent), operation = button("Next operation", () => seek(startOf(opAt[now] + 1)));
  speed.setAttribute("aria-pressed", "false");
  step.classList.add("ptlab-primary");
  const slider = html("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Position in the story", "data-lm-suppress-shortcuts": "true" });
  const count = html("output", { class: "ptlab-count", "aria-live": "off" });
  const ops = html("select", { "data-lm-suppress-shortcuts": "true" }, html("option", { value: -1 }, "before the first operation"),
    ...panes[0].ops.map((op, i) => html("option", { value: i }, `${i + 1}. ${op}`)));
  slider.addEventListener("input", () => seek(Number(slider.value)));
  ops.addEventListener("change", () => seek(startOf(Number(ops.value))));

  const bar = html("div", { class: "ptlab-bar", role: "group", "aria-label": "Step controls" },
    html("div", { class: "ptlab-buttons" }, html("div", {}, first, back, step, end), html("div", {}, playing, speed), html("div", {}, event, operation)),
    html("div", { class: "ptlab-position" }, slider, count, html("label", {}, "Operation ", ops)));
  const views = panes.map((_, p) => makePane(payload, p, opAt, { onSeek: (k) => seek(k), onPick }));
  const element = html("div", { class: "ptlab", tabindex: "-1", "data-lm-suppress-shortcuts": "true" }, html("h2", {}, payload.title), bar,
    html("div", { class: "ptlab-panes" }, ...views.map((view) => view.element)),
    html("p", { class: "ptlab-note" }, "Keys: \u2190 \u2192 step back and forth, Home and End, space plays, n goes to the next table event; \u2191 \u2193 walk the tables, Enter opens one."));

  function seek(target) {
    const next = Math.max(0, Math.min(last, target));
    if (next === now || Number.isNaN(next)) return;
    const began = now >= 0, jumped = Math.abs(next - now) > 1;
    now = next;
    for (const view of views) view.show(now, jumped);
    slider.value = now;
    slider.setAttribute("aria-valuetext", `step ${now} of ${last}`);
    count.textContent = `${now} / ${last}`;
    ops.value = opAt[now];
    // aria-disabled, not disabled: a button that is disabled under the finger loses the keyboard focus.
    for (const one of [first, back]) one.setAttribute("aria-disabled", now === 0);
    for (const one of [step, end]) one.setAttribute("aria-disabled", now === last);
    event.setAttribute("aria-disabled", !(events.at(-1) > now));
    operation.setAttribute("aria-disabled", opAt[now] === opAt[last]);
    element.dataset.position = now;
    if (began) onPosition(now); // where a view starts is not the learner's doing
  }
  function tick() {
    seek(now + 1);
    if (now < last) timer = setTimeout(tick, fast ? 175 : 700); else pause();
  }
  function play() {
    if (now === last) seek(0);
    live("off"); // a voice cannot follow: it reads the sentence where the play stops
    playing.replaceChildren(icon(ICON.Pause), html("span", {}, "Pause"));
    timer = setTimeout(tick, 0);
  }
  function pause() {
    clearTimeout(timer);
    timer = 0;
    live("polite");
    playing.replaceChildren(icon(ICON.Play), html("span", {}, "Play"));
  }
  const live = (value) => views.forEach((view) => view.sentence.setAttribute("aria-live", value));

  const keys = { ArrowRight: () => seek(now + 1), ArrowLeft: () => seek(now - 1), Home: () => seek(0), End: () => seek(last), n: nextEvent, " ": () => playing.click() };
  element.addEventListener("keydown", (pressed) => {
    const { target, key } = pressed;
    if (!(key in keys) || pressed.ctrlKey || pressed.altKey || pressed.metaKey || target === ops) return;
    if (key === " " && target.localName === "button") return;
    pressed.preventDefault();
    keys[key]();
  });
  seek(position);
  return { element, seek, pick: (id, entry) => views.find((view) => view.has(id))?.open(id, entry), stop: () => { pause(); views.forEach((view) => view.stop()); } };
}

/** Show `payload` in `root`; returns {seek, pick, stop}. A payload that cannot be played is told in words. */
export function mount(root, payload, options = {}) {
  try {
    const made = player(payload, options);
    root.replaceChildren(made.element);
    return made;
  } catch (error) {
    root.replaceChildren(html("div", { class: "ptlab ptlab-error", role: "alert" }, `This story cannot be shown: ${error.message}`));
    return { seek() {}, pick() {}, stop() {} };
  }
}

function render({ model, el }) {
  // What the learner did reaches the model a moment later, set and saved in one go: a value that is set but not yet
  // saved would be overwritten by the kernel's echo of the one before.
  let view, timer = 0, changes = {}, saving = false;
  const tell = (values) => {
    Object.assign(changes, values);
    timer ||= setTimeout(() => {
      timer = 0;
      saving = true;
      model.set(changes);
      saving = false;
      changes = {};
      model.save_changes();
    }, 150);
  };
  const start = () => {
    view?.stop();
    view = mount(el, model.get("payload"), {
      position: model.get("position"),
      onPosition: (position) => tell({ position }),
      onPick: (picked, entry) => tell({ picked, entry }),
    });
    view.pick(model.get("picked"), model.get("entry"));
  };
  const heard = () => !saving && !timer; // else it is our own change, or older than what is shown
  const seek = () => { if (heard()) view.seek(model.get("position")); };
  const pick = () => { if (heard()) view.pick(model.get("picked"), model.get("entry")); };
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

export default { render };
