"""A scenario that a student wrote: read, kept small, played, and looked at.

A scenario is data, not code. What could make it long is bounded before it is played.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ptlab import scenario
from ptlab.base.geometry import Level
from ptlab.classroom.question import shown
from ptlab.process.process import Process
from ptlab.scenario.operation import Operation, Scenario
from ptlab.scenario.operations.memory import Madvise, MadviseEach, Touch
from ptlab.scenario.operations.mmap import Mmap

MOST_TEXT = 5000
MOST_LINE = 200
MOST_CALLS = 40_000
MOST_ACCESSES = 20_000
MOST_BYTES = 1 << 34


class Unplayable(ValueError):
    """The text is no scenario, or one that is too big; the message is for the student."""


class Left(NamedTuple):
    """What a scenario leaves behind.

    tables  PTE pages, empty or not
    empty   PTE pages without an entry
    faults  page faults, minor and major, of the process itself
    failed  the calls that failed: the op's text and the error's name
    """

    tables: int
    empty: int
    faults: int
    failed: list[str]


def read(answer: object, verbs: tuple[str, ...], lines: int, area: tuple[int, int]) -> Scenario:
    """The scenario in `answer`: at most `lines` ops with these verbs, in this area; else Unplayable."""
    if type(answer) is not str:
        raise Unplayable(
            f"the answer is {shown(answer)}; it should be a scenario: one text with a line for each "
            "operation"
        )
    if len(answer) > MOST_TEXT:
        raise Unplayable(f"the text has {len(answer)} characters; {MOST_TEXT} are more than enough")
    longest = max(map(len, answer.splitlines()), default=0)
    if longest > MOST_LINE:
        raise Unplayable(
            f"a line has {longest} characters; {MOST_LINE} are more than enough. Write one operation "
            "a line"
        )
    try:
        found = scenario.parse(answer, "your scenario")
    except scenario.ScenarioError as error:
        raise Unplayable(f"{error}\nHere you may only use {', '.join(verbs)}.") from error
    if len(found) != 1:
        raise Unplayable(f"the text has {len(found)} scenarios; write one")
    for op in found[0].ops:
        if op.verb not in verbs:
            raise Unplayable(f"line {op.line}, {op.text!r}: you may only use {', '.join(verbs)}")
        _bound(op)
    if len(found[0].ops) > lines:
        raise Unplayable(
            f"the scenario has {len(found[0].ops)} operations; at most {lines} are allowed"
        )
    for op in found[0].ops:
        _within(op, area)
    return found[0]


def _within(op: Operation, area: tuple[int, int]) -> None:
    """Unplayable: an address of `op` lies outside the area."""
    old = getattr(op, "length", getattr(op, "old_length", 0))
    places = [(getattr(op, "addr", None), old)]
    places.append((getattr(op, "to", None), getattr(op, "new_length", 0)))
    for start, size in places:
        if start is not None and not area[0] <= start <= start + size <= area[1]:
            raise Unplayable(
                f"line {op.line}, {op.text!r}: it works at {start:#x}; your area begins at "
                f"{area[0]:#x} and ends at {area[1]:#x}"
            )


def _bound(op: Operation) -> None:
    sizes = [getattr(op, name, 0) for name in ("length", "new_length", "old_length", "size")]
    calls = op.length // op.chunk if isinstance(op, MadviseEach) else 1
    accesses = op.length // op.stride if isinstance(op, Touch) else 0
    if max(sizes) > MOST_BYTES or calls > MOST_CALLS or accesses > MOST_ACCESSES:
        raise Unplayable(
            f"line {op.line}, {op.text!r}: too big for this exercise, which allows 16 GiB, "
            f"{MOST_CALLS} calls and {MOST_ACCESSES} accesses for one operation"
        )
    populates = isinstance(op, Mmap) and (op.populate or op.advice != "NOHUGEPAGE")
    if populates or (isinstance(op, Madvise) and "POP" in op.advice):
        raise Unplayable(f"line {op.line}, {op.text!r}: pages are to come by touch, one by one")


def play(found: Scenario, kernel: str) -> Left:
    """Play a scenario on `kernel` and look at what is left. Unplayable: it names no file."""
    process = Process(kernel=kernel, grain="table", record=False)
    try:
        rows = list(scenario.play(process, found))
    except scenario.ScenarioError as error:  # a file that no operation has made
        raise Unplayable(str(error)) from error
    failed = [
        f"{row['op']}: {row['err'] or 'not modelled'}"
        for row in rows
        if row.get("unsupported") or row["err"]
    ]
    return Left(process.counters.pte, _empty(process), _faults(process), failed)


def _faults(process: Process) -> int:
    return process.counters.minflt + process.counters.majflt


def _empty(process: Process) -> int:
    mem, mm = process.machine.mem, process.mm
    live = mem.live()
    pte = live[(mem.level[live] == Level.PTE) & (mem.mm[live] == mm.id)]
    return int(np.count_nonzero(mem.nonnone[pte] == 0))
