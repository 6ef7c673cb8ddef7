"""Counting tables: what the second and the third question of set 1 share, and the second's accesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptlab.base.geometry import TiB
from ptlab.classroom.table_question import Column, Row
from ptlab.process.process import Process

TABLES = (Column("PUD pages"), Column("PMD pages"), Column("PTE pages"))
"""The columns of the questions that count tables."""


BASE = 0x1000_0000_0000
"""The start of a PGD entry, so that every index below the PGD's is 0."""


def tables(process: Process) -> tuple[int, int, int]:
    """How many tables of each level the process has now."""
    now = process.counters
    return now.pud, now.pmd, now.pte


@dataclass(frozen=True)
class Touches:
    """Accesses to one area: offset from its beginning, and whether it is a write."""

    touches: tuple[tuple[int, bool], ...]


def new_tables(process: Process, problem: Touches) -> Iterator[Row]:
    """Do the accesses on a new process; yields the tables of each level that each has built."""
    area = process.mmap(TiB, at=BASE, noreserve=True)
    before = tables(process)
    for offset, write in problem.touches:
        process.touch(area + offset, 1, write=write)
        now = tables(process)
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
