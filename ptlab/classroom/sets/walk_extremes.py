"""The third question of set 1: the fewest and the most tables for so many pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE, GiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.walk_tables import TABLES, tables
from ptlab.classroom.table_question import Row, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process

_ORDER = (
    "Each PUD page has a PMD page below it, each PMD page a PTE page: are the columns in the order "
    "(PUD pages, PMD pages, PTE pages)?"
)


@dataclass(frozen=True)
class Load:
    """`pages` pages to write in one piece; then `few` pages, spread over `gib` GiB."""

    pages: int
    few: int
    gib: int


class Extremes(TableQuestion[Load]):
    """The fewest and the most tables for so many pages."""

    name = "walk-3"
    columns = TABLES

    def pose(self, rng: Random) -> Load:
        """Never a whole number of tables; fewer GiB than pages to spread over them."""
        while True:
            gib = rng.randrange(3, 30)
            problem = Load(rng.randrange(1030, 9000), rng.randrange(2 * gib, 5 * gib), gib)
            if problem.pages % 512 > 1 and self.tells_apart(problem):
                return problem

    def rows(self, problem: Load) -> Sequence[str]:
        """The cases, short."""
        return ["in one piece, at best", "in one piece, at worst", "spread, at worst"]

    def where(self, problem: Load, row: int) -> str:
        """How to try it."""
        return (
            'Try it: p = ptlab.Process(grain="table"), p.mmap(n, at=...), p.touch(...), print(p).'
        )

    def remark(self, problem: Load, row: int, given: Row) -> str:
        """What no process can have, such as columns in the other order."""
        built = [int(n) for n in given]
        if min(built) < 1:
            return "A page that was written needs a table of every level."
        return "" if built == sorted(built) else _ORDER

    def solve(self, problem: Load) -> list[Row]:
        """Touch at several places and take the extremes; spread evenly, no two pages share a table."""
        length, border = problem.pages * PAGE_SIZE, 512 * GiB
        starts = [border, border - PAGE_SIZE, border + GiB - PAGE_SIZE, border - 2 * MiB]
        found = [_touched(start, length, PAGE_SIZE) for start in starts]
        stride = problem.gib * GiB // problem.few & -PAGE_SIZE
        return [min(found), max(found), _touched(border, stride * problem.few, stride)]

    def in_why(self, problem: Load) -> Fills:
        """The arithmetic."""
        low, high, spread = self.solve(problem)
        rest = problem.pages - 1
        arithmetic = {"full": problem.pages // 512, "rest": rest, "more": -(-rest // 512)}
        return {"low": low, "high": high, "spread": spread, **arithmetic, "mib2": problem.gib * 512}

    def wrong(self, problem: Load) -> list[Wrong]:
        """A border forgotten, a size mistaken."""
        n, few, gib = problem.pages, problem.few, problem.gib
        best, half = -(-n // 512), -(-n // 1024)
        low, high, spread = (1, 1, best), (2, 2, 1 + -(-(n - 1) // 512)), (1, gib, few)
        return [
            self.mistake("rounds-down", [(1, 1, n // 512), (2, 2, n // 512 + 1), spread], 2),
            self.mistake("no-borders", [low, low, spread], 2),
            self.mistake("one-border-only", [low, (1, 2, high[2]), spread], 2),
            self.mistake("own-pte-page-each", [(1, 1, n), (1, 1, n), spread], 1),
            self.mistake("spread-shares", [low, high, (1, gib, gib)], 2),
            self.mistake("own-pmd-page-each", [low, high, (1, few, few)], 2),
            self.mistake("1024-entries", [(1, 1, half), (2, 2, half + 1), spread], 1),
        ]


def _touched(start: int, length: int, stride: int) -> Row:
    """The tables of a process that has touched [start, start + length)."""
    process = Process(record=False, grain="range")
    process.mmap(length, at=start, noreserve=True)
    process.touch(start, length, stride=stride)
    return tables(process)
