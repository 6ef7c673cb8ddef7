"""A story, a comparison or a race as a time line for ui.perfetto.dev and chrome://tracing.

Nothing in a story takes time, so position 41 of its slider stands at 41 microseconds: what the 41st
step did is the microsecond before. There is a thread for each task, with the operation, the kernel's
functions inside each other, and the sentence with each step. There is one for each lock, while it is
held, one for the tables that come and go, and a counter for each number. Two calls of one function,
with no step of its caller between them, look like one call.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.base.trace_events import Event, begin, counter, end, instant, named, whole, write
from ptlab.widgets.payload import Pane, Payload

_TABLES = 1
_FIRST_TASK = 2
_FIRST_LOCK = 100
_STEP = itemgetter("step")


class _Did(NamedTuple):
    """What a task did up to a position. `inside`: the operation and the functions around `fn`."""

    position: int
    who: str
    inside: tuple[tuple[int, str], ...]
    fn: str
    text: str


def export_perfetto(payload: Payload, path: str | PathLike[str]) -> Path:
    """Write a story or a comparison, see Story.payload(); each story is a process of the trace."""
    return write(
        (
            event
            for p, pane in enumerate(payload["panes"])
            for event in (
                named(p + 1, _title(payload, pane)),
                *_tasks(payload, p, {"": "what the kernel does"}),
                *_locks(p, [_held(pane, frame[p]) for frame in payload["frames"]]),
                *_tables(payload, p),
                *_counters(payload, p),
            )
        ),
        path,
    )


def export_race(race: Mapping[str, Any], path: str | PathLike[str]) -> Path:
    """Write a race, see Race.payload(): all of its line, and at its end the verdict."""
    story, moments, tasks = race["story"], race["moments"], race["tasks"]
    letters = [task["letter"] for task in tasks]
    held = [
        {
            f"{who}: {lock}"
            for who, task in zip(letters, moment["tasks"], strict=True)
            for lock in task["holds"]
        }
        for moment in moments
    ]
    names = {task["letter"]: f"{task['letter']}: {task['doing']}" for task in tasks} | {"R": "RCU"}
    events = [
        named(1, _title(story, story["panes"][0])),
        *_tasks(story, 0, names),
        *_locks(0, held),
        *_tables(story, 0),
        *_counters(story, 0),
    ]
    if verdict := moments[-1]["verdict"]:
        broken = f"A rule is broken: {verdict}"
        events.append(instant(len(moments) - 1, 1, _TABLES, broken) | {"s": "g"})
    return write(events, path)


def _title(payload: Payload, pane: Pane) -> str:
    return f"{payload['title']} ({pane['heading']})"


def _kernel(payload: Payload, path: int) -> list[str]:
    """The kernel's functions on a call path, from the outermost."""
    functions = [payload["functions"][function] for function, _ in payload["calls"][path]]
    return [function["name"] for function in functions if function["kernel"]]


def _did(payload: Payload, p: int) -> Iterator[_Did]:
    pane, frames = payload["panes"][p], payload["frames"]
    for position in range(1, len(frames)):
        number = frames[position][p]
        done: Any = pane["segments"][position] if "segments" in pane else pane["steps"][number]
        if "segments" not in pane and number == frames[position - 1][p]:
            continue  # this story waits for the other one
        names = _kernel(payload, done["calls"])
        names = names[:-1] if names[-1:] == [done["fn"]] else names
        op = [(done["op"], pane["ops"][done["op"]])] if "op" in done else []
        inside = (*op, *((-1, name) for name in names))
        yield _Did(position, done.get("who", ""), inside, done["fn"] or "ends", done["text"])


def _tasks(payload: Payload, p: int, names: Mapping[str, str]) -> Iterator[Event]:
    """What each task did; it stays inside its functions while another one runs."""
    pid, tids = p + 1, {who: _FIRST_TASK + k for k, who in enumerate(names)}
    stacks: dict[str, tuple[tuple[int, str], ...]] = dict.fromkeys(names, ())
    last = dict.fromkeys(names, 0)
    for who, name in names.items():
        yield named(pid, name, tids[who])
    for position, who, inside, fn, text in _did(payload, p):
        tid, stack = tids[who], stacks[who]
        same = len(
            list(takewhile(lambda pair: pair[0] == pair[1], zip(stack, inside, strict=False)))
        )
        yield from (end(last[who], pid, tid) for _ in stack[same:])
        yield from (begin(position - 1, pid, tid, name) for _, name in inside[same:])
        yield begin(position - 1, pid, tid, fn, position=position, sentence=text)
        yield end(position, pid, tid)
        stacks[who], last[who] = inside, position
    for who, stack in stacks.items():
        yield from (end(last[who], pid, tids[who]) for _ in stack)


def _held(pane: Pane, step: int) -> set[str]:
    """The locks that are held after a step, with how."""
    record = bisect_right(pane["locks"], step, key=_STEP) - 1
    return {lock["text"] for lock in pane["locks"][record]["held"]} if record >= 0 else set()


def _locks(p: int, held: Sequence[set[str]]) -> Iterator[Event]:
    """A thread for each lock: two that are held at once need not end in turn."""
    pid, after = p + 1, len(held) - 1
    for tid, lock in enumerate(sorted(set().union(*held)), _FIRST_LOCK):
        yield named(pid, f"held: {lock}", tid)
        since: int | None = None
        for position, now in enumerate([*held, set()]):
            if lock in now and since is None:
                since = position
            elif lock not in now and since is not None:
                yield whole(since, min(position, after) - since, pid, tid, lock)
                since = None


def _tables(payload: Payload, p: int) -> Iterator[Event]:
    """The steps at which a table comes or goes, in the middle of what the step took."""
    pane, frames = payload["panes"][p], payload["frames"]
    yield named(p + 1, "tables come and go", _TABLES)
    for position in range(1, len(frames)):
        for step in pane["steps"][frames[position - 1][p] + 1 : frames[position][p] + 1]:
            if step["event"]:
                sentence = f"{step['fn']}: {step['text']}"
                yield instant(position - 0.5, p + 1, _TABLES, sentence, position=position)


def _counters(payload: Payload, p: int) -> Iterator[Event]:
    """The numbers of each process, where they change."""
    shown = [frame[p] for frame in payload["frames"]]
    for process in payload["panes"][p]["processes"]:
        for track in process["counters"]:
            name = " ".join(filter(None, (process["name"], track["name"], track["unit"])))
            values = {bisect_left(shown, one["step"]): one["value"] for one in track["track"]}
            for position, value in values.items():
                yield counter(position, p + 1, name, value=value)
