// A question: fields, a button that judges what is in them, and one that shows the answers. In a notebook the answers
// come from Python when they are wanted; in a page they were computed when the page was made.

import { OWN_KEYS, html } from "./dom.mjs";
import { readNumber, same } from "./reading.mjs";

const EMPTY = "Write a guess first, or choose Show me. A wrong guess is fine: it teaches most.";

const keysOf = (rows, columns) => {
  if (!rows.length) return [""];
  return columns.length ? rows.flatMap((row) => columns.map((column) => `${row}: ${column}`)) : rows;
};

/** One field with its verdict. `said` gets what was typed. */
function makeField(name, { kind, unit, choices }, said) {
  const input = kind === "choice"
    ? html("select", {}, html("option", { value: "" }, "choose"), ...choices.map((word) => html("option", { value: word }, word)))
    : html("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  if (kind === "number") input.setAttribute("inputmode", "decimal");
  for (const [key, value] of Object.entries(OWN_KEYS)) input.setAttribute(key, value);
  input.setAttribute("aria-label", name);
  input.addEventListener("input", () => said(input.value));
  const verdict = html("span", { class: "ptlab-guess-verdict" });
  const face = html("span", { class: `ptlab-guess-field is-${kind}` }, input);
  if (unit && kind === "number") face.append(html("span", { class: "ptlab-guess-unit" }, unit));
  face.append(verdict);
  return { face, input, verdict };
}

function layOut(rows, columns, question, fields) {
  if (!rows.length) return html("div", { class: "ptlab-guess-one" }, fields.get("").face);
  const head = (text, scope) => html("th", { scope }, text);
  const table = html("table", {});
  if (columns.length) table.append(html("tr", {}, html("td", {}), ...columns.map((name) => head(name, "col"))));
  for (const row of rows) {
    const keys = columns.length ? columns.map((column) => `${row}: ${column}`) : [row];
    table.append(html("tr", {}, head(row, "row"), ...keys.map((key) => html("td", {}, fields.get(key).face))));
  }
  return html("div", { class: "ptlab-guess-table", role: "group", "aria-label": "Answers", tabindex: "0" }, table);
}

function mark(field, guess, answer, { kind, unit, stage }) {
  const shown = `${answer}${unit && kind === "number" ? ` ${unit}` : ""}`, right = guess.trim() && same(guess, answer, kind, unit);
  field.input.disabled = stage === "shown" || Boolean(right);
  field.verdict.className = `ptlab-guess-verdict ${right ? "is-right" : guess.trim() && kind !== "word" ? "is-wrong" : ""}`;
  if (right) field.verdict.textContent = "\u2713 right";
  else if (stage === "shown") field.verdict.replaceChildren(guess.trim() && kind !== "word" ? "\u2717 " : "", "answer: ", html("b", {}, shown));
  else field.verdict.textContent = guess.trim() ? "\u2717 not this" : "";
  return Boolean(right);
}

/** Show the question of `model`, whose traits are those of ptlab/widgets/guess.py. */
function render({ model, el }) {
  const { rows, columns, choices } = { rows: model.get("rows"), columns: model.get("columns"), choices: model.get("choices") };
  const kind = model.get("kind"), unit = model.get("unit"), question = model.get("question");
  const keys = keysOf(rows, columns), several = keys.length > 1;
  const fields = new Map(keys.map((key) => [key, makeField(key || question, { kind, unit, choices }, (text) => put(key, text))]));
  const status = html("p", { class: "ptlab-guess-status", role: "status" });
  const button = (name, act) => {
    const made = html("button", { type: "button", ...OWN_KEYS }, name);
    made.addEventListener("click", act);
    return made;
  };
  const check = button("Check", () => judge()), show = button("Show me", () => want("shown")), again = button("Start again", restart);
  check.classList.add("ptlab-primary");
  const told = (name, label) => html("div", { class: `ptlab-guess-${name} jp-RenderedHTMLCommon`, tabindex: "0", "aria-label": label, role: "group", ...OWN_KEYS });
  const more = told("more", "How it came about"), why = told("why", "Explanation");
  const picture = choicesInPicture(model.get("picture"), (number) => {
    const { input } = fields.get("");
    if (!input.disabled) put("", input.value = choices[number]);
  });
  const root = html("div", { class: "ptlab-guess", role: "group", "aria-label": question },
    html("p", { class: "ptlab-guess-question" }, question),
    picture, layOut(rows, columns, question, fields), html("div", { class: "ptlab-guess-bar" }, check, show, again), status, more, why);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input") && model.get("stage") !== "shown") judge();
  });

  let next = "";
  function put(key, text) {
    model.set("given", { ...model.get("given"), [key]: text });
    model.save_changes();
    if (fields.get(key).verdict.textContent) fields.get(key).verdict.textContent = "";
    markChoices(picture, choices, text);
  }
  function judge() {
    const given = model.get("given"), filled = keys.filter((key) => given[key]?.trim());
    if (!filled.length) return void (status.textContent = EMPTY);
    for (const key of filled) {
      const { problem } = kind === "number" ? readNumber(given[key], unit) : {};
      if (!problem) continue;
      status.textContent = `${key ? `${key}: ` : ""}${problem}`;
      return void fields.get(key).input.focus();
    }
    want(several ? "judged" : "shown");
  }
  function want(stage) {
    next = stage;
    if (Object.keys(model.get("answers")).length) return void arrive();
    model.set("problem", "");
    model.set("wanted", true);
    model.save_changes();
  }
  function arrive() {
    if (!next || !Object.keys(model.get("answers")).length) return;
    const right = keys.every((key) => same(model.get("given")[key] ?? "", model.get("answers")[key], kind, unit));
    model.set("stage", right ? "shown" : next);
    next = "";
    model.save_changes();
    paint();
  }
  function restart() {
    model.set("given", {});
    model.set("stage", "asking");
    model.save_changes();
    paint();
    fields.get(keys[0]).input.focus();
  }
  function paint() {
    const stage = model.get("stage"), given = model.get("given"), answers = model.get("answers");
    let right = 0;
    for (const [key, field] of fields) {
      const guess = given[key] ?? "";
      if (field.input.value !== guess) field.input.value = guess;
      field.input.disabled = stage === "shown";
      if (stage === "asking") field.verdict.textContent = "";
      else if (key in answers) right += mark(field, guess, answers[key], { kind, unit, stage });
    }
    markChoices(picture, choices, given[""], stage === "shown" ? answers[""] : undefined);
    check.hidden = show.hidden = stage === "shown";
    again.hidden = stage === "asking";
    status.textContent = verdict(stage, right, keys, given, kind);
    for (const [place, name] of [[more, "details"], [why, "why"]]) {
      const text = stage === "shown" ? model.get(name) : "";
      place.hidden = !text;
      tell(place, text);
    }
  }

  model.on("change:answers", arrive);
  model.on("change:stage", paint);
  model.on("change:problem", () => {
    if (model.get("problem")) status.textContent = `There is no answer here: ${model.get("problem")}.`;
  });
  el.append(root);
  paint();
}

function verdict(stage, right, keys, given, kind) {
  const filled = keys.filter((key) => given[key]?.trim()).length;
  if (stage === "asking") return "";
  if (stage === "judged") return `${right} of ${keys.length} right. Change the others and check again, or choose Show me.`;
  if (keys.length > 1) return filled ? `${right} of ${keys.length} right.` : "Here are the answers.";
  if (!filled) return "Here is the answer.";
  return right ? "As you guessed." : kind === "word" ? "Compare it with what you wrote." : "Compare the two, then read why.";
}

/** The picture of the choices. Its elements are for the pointer: with keys, and unseen, one chooses in the list below. */
function choicesInPicture(text, chosen) {
  const place = html("div", { class: "ptlab-guess-picture" });
  place.innerHTML = text;
  place.addEventListener("click", ({ target }) => {
    const hit = target.closest("[data-choice]");
    if (hit) chosen(Number(hit.dataset.choice));
  });
  return place;
}

function markChoices(picture, choices, guess, answer) {
  for (const one of picture.querySelectorAll("[data-choice]")) {
    const name = choices[one.dataset.choice];
    one.classList.toggle("is-picked", name === guess);
    one.classList.toggle("is-answer", name === answer);
  }
}

/** What is told after the answer; its links open beside the notebook. It is text of the course's own. */
function tell(place, text) {
  place.innerHTML = text;
  for (const link of place.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noopener" });
}

/** A question in a page: a model of its own, whose answers are there from the beginning. */
export function mountGuessPage(el, packed) {
  const bytes = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
  const state = JSON.parse(new TextDecoder().decode(bytes)), heard = {};
  const tell = (name) => heard[`change:${name}`]?.();
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes() {
      if (state.wanted && !Object.keys(state.answers).length) {
        state.problem ||= "this page was saved without them";
        tell("problem");
      }
      const { given, stage } = state;
      parent.postMessage({ ptlabKeep: JSON.stringify({ given, stage }) }, "*");
    },
    on: (name, act) => { heard[name] = act; },
  };
  render({ model, el });
  addEventListener("message", ({ data, source }) => {
    if (source !== parent || !data?.ptlabKept || state.stage !== "asking" || Object.keys(state.given).length) return;
    const { given, stage } = JSON.parse(data.ptlabKept);
    Object.assign(state, { given, stage: Object.keys(state.answers).length ? stage : "asking" });
    tell("stage");
  });
  if (window !== window.top) {
    const height = () => parent.postMessage({ ptlabHeight: el.getBoundingClientRect().height }, "*");
    new ResizeObserver(height).observe(el);
  }
}

export default { render };
