"""Counting tables, for the second and the third question of set 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ptlab.classroom.sets.walk_tables import Touches, touched
from ptlab.classroom.table_question import Row
from ptlab.process.process import Process


def tables(process: Process) -> tuple[int, int, int]:
    """How many tables of each level the process has now."""
    now = process.counters
    return now.pud, now.pmd, now.pte


def new_tables(process: Process, problem: Touches) -> Iterator[Row]:
    """Do the accesses on a new process; yields the tables of each level that each has built."""
    before = None
    for _ in touched(process, problem):
        now = tables(process)
        if before is not None:
            yield tuple(b - a for a, b in zip(before, now, strict=True))
        before = now


def first_uses(paths: Sequence[tuple[int, ...]], counts: Sequence[bool]) -> list[Row]:
    """1 where a touch that counts is the first to use that table, for each level."""
    seen: set[tuple[int, int]] = set()
    rows: list[Row] = []
    for path, does in zip(paths, counts, strict=True):
        steps = set(enumerate(path)) if does else set[tuple[int, int]]()
        rows.append(tuple(int(step in steps - seen) for step in enumerate(path)))
        seen |= steps
    return rows
