"""The second question of set 1, solved: what each touch builds."""

from __future__ import annotations

from itertools import pairwise

from ptlab.classroom.sets.walk_tables import Touches
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.walk_tables import first_uses, new_tables
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process


class BuiltSolution(Solution[Touches]):
    """Which tables each of six touches builds."""

    name = "walk-2"

    def solve(self, problem: Touches) -> list[Row]:
        """Touch, and count what is new."""
        return list(new_tables(Process(record=False), problem))

    def in_why(self, problem: Touches) -> Fills:
        """For each touch, the levels at which it is the first."""
        names = ("a PUD page", "a PMD page", "a PTE page")
        lines = []
        for name, row in zip(self.asked.rows(problem), self.solve(problem), strict=True):
            new = [level for level, n in zip(names, row, strict=True) if n]
            what = " and ".join(new) if new else "nothing: all its tables are there"
            lines.append(f"* {name}: {row} builds {what}")
        return {"rows": "\n".join(lines)}

    def wrong(self, problem: Touches) -> list[Wrong]:
        """Tables that are not shared, not remembered, or not needed."""
        paths = [tuple(a >> shift for shift in (39, 30, 21)) for a, _ in problem.touches]
        pages = [tuple(a >> shift for shift in (30, 21, 12)) for a, _ in problem.touches]
        writes = [write for _, write in problem.touches]
        right = first_uses(paths, [True] * 6)
        totals = [tuple(map(sum, zip(*right[: k + 1], strict=True))) for k in range(6)]
        pairs = pairwise([(-1, -1, -1), *paths])
        forgetful = [tuple(int(x != y) for x, y in zip(p, q, strict=True)) for p, q in pairs]
        return [
            self.mistake("own-path-each", [(1, 1, 1)] * 6, 1.5),
            self.mistake("own-pte-page-each", [(1, 1, 1), *[(0, 0, 1)] * 5], 2),
            self.mistake("mmap-built-them", [(0, 0, 0)] * 6, 1.5),
            self.mistake("reads-build-nothing", first_uses(paths, writes), 2.5),
            self.mistake("only-the-last-touch", forgetful, 2.5),
            self.mistake("totals", totals, 2),
            self.mistake("one-level-off", first_uses(pages, [True] * 6), 2.5),
        ]
