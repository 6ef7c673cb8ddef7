// You are the scheduler: a column for each task, a button and a key to run it, and the stepper below as its picture.
// Python runs the tasks; this file only asks for a longer or a shorter schedule.

import { OWN_KEYS, html } from "./dom.mjs";
import { mount } from "./stepper.mjs";

function press(name, enabled, act) {
  const made = html("button", { type: "button", "aria-disabled": String(!enabled), ...OWN_KEYS }, name);
  made.addEventListener("click", () => enabled && act());
  return made;
}

function columnOf(task, run) {
  const state = task.done ? "done" : task.blocked ?? (task.enabled ? "" : "stopped");
  const button = press(`Run ${task.letter}`, task.enabled, () => run(task.letter));
  button.classList.toggle("ptlab-primary", task.enabled);
  return html("section", { class: "ptlab-task", "aria-label": `Task ${task.letter}` },
    html("h3", {}, `${task.letter}: ${task.doing}`), button,
    html("p", { class: "ptlab-next" }, task.next ? `next: ${task.next}` : state),
    html("ul", { class: "ptlab-locks", "aria-label": `Locks that task ${task.letter} holds` },
      ...(task.holds.length ? task.holds : ["holds no lock"]).map((lock) => html("li", {}, lock))));
}

function renderScheduler({ model, el }) {
  const columns = html("div", { class: "ptlab-tasks" }), verdict = html("p", { role: "status", class: "ptlab-verdict" });
  const bar = html("div", { class: "ptlab-buttons" }), picture = html("div");
  const root = html("div", { class: "ptlab", tabindex: "-1", ...OWN_KEYS }, columns, verdict, bar);
  el.replaceChildren(root, picture);
  let view;

  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }
  const run = (letter) => set({ schedule: model.get("schedule") + letter });
  const back = () => set({ schedule: model.get("schedule").slice(0, -1) });
  const keep = () => set({ kept: [...new Set([...model.get("kept"), model.get("schedule")])] });

  function show() {
    const { tasks, rcu, waiting, verdict: broken, done } = model.get("state"), schedule = model.get("schedule");
    const focused = root.querySelector(":focus")?.textContent;
    columns.replaceChildren(...tasks.map((task) => columnOf(task, run)));
    const said = broken ? `A rule is broken: ${broken}` : done ? "All tasks are done, and no rule is broken." : "";
    if (verdict.textContent !== said) verdict.textContent = said;
    verdict.classList.toggle("is-broken", Boolean(broken));
    const kept = model.get("kept").map((one) => press(`Go to ${one || "the beginning"}`, one !== schedule,
      () => set({ schedule: one })));
    bar.replaceChildren(
      press(`End a grace period (R), ${waiting} waiting`, rcu, () => run("R")),
      press("Back", schedule.length > 0, back), press("Keep this schedule", true, keep), ...kept,
      html("code", { class: "ptlab-schedule", "aria-label": "Schedule" }, schedule || "nothing has run yet"));
    [...root.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
  }
  function draw() {
    view?.stop();
    const payload = model.get("payload");
    view = mount(picture, payload, { position: payload.frames.length - 1 });
  }
  root.addEventListener("keydown", (event) => {
    const { key } = event, letter = key.toUpperCase(), { tasks, rcu } = model.get("state");
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const can = letter === "R" ? rcu : tasks.some((task) => task.letter === letter && task.enabled);
    if (can) run(letter);
    else if (key === "Backspace" && model.get("schedule")) back();
    else return;
    event.preventDefault();
  });
  model.on("change:state change:kept", show);
  model.on("change:payload", draw);
  show();
  draw();
  return () => {
    model.off("change:state change:kept", show);
    model.off("change:payload", draw);
    view?.stop();
  };
}

export default { render: renderScheduler };
