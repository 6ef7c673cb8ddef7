"""The third question of set 1, solved: the fewest and the most tables."""

from __future__ import annotations

from ptlab.base.geometry import PAGE_SIZE, GiB, MiB
from ptlab.classroom.sets.walk_extremes import Load
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.walk_tables import tables
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process


class ExtremesSolution(Solution[Load]):
    """The fewest and the most tables for so many pages."""

    name = "walk-3"

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
