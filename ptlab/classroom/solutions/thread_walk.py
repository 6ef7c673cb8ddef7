"""The second question of set 6, solved: atomic operations for a walk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ptlab.base.geometry import KiB, MiB
from ptlab.classroom.sets.thread_counting import KERNEL, Measured
from ptlab.classroom.solution import Wrong
from ptlab.classroom.solutions.tables import mistakes
from ptlab.classroom.solutions.thread_counting import CountingSolution
from ptlab.classroom.table_question import Row
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


class PerWalkSolution(CountingSolution):
    """A walk over several tables."""

    name = "thread-2"

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
        return mistakes(self, right, mistaken)

    def _at(self, problem: Measured, rows: list[Row], operation: str, design: str) -> Row:
        return rows[problem.cases.index((operation, design))]
