"""When two schedules have come to the same state: everything goes on alike from there.

A state is all that the machine holds, where each task is in its code, the local variables that its
code may still read, and what the rules remember. Step numbers differ between schedules that
come to the same state, so a step is named as its task's first, second, ... segment.
"""

from __future__ import annotations

import dis
import pickle
from functools import cache
from hashlib import sha1
from io import BytesIO
from types import BuiltinFunctionType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ptlab.race.lock_graph import Link
from ptlab.race.rules import LOCK_ORDER
from ptlab.race.scheduler import Scheduler
from ptlab.state.entries import EntryPool

_OF_THE_WAY = frozenset(
    {"task", "schedule", "now", "running", "footprint", "process", "observe", "log", "freed_at"}
    | {
        "listeners",
        "notes",
        "own",
        "protection",
        "counts",
        "broken",
        "without",
        "others",
        "_watched",
    }
    | {"_serial", "_waits_for", "checker", "_book", "profile", "geometry", "journal"}
    | {"_turns"}
)
"""Attributes that say how a state was reached, or are looked at on their own in `state_key`."""
_PLAIN = (int, str, float, bytes, bool, type(None), tuple, list, dict)
_NAMED = (type, ModuleType, BuiltinFunctionType, CodeType)
_READS = ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE", "LOAD_CLASSDEREF", "DELETE_FAST")


def nth_segment(schedule: str, step: int) -> tuple[str, int]:
    """Step `step` of a schedule as the segment of a task: its letter, and which of its segments."""
    letter = schedule[step - 1] if step else ""
    return letter, schedule[:step].count(letter) if letter else 0


def state_key(scheduler: Scheduler) -> bytes:
    """Equal for two schedules of one scene only if they have come to the same state."""
    sanitizer, checker = scheduler.sanitizer, scheduler.checker
    protection = sanitizer.protection
    counts, own = protection.counts, scheduler.machine.store.own  # type: ignore[attr-defined]

    def nth(noted: dict[int, int]) -> list[Any]:
        return sorted(
            (thing, *nth_segment(scheduler.schedule, step)) for thing, step in noted.items()
        )

    remembered = [
        nth({table: step for table, (_, step) in checker._unhooked.items()}),
        nth(sanitizer.freed_at),
        _overtaken(scheduler.schedule, counts._seen, counts._versions),
        _overtaken(scheduler.schedule, own._seen, own._version),
        sorted(counts.ever),
        sorted((repr(key), sorted(map(repr, locks))) for key, locks in own._locks.items()),
        sorted(map(_link, checker.locks.links.values())),
        sorted((table, tuple(how)) for table, how in protection._unhooked.items()),
        list(protection._flushes),
        [
            [
                bool(sanitizer.depth[t] and sanitizer._serial[t] == serial)
                for t, serial in enumerate(w)
            ]
            for w in sanitizer._waits_for
        ],
        str(scheduler.verdict and [type(rule).__name__ for rule in scheduler.verdict.broken]),
    ]
    tasks = [
        (task.path, task.wants, task.done, task.asleep, task.vain, task.let_go, task.tired)
        for task in scheduler.tasks
    ]
    into = BytesIO()
    with sanitizer.looking_away():
        _Freezer(into).dump((remembered, tasks, scheduler.machine, sanitizer))
    return sha1(into.getvalue(), usedforsecurity=False).digest()


def _overtaken(
    schedule: str, seen: dict[Any, tuple[str, int]], versions: dict[Any, tuple[str, int]]
) -> list[Any]:
    """What tasks have read that others have written since, and in which segment."""
    now = ((task, thing, was, versions.get(thing, ("", 0))) for (task, thing), was in seen.items())
    return sorted(
        (task, repr(thing), *nth_segment(schedule, last[1]))
        for task, thing, was, last in now
        if was != last
    )


def _link(link: Link) -> tuple[str, str, str]:
    """Who took locks in the order that all follow makes no difference."""
    return link.first, link.then, "" if {link.first, link.then} <= set(LOCK_ORDER) else link.task


class _Freezer(pickle.Pickler):
    """Writes what a state is made of; generators by where they are and what they can still read."""

    def __init__(self, into: BytesIO) -> None:
        super().__init__(into, 5)
        self.fast = True  # equal values are written alike, the same object or not
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no other object gets the id of one that was met

    def persistent_id(self, thing: Any) -> Any:
        """What is named instead of written: code, and objects that were met before."""
        if type(thing) in _PLAIN:
            return None
        if isinstance(thing, _NAMED):
            return getattr(thing, "__qualname__", None) or getattr(thing, "co_qualname", str(thing))
        if not hasattr(thing, "__dict__") and type(thing) is not GeneratorType:
            return None
        if id(thing) in self._met:
            return "met", self._met[id(thing)]
        self._met[id(thing)] = len(self._met)
        self._kept.append(thing)
        return None

    def reducer_override(self, thing: Any) -> Any:
        """How to write what pickle cannot, or writes with more than the state."""
        kind = type(thing)
        if kind is GeneratorType:
            return str, (_generator(thing),)
        if kind is np.ndarray:
            return bytes, (thing.tobytes(),)
        if kind is EntryPool:  # most of its words belong to no table
            return str, ((thing.words[thing.slab[thing.slab > 0]], thing.slab, thing.nonnone),)
        if kind is FunctionType:
            cells = tuple(cell.cell_contents for cell in thing.__closure__ or ())
            return str, ((thing.__qualname__, cells),)
        if kind is MethodType:
            return str, ((thing.__func__.__qualname__, thing.__self__),)
        if kind in (set, frozenset):
            return str, (sorted(thing, key=repr),)
        if kind.__name__ in ("dict_keys", "dict_values", "dict_items", "mappingproxy"):
            return str, (list(thing),)
        if isinstance(thing, tuple) or kind.__module__.partition(".")[0] in ("numpy", "builtins"):
            return NotImplemented
        slots = [name for cls in kind.__mro__ for name in getattr(cls, "__slots__", ())]
        held = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
        held |= getattr(thing, "__dict__", {})
        return str, ((kind.__qualname__, {k: v for k, v in held.items() if k not in _OF_THE_WAY}),)


def _generator(path: Any) -> tuple[Any, ...]:
    frame = path.gi_frame
    if frame is None:
        return (path.gi_code.co_qualname, "has ended")
    read = _still_read(path.gi_code, frame.f_lasti)
    local = {name: value for name, value in frame.f_locals.items() if name in read}
    return path.gi_code.co_qualname, frame.f_lasti, local, path.gi_yieldfrom


@cache
def _still_read(code: CodeType, at: int) -> frozenset[str]:
    """The variables that code can read from bytecode `at` on; a loop goes back to its beginning."""
    instructions = list(dis.get_instructions(code))
    jumps = [
        (one.offset, one.argval)
        for one in instructions
        if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs
    ]
    first, before = at, -1
    while first != before:
        before = first
        first = min([first, *(to for offset, to in jumps if offset >= first)])
    read = {one.argval for one in instructions if one.offset >= first and one.opname in _READS}
    return frozenset(read | set(code.co_freevars) | set(code.co_cellvars))
