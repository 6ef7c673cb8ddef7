"""The second question of set 6: atomic operations for a walk over several tables."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random
from typing import Any

from ptlab.base.geometry import KiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.thread_counting import DESIGNS, KERNEL, Counting, Measured
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills
from ptlab.costs.meter import Costs, by_operation
from ptlab.process.process import Process


@functools.cache
def _walked(design: str, advice: str, tables: int, pages: int) -> Costs:
    process = Process(design, KERNEL, grain="table")
    heap = process.mmap(tables * 2 * MiB)
    for table in range(tables):
        process.touch(heap + table * 2 * MiB, pages * 4 * KiB)
    process.madvise(heap, advice)
    return by_operation(process)[-1].costs


class PerWalk(Counting):
    """A walk over several tables."""

    name = "thread-2"

    def pose(self, rng: Random) -> Measured:
        """Both kinds of walk under three designs, over some tables."""
        designs = rng.sample(DESIGNS, 3)
        cases = tuple((advice, design) for advice in ("FREE", "DONTNEED") for design in designs)
        return Measured(cases, rng.randint(3, 8), rng.randint(2, 60))

    def in_text(self, problem: Measured) -> Fills:
        """The rows, and how large the area is."""
        return {"mib": 2 * problem.tables, **super().in_text(problem)}

    def words(self, operation: str) -> str:
        """The call."""
        return f"MADV_{operation} over the whole area"

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """Counted on a new process."""
        return _walked(design, operation, problem.tables, problem.pages)

    def wrong(self, problem: Measured) -> list[Wrong]:
        """Paying too often, too seldom, or in the wrong place."""
        right = self.solve(problem)
        cases, tables, pages = problem.cases, problem.tables, problem.pages

        def local(change: Callable[[int], int]) -> list[Row]:
            return [(change(int(a)), b) for a, b in right]

        mistaken: dict[str, list[Any]] = {
            "absolute": self.absolute(problem),
            "swapped": [row[::-1] for row in right],
            "once-for-the-walk": local(lambda n: n // tables),
            "once-for-each-entry": local(lambda n: n * pages),
            "lock-for-each-table": [
                (a, int(b) * tables) if d == "pt_rwsem" else (a, b)
                for (_, d), (a, b) in zip(cases, right, strict=True)
            ],
            "free-clears-entries": [
                self._at(problem, right, "DONTNEED", design) for _, design in cases
            ],
            "freeing-needs-no-lock": [(a, 0) for a, _ in right],
            "designs-cost-nothing": [(0, 0)] * len(right),
        }
        return self.mistakes(right, mistaken)

    def _at(self, problem: Measured, rows: list[Row], operation: str, design: str) -> Row:
        return rows[problem.cases.index((operation, design))]
