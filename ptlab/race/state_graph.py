"""All schedules of a small race as a graph of states, so that a page without Python can be played.

Each segment of each state is run once, by the scheduler, on its machine; what it does, and what there is
to see of it, is noted. A schedule is then a way through the graph.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields, replace
from math import prod
from typing import Any

from ptlab.base.footprint import Footprint
from ptlab.base.store import as_changes
from ptlab.race.broken_rule import BrokenRule, Verdict
from ptlab.race.scenes import Scene, Variant
from ptlab.race.scheduler import RCU, Scheduler, Segment
from ptlab.race.shown import end_of, holds, in_words, predicate_of
from ptlab.race.state_key import nth_segment, state_key
from ptlab.state.mm import Mm
from ptlab.story.code import Code
from ptlab.story.pane import step_of, tracks
from ptlab.story.timeline import Timeline
from ptlab.widgets.graph_payload import Graph, Move, State
from ptlab.widgets.payload import Step

MOST_STATES = 600
"""The graph of a race that has more states is not made: it would take more than two seconds."""

Line = list[tuple[str, Footprint]]


def state_graph(
    scene: Scene, variant: Variant, code: Code, most: int = MOST_STATES
) -> Graph | None:
    """The graph of a race; its functions go into `code`. None if it has more than `most` states."""
    if 3 * _positions(scene, variant) > 2 * most:  # there are one to three states for each
        return None
    scheduler = scene.start(variant, record=True)
    known, states = {state_key(scheduler): 0}, [_state(scheduler)]
    todo: list[tuple[int, Line, str]] = [(0, [], letter) for letter in scheduler.enabled()]
    while todo:
        at, line, letter = todo.pop()
        scheduler = scene.start(variant, record=True)
        mms = list(scheduler.machine.mms)  # one that exits stays in the picture
        scheduler.replay(line)
        while letter:
            move, segment = _move(scheduler, letter, code, mms)
            states[at]["moves"][letter] = move
            line = [*line, (letter, segment.footprint)]
            key, letter = state_key(scheduler), ""
            if key not in known:
                known[key] = len(states)
                states.append(_state(scheduler))
                letter, *others = [*scheduler.enabled(), ""]
                todo += [(known[key], line, other) for other in others if other]
            at = move["to"] = known[key]
        if len(states) > most:
            return None
    return {"states": states, "switches": _fewest_switches(states)}


def _positions(scene: Scene, variant: Variant) -> int:
    """How many ways there are to stop each task somewhere, if no task ever waited for another."""
    scheduler = scene.start(variant)
    while able := scheduler.enabled():
        scheduler.go(able[0])
    return prod(scheduler.schedule.count(task.letter) + 1 for task in scheduler.tasks)


def _state(scheduler: Scheduler) -> State:
    over = scheduler.verdict is not None
    blocked = [None if over else scheduler.why_blocked(task) for task in scheduler.tasks]
    return {
        "holds": [list(holds(scheduler, number)) for number in range(len(scheduler.tasks))],
        "blocked": [None if one is None else str(one) for one in blocked],
        "done": [task.done for task in scheduler.tasks],
        "waiting": len(scheduler.machine.rcu),
        "end": end_of(scheduler),
        "moves": {},
    }


def _move(scheduler: Scheduler, letter: str, code: Code, mms: list[Mm]) -> tuple[Move, Segment]:
    """Run one segment, and note what there is to see of it."""
    machine, journal = scheduler.machine, scheduler.process.journal
    assert journal is not None and machine.store.log is not None
    before, steps = len(machine.store.log), len(journal)
    segment = scheduler.go(letter)
    with scheduler.sanitizer.looking_away():
        timeline = Timeline(machine, mms=mms)
        timeline.note(0, as_changes(machine.store.log[before:]))
        shown: Step = {**_ENDED, "text": predicate_of(scheduler, segment.step)}
        if segment.step is not None:
            calls = journal.calls(steps + 1)
            timeline.note_step(0, scheduler.process.mm.id, segment.step, calls)
            shown = step_of(timeline, code)
        move: Move = {
            "to": 0,
            "did": in_words(scheduler, segment.step),
            "step": shown,
            "tracks": tracks(timeline, code),
            "verdict": _verdict(scheduler.verdict, scheduler.schedule),
        }
    return move, segment


_ENDED: Step = {
    "op": 0,
    "process": 0,
    "kind": "",
    "fn": "",
    "calls": 0,
    "text": "",
    "event": False,
    "focus": [],
    "entries": None,
}
_AGO = 10**9
"""Stands in a sentence for how many steps ago something was: that depends on the schedule."""


def _verdict(verdict: Verdict | None, schedule: str) -> list[str | tuple[str, int]]:
    """The sentence of a verdict, with segments in it where it says how many steps ago they were."""
    parts: list[str | tuple[str, int]] = []
    for rule in verdict.broken if verdict else ():
        before = "; " if parts else ""
        ago = _ago(rule)
        if ago is None:
            parts.append(f"{before}{rule.sentence}")
            continue
        told: Any = replace(rule, ago=_AGO)  # type: ignore[type-var]
        first, last = told.sentence.split(told.steps)
        parts += [before + first, nth_segment(schedule, len(schedule) - ago), last]
    return parts


def _ago(rule: BrokenRule) -> int | None:
    names = [field.name for field in fields(rule)]  # type: ignore[arg-type]
    return getattr(rule, "ago", None) if "ago" in names else None


def _fewest_switches(states: list[State]) -> int | None:
    """How often another task must run than the one before, until a rule is broken."""
    waiting: deque[tuple[int, int, str]] = deque([(0, 0, "")])
    seen = set[tuple[int, str]]()
    while waiting:
        switches, at, last = waiting.popleft()
        if states[at]["end"] == "broken":
            return switches
        if (at, last) in seen:
            continue
        seen.add((at, last))
        for letter, move in states[at]["moves"].items():
            if letter in (last, RCU) or not last:
                waiting.appendleft((switches, move["to"], last if letter == RCU else letter))
            else:
                waiting.append((switches + 1, move["to"], letter))
    return None
