"""Counting tables: what the second and the third question of set 1 share, and the second's accesses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptlab.base.geometry import TiB
from ptlab.classroom.table_question import Column
from ptlab.process.process import Process

TABLES = (Column("PUD pages"), Column("PMD pages"), Column("PTE pages"))
"""The columns of the questions that count tables."""


BASE = 0x1000_0000_0000
"""The start of a PGD entry, so that every index below the PGD's is 0."""


@dataclass(frozen=True)
class Touches:
    """Accesses to one area: offset from its beginning, and whether it is a write."""

    touches: tuple[tuple[int, bool], ...]


def touched(process: Process, problem: Touches) -> Iterator[None]:
    """Do the accesses on a new process; yields before the first one and after each."""
    area = process.mmap(TiB, at=BASE, noreserve=True)
    yield
    for offset, write in problem.touches:
        process.touch(area + offset, 1, write=write)
        yield
