// Goals for who plays a race without Python, and which of them have been reached. The browser keeps that for the next
// time, if it may: a page in a frame, or a private window, may not.

import { html } from "./dom.mjs";

const RCU = "R";
const unkept = new Map();

/** What the browser has kept under `name`: the goals that were reached. */
function load(name) {
  try {
    return new Set(JSON.parse(localStorage.getItem(name) ?? "[]"));
  } catch {
    return unkept.get(name) ?? new Set();
  }
}
function save(name, reached) {
  unkept.set(name, reached);
  try {
    localStorage.setItem(name, JSON.stringify([...reached]));
  } catch {
    // It is known as long as the page is open.
  }
}

/** How often another task runs than the one before; a grace period is nobody's turn. */
export function switchesIn(schedule) {
  const turns = [...schedule].filter((letter) => letter !== RCU);
  return turns.filter((letter, k) => k > 0 && letter !== turns[k - 1]).length;
}

const times = (n) => `${n} ${n === 1 ? "switch" : "switches"}`;

/** The goals of a race: to break it, if it can be broken, and with how few switches; else to try, and to end it. */
function goalsOf({ graph: { states, switches } }) {
  if (switches === null) return [{ name: "end", text: "run all tasks to their end",
    reached: ({ end }) => end === "done" }];
  return [
    { name: "break", text: "break a rule", reached: ({ end }) => end === "broken" },
    { name: "few", text: `break it with at most ${times(switches)} from task to task`,
      reached: ({ end }, schedule) => end === "broken" && switchesIn(schedule) <= switches },
  ];
}

/** The list of goals. `show(race)` looks at what has been played; it says how many switches there were. */
export function makeLevels(race) {
  const name = `ptlab race ${race.scene}, ${race.variant}`, goals = goalsOf(race), reached = load(name);
  const items = goals.map(({ text }) => html("li", {}, html("span", { class: "ptlab-mark", "aria-hidden": "true" }), text, html("span", { class: "ptlab-spoken" })));
  const count = html("span", { class: "ptlab-switches" });
  const about = race.graph.switches === null
    ? `no schedule breaks it, of all that lead through its ${race.graph.states.length} states` : "";
  const element = html("div", { class: "ptlab-levels", role: "group", "aria-label": "Goals" }, html("b", {}, "Goals"), about,
    html("ol", {}, ...items), count);
  function draw() {
    items.forEach((item, k) => {
      const done = reached.has(goals[k].name);
      item.classList.toggle("is-reached", done);
      item.querySelector(".ptlab-mark").textContent = done ? "\u2713 " : "\u25a1 ";
      item.querySelector(".ptlab-spoken").textContent = done ? ", reached" : "";
    });
  }
  draw();
  return {
    element,
    show({ schedule, moments }, played) {
      count.textContent = `so far ${times(switchesIn(schedule))}`;
      if (!played) return;
      for (const { name: goal, reached: is } of goals) if (is(moments.at(-1), schedule)) reached.add(goal);
      save(name, reached);
      draw();
    },
  };
}
