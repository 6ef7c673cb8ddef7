// A race that is played without Python: all its schedules are a graph of states (ptlab/race/state_graph.py), and a
// schedule is a way through it. The model here answers what the widget's model asks Python for.

const AGO = (steps) => `${steps} ${steps === 1 ? "step" : "steps"}`;

/** The verdict in words: where it names a segment, how many steps ago that was. */
function told(verdict, schedule) {
  const ago = ([letter, nth]) => {
    let seen = 0;
    const step = [...schedule].findIndex((one) => one === letter && ++seen === nth);
    return AGO(schedule.length - step - 1);
  };
  return verdict.length ? verdict.map((part) => (typeof part === "string" ? part : ago(part))).join("") : null;
}

/** Whether schedule `line` goes on from `first`. */
const goesOn = (line, first) => line.slice(0, first.length) === first;
const last = (track) => track.at(-1);
const same = (one, other) => JSON.stringify({ ...one, step: 0 }) === JSON.stringify({ ...other, step: 0 });
/** Add what a segment shows to a track, unless it is what the track shows already. */
function append(track, records, step) {
  for (const record of records) if (!track.length || !same(last(track), record)) track.push({ ...record, step });
}

/** Lengthen the tracks of a pane by those of a segment, which becomes its last step. */
function lengthen(pane, { step: shown, tracks }) {
  const step = pane.steps.push(shown) - 1;
  for (const [id, looks] of Object.entries(tracks.looks)) append(pane.nodes[id].track, looks, step);
  for (const [id, places] of Object.entries(tracks.places)) {
    const node = pane.nodes[id], unborn = node.track.every(({ state, step: at }) => state === "absent" || at === step);
    if (unborn) node.places = [];
    append(node.places, places, step);
  }
  for (const [id, changes] of Object.entries(tracks.entries)) {
    pane.entries[id] ??= [];
    pane.entries[id].push(...changes.map((change) => ({ ...change, step })));
  }
  append(pane.locks, tracks.locks, step);
  tracks.caches.forEach(({ title, track }) => {
    const known = pane.caches.find((one) => one.title === title);
    if (known) append(known.track, track, step);
    else pane.caches.push({ title, track: track.map((look) => ({ ...look, step })) });
  });
  tracks.processes.forEach(({ counters, timeline }, k) => {
    const process = pane.processes[k];
    counters.forEach(({ track }, i) => append(process.counters[i].track, track, step));
    timeline.forEach(({ track }, i) => append(process.timeline[i].track, track, step));
  });
}

/** What the columns show after a schedule that has come to `state`; `did` is what each task did last. */
const momentOf = (state, letters, did, verdict) => ({
  tasks: letters.map((letter, k) => ({
    did: did[letter] ?? "", next: state.moves[letter]?.did ?? "", holds: state.holds[k], blocked: state.blocked[k], done: state.done[k],
  })),
  enabled: Object.keys(state.moves).sort().join(""),
  waiting: state.waiting,
  end: state.end,
  verdict,
});

/** The payload of a schedule, as Python makes it; a RangeError that says why it cannot run. */
function walk({ graph: { states }, tasks, story }, schedule) {
  const letters = tasks.map(({ letter }) => letter), pane = structuredClone(story.panes[0]), did = {}, frames = [...story.frames];
  let state = states[0], done = "";
  const moments = [momentOf(state, letters, did, null)];
  for (const letter of schedule) {
    const move = state.moves[letter], can = Object.keys(state.moves).sort();
    if (!move) throw new RangeError(`schedule '${done}${letter}': '${letter}' cannot run here, ${can.length ? `only ${can.join(" or ")} can` : "nobody can"}`);
    done += letter;
    did[letter] = move.did;
    lengthen(pane, move);
    pane.segments.push({ who: letter, fn: move.step.fn, calls: move.step.calls, text: move.step.text });
    frames.push([pane.steps.length - 1]);
    state = states[move.to];
    moments.push(momentOf(state, letters, did, told(move.verdict, done)));
  }
  return { schedule, moments, story: { ...story, panes: [pane], frames } };
}

const MOST_KEPT = 8;
/** The schedules that were left, the latest first, without those that another goes on from. */
function kept(lines, { schedule: next }) {
  const left = lines.filter(({ schedule }) => !goesOn(next, schedule));
  return left.filter(({ schedule }, k) => left.every((other, i) => i === k || !goesOn(other.schedule, schedule) || (other.schedule === schedule && i > k)))
    .slice(0, MOST_KEPT);
}

/** A model for the scheduler that runs the tasks of `race` itself, after `schedule` or, if it cannot run, that of `race`. */
export function makeModel(race, schedule) {
  const listeners = new Set();
  let turn = 1, now = { ...race, turn };
  try {
    Object.assign(now, walk(race, schedule));
  } catch {
    Object.assign(now, walk(race, race.schedule));
  }
  function play(line, from) {
    const schedule = [...line].filter((one) => one.trim()).join("").toUpperCase();
    try {
      if (goesOn(now.schedule, schedule)) now = { ...now, position: schedule.length, refused: "" };
      else {
        const next = walk(race, schedule), old = { schedule: now.schedule, end: now.moments.at(-1).end };
        now = { ...now, ...next, kept: kept([old, ...now.kept], next), position: schedule.length, refused: "" };
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      now = { ...now, position: from, refused: error.message };
    }
    now.turn = ++turn;
    for (const listener of listeners) listener();
  }
  return {
    get: () => now,
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    send({ run, play: line, seek, from }) {
      if (seek !== undefined) now.position = seek;
      else play(line ?? now.schedule.slice(0, from) + run, from);
    },
  };
}
