// You are the scheduler: a column for each task, with a button and a key to run it; the line of what has run; the tree.
// Every moment of the line is here, so going back and forth is a matter of this file. Python runs the tasks; in an
// exported page graph.mjs does, and where the page has no graph, the model has no send(): they can only be looked at.

import { OWN_KEYS, PADLOCK, html, icon, paintWith } from "./dom.mjs";
import { makeModel } from "./graph.mjs";
import { makeLecture } from "./lecture.mjs";
import { makeLevels } from "./levels.mjs";
import { idOf, isOwnPage, makeLink, readMoment, tableOf } from "./moment.mjs";
import { makePane } from "./pane.mjs";
import { checkSchema, refuse } from "./schema.mjs";
import { explain, makeMarker, put } from "./terms.mjs";
import { unpack } from "./unpack.mjs";

const RCU = "R";
const RUN_HELP = "Keys: the letter of a task runs it, R ends a grace period; \u2190 \u2192 go back and forth, Home and End; l: lecture.";
const TOO_LARGE = "This race is too large to be run on a page: use ptlab.race in a notebook.";
const LOOK_HELP = "Keys: \u2190 \u2192 go back and forth, Home and End; l: lecture. In a notebook, ptlab.race runs the tasks in another order.";
const KEPT_HELP = "To fork, go back and run another task. The schedule that you leave is kept here.";
const ENDS = { broken: "a rule is broken", done: "all done", open: "not at its end" };

const press = (name, act) => {
  const made = html("button", { type: "button", ...OWN_KEYS }, name);
  made.addEventListener("click", () => made.getAttribute("aria-disabled") !== "true" && act());
  return made;
};
const allow = (button, allowed) => button.setAttribute("aria-disabled", String(!allowed));
/** A live region is read whenever it is written, so it is written only when it says something new. */
const say = (element, text, mark) => { if (element.textContent !== text) put(element, ...mark(text)); };

/** What runs a task; without `run`, on a page that has no Python, only its letter. */
function makeStarter(letter, run) {
  if (!run) return { face: html("b", { class: "ptlab-who" }, letter), enable() {} };
  const face = press(`Run ${letter}`, () => run(letter));
  return {
    face,
    enable(enabled) {
      allow(face, enabled);
      face.classList.toggle("ptlab-primary", enabled);
    },
  };
}

/** The column of one task. */
function makeColumn(letter, doing, run, mark) {
  const { face, enable } = makeStarter(letter, run);
  const state = html("span", { class: "ptlab-state" });
  const did = html("span", { class: "ptlab-did" }), next = html("span", { class: "ptlab-next" });
  const nextName = html("b"), holds = html("ul", { class: "ptlab-locks" });
  const element = html("div", { class: "ptlab-task", role: "group", "aria-label": `Task ${letter}: ${doing}` },
    html("div", { class: "ptlab-head" }, face, html("h3", {}, doing), state),
    html("p", {}, html("b", {}, "did"), did), html("p", {}, nextName, next),
    html("div", {}, html("b", {}, "holds"), holds));
  function show({ did: last, next: ahead, holds: held, blocked, done }, enabled) {
    enable(enabled);
    state.replaceChildren(...(blocked ? [icon(PADLOCK), "waits"] : [done ? "done" : enabled ? "can run" : "stopped"]));
    element.classList.toggle("is-blocked", Boolean(blocked));
    put(did, ...mark(last || "nothing yet"));
    did.title = did.textContent;
    nextName.textContent = blocked ? "why" : "next";
    put(next, ...mark(blocked ? `It ${blocked}.` : ahead || (done ? "nothing, it is done" : "nothing, the race is over")));
    next.title = next.textContent;
    holds.title = held.join(", ");
    put(holds, ...(held.length ? held.map((one) => html("li", {}, html("span", {}, ...mark(one)))) : [html("li", { class: "none" }, "nothing")]));
  }
  return { element, show };
}

/** The column of RCU, which is nobody's task. */
function makeRcu(run, mark) {
  const { face, enable } = makeStarter(RCU, run);
  const waiting = html("span"), head = html("div", { class: "ptlab-head" }, face, html("h3", {}, "RCU"), waiting);
  return {
    element: html("div", { class: "ptlab-task ptlab-rcu", role: "group", "aria-label": "RCU" }, head),
    show(pages, enabled) {
      enable(enabled);
      const count = `${pages} ${pages === 1 ? "page waits" : "pages wait"} for a grace period`;
      put(waiting, ...mark(!pages ? "No page waits for a grace period."
        : enabled ? `${count}; the next can be freed.` : `${count}, and somebody who began before may still look.`));
    },
  };
}

/** Who ran when: a row for each task, a cell for each segment; one element with the keys of a slider. */
function makeLanes(letters, seek) {
  const rows = html("div", { class: "ptlab-rows", "aria-hidden": "true" });
  const element = html("div", { class: "ptlab-lanes", role: "slider", tabindex: "0", "aria-valuemin": 0,
    "aria-label": "Position in the schedule", ...OWN_KEYS }, rows);
  const places = new Map();
  element.addEventListener("click", (event) => {
    const place = places.get(event.target.closest(".ptlab-cell"));
    if (place !== undefined) seek(place);
  });
  function draw(schedule, brokenAt) {
    places.clear();
    rows.replaceChildren(...letters.map((letter) => html("div", {}, html("b", {}, letter),
      ...[...schedule].map((one, k) => {
        const ran = one === letter, mark = ran && k + 1 === brokenAt ? "\u2717" : ran ? letter : "";
        const cell = html("span", { class: `ptlab-cell${ran ? " ran" : ""}${mark === "\u2717" ? " broken" : ""}` }, mark);
        places.set(cell, k + 1);
        return cell;
      }))));
  }
  return {
    element,
    draw,
    show(position, schedule, spoken) {
      element.setAttribute("aria-valuemax", schedule.length);
      element.setAttribute("aria-valuenow", position);
      element.setAttribute("aria-valuetext", `${position} of ${schedule.length}: ${spoken}`);
      for (const [cell, place] of places) {
        cell.classList.toggle("later", place > position);
        cell.classList.toggle("now", place === position);
      }
      rows.firstChild.querySelector(".now")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    },
  };
}

/** Where somebody has gone in a race: its other views on the page, which share its payload, go there too. */
const looks = new EventTarget();

function play({ model, el }) {
  const { tasks, scene, variant, story } = model.get("race"), letters = [...tasks.map(({ letter }) => letter), RCU];
  let race, position = 0, pane, asked = false, picked = model.get("race").picked ?? ["", 0];
  const waiting = []; // what the learner has asked for while Python runs a task

  const run = model.send && ((letter) => ask({ run: letter }));
  const mark = makeMarker(story.glossary);
  const columns = tasks.map(({ letter, doing }) => makeColumn(letter, doing, run, mark)), rcu = makeRcu(run, mark);
  const verdict = html("p", { role: "status", class: "ptlab-verdict" });
  const back = press("Back", () => move((here) => here - 1));
  const forward = press("Forward", () => move((here) => here + 1));
  const count = html("output", { class: "ptlab-count", "aria-live": "off" });
  const input = html("input", { type: "text", spellcheck: "false", autocomplete: "off", ...OWN_KEYS });
  input.readOnly = !run;
  const refused = html("p", { class: "ptlab-refused", role: "alert" });
  const seek = (target) => move(() => target);
  const lanes = makeLanes(letters, seek), kept = html("ul", { class: "ptlab-kept", "aria-label": "Schedules that you left" });
  const heading = html("div", { class: "ptlab-title" }), said = html("div"), picture = html("div", { class: "ptlab-picture" });
  const buttons = html("div", { class: "ptlab-bar" }, back, forward, count, html("label", {}, "Schedule ", input));
  const levels = model.get("race").graph && makeLevels(model.get("race"));
  const lecture = makeLecture({ next: () => forward.click(), back: () => back.click(), first: () => seek(-Infinity), last: () => seek(Infinity) });
  const under = html("div", { class: "ptlab-under" }, rcu.element, ...(run ? [refused, kept] : [html("p", { class: "ptlab-note" }, TOO_LARGE)]));
  const root = html("div", { class: "ptlab ptlab-stage ptlab-scheduler", tabindex: "-1", ...OWN_KEYS },
    heading, html("div", { class: "ptlab-line" }, buttons, html("div", { class: "ptlab-course" }, lanes.element, verdict), under, ...(levels ? [levels.element] : [])),
    html("div", { class: "ptlab-tasks" }, ...columns.map((column) => column.element)), said, picture,
    html("div", { class: "ptlab-foot" },
      html("details", { class: "ptlab-note ptlab-help" }, html("summary", OWN_KEYS, "Keys"), run ? RUN_HELP : LOOK_HELP),
      lecture.element,
      ...(model.linked ? [makeLink(() => ({ schedule: levels && race.schedule, step: position, table: tableOf(picked[0]), entry: picked[1] }))] : [])));
  paintWith(story.palette, root);
  const refresh = explain(root);
  el.replaceChildren(root);

  function send(wish) {
    asked = true;
    model.send({ ...wish, from: position });
  }
  /** One wish at a time: two messages may reach Python in either order (JupyterLab has several channels to it). */
  const inTurn = (act) => (asked ? waiting.push(act) : act());
  const ask = (wish) => inTurn(() => send(wish));
  /** `to(position)` is where to go; it is asked when the move is made. */
  const move = (to) => inTurn(() => {
    const next = Math.max(0, Math.min(race.schedule.length, to(position)));
    if (next === position) return;
    show(next, Math.abs(next - position) > 1);
    model.send?.({ seek: next, turn: race.turn });
    looks.dispatchEvent(new CustomEvent("look", { detail: { race, position } }));
  });

  function showTasks({ tasks: shown, enabled, waiting: pages }) {
    columns.forEach((column, k) => column.show(shown[k], enabled.includes(letters[k])));
    rcu.show(pages, enabled.includes(RCU));
  }
  function show(next, jumped) {
    position = next;
    const { moments, schedule } = race, moment = moments[position], segment = race.story.panes[0].segments[position];
    showTasks(moment);
    say(verdict, {
      broken: `\u2717 A rule is broken: ${moment.verdict}.`,
      done: "\u2713 All tasks are done, and no rule is broken.",
      open: "No rule is broken so far.",
    }[moment.end], mark);
    verdict.dataset.end = moment.end;
    verdict.title = verdict.textContent;
    allow(back, position > 0);
    allow(forward, position < schedule.length);
    count.textContent = `${position} / ${schedule.length}`;
    lanes.show(position, schedule, segment.fn ? `${segment.fn}: ${segment.text}` : segment.text);
    pane.show(position, jumped);
    root.dataset.position = position;
    refresh();
  }

  function follow({ detail }) {
    if (detail.race === race && detail.position !== position) show(detail.position, true);
  }

  /** Python has run something: there is a new line, or one more moment. */
  function take() {
    const before = race, inside = picture.contains(document.activeElement);
    race = model.get("race");
    asked = false;
    lanes.draw(race.schedule, race.moments.at(-1).verdict ? race.schedule.length : 0);
    if (!race.refused) input.value = race.schedule; // what was refused can be corrected
    say(refused, race.refused ?? "", mark);
    levels?.show(race, before !== undefined);
    const left = race.kept.map(({ schedule, end }) =>
      html("li", {}, press(schedule, () => ask({ play: schedule })), ` ${ENDS[end]}`));
    kept.replaceChildren(...(left.length ? left : [html("li", {}, KEPT_HELP)]));
    pane?.stop();
    const tab = pane?.tabs.now();
    pane = makePane(race.story, 0, { onPick: pick });
    if (tab) pane.tabs.open(tab);
    const about = `${race.story.panes[0].heading}. Scene ${scene}, ${variant}`;
    heading.replaceChildren(html("h2", { title: story.title }, story.title), html("span", { class: "ptlab-fate", title: about }, about));
    said.replaceChildren(pane.say);
    picture.replaceChildren(pane.element);
    show(race.position, before === undefined);
    if (picked[0]) pane.open(...picked);
    if (inside) root.focus({ preventScroll: true });
    while (waiting.length && !asked) waiting.shift()();
  }
  function pick(...table) {
    picked = table;
  }
  /** Enter plays what is written, and so does leaving the field; Enter alone does not tell every browser of a change. */
  function playInput() {
    if (!asked && input.value !== race.schedule) ask({ play: input.value });
  }
  input.addEventListener("change", playInput);
  input.addEventListener("keydown", ({ key }) => key === "Enter" && playInput());

  root.addEventListener("keydown", (event) => {
    const { key } = event, letter = key.toUpperCase();
    if (event.target.type === "text" || event.ctrlKey || event.altKey || event.metaKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[key];
    if (by) move((here) => here + by);
    else if (run && letters.includes(letter)) run(letter);
    else if (key === "l") lecture.toggle();
    else return;
    event.preventDefault();
  });
  model.on("change:race", take);
  looks.addEventListener("look", follow);
  take();
  return () => {
    looks.removeEventListener("look", follow);
    model.off("change:race", take);
    pane.stop();
  };
}

/** Play the race of `model` in `el`. A payload that cannot be played is refused in words. */
function render({ model, el }) {
  try {
    checkSchema(model.get("race").story);
    return play({ model, el });
  } catch (error) {
    refuse(el, "race", error);
    return () => {};
  }
}

/** The race in `root`: with its graph, to be played; without, the line that was recorded, to go through. */
export function mountRace(root, race) {
  const linked = isOwnPage();
  let stop = () => {};
  function open() {
    stop();
    const { schedule = race.schedule, step, table, entry = 0 } = linked ? readMoment() : {};
    const model = modelOf(race, schedule), there = model.get();
    there.position = Math.min(step ?? (schedule === race.schedule ? race.position : Infinity), there.schedule.length);
    there.picked = table === undefined ? undefined : [idOf(table), entry];
    stop = render({ model: { ...model, linked }, el: root });
  }
  if (linked) addEventListener("hashchange", open);
  open();
}

function modelOf(race, schedule) {
  if (race.graph) return makeModel(race, schedule);
  const now = { ...race };
  return { get: () => now, on() {}, off() {} };
}

export { unpack };
export default { render };
