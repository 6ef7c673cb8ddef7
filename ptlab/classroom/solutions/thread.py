"""Set 6, solved: atomic operations for page faults."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ptlab.base.geometry import KiB, MiB
from ptlab.classroom.sets.thread_counting import KERNEL, Measured
from ptlab.classroom.solution import Wrong
from ptlab.classroom.solutions.tables import mistakes
from ptlab.classroom.solutions.thread_counting import CountingSolution
from ptlab.classroom.solutions.thread_crossing import CrossingSolution
from ptlab.classroom.solutions.thread_walk import PerWalkSolution
from ptlab.costs.meter import Costs, by_operation
from ptlab.process.process import Process

_FAULTS: dict[str, Callable[[Process, int, int], object]] = {
    "table": lambda p, heap, n: p.touch(heap + 2 * MiB, n * 2 * MiB, stride=2 * MiB),
    "second": lambda p, heap, n: p.touch(heap + 4 * KiB, n * 4 * KiB),
    "read": lambda p, heap, n: p.touch(heap + 256 * KiB, n * 4 * KiB, write=False),
    "replaced": lambda p, heap, n: p.touch(heap + MiB, n * 4 * KiB),
}
"""So many page faults on a prepared process."""


@functools.cache
def _faulted(design: str, operation: str) -> Costs:
    fault, n = operation.split()
    process = Process(design, KERNEL)
    heap = process.mmap(32 * MiB)
    process.touch(heap, 4 * KiB)
    process.touch(heap + MiB, 64 * KiB, write=False)
    _FAULTS[fault](process, heap, int(n))
    return by_operation(process)[-1].costs


class PerMapSolution(CountingSolution):
    """A page fault under designs that count or lock."""

    name = "thread-1"

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """Counted on a new process."""
        return _faulted(design, operation)

    def wrong(self, problem: Measured) -> list[Wrong]:
        """From the thread, and from miscounting."""
        right = self.solve(problem)
        cases = problem.cases
        times = [int(operation.split()[1]) for operation, _ in cases]
        rows = list(zip(cases, times, right, strict=True))
        mistaken: dict[str, list[Any]] = {
            "absolute": self.absolute(problem),
            "swapped": [row[::-1] for row in right],
            "together": [(sum(map(int, row)), 0) for row in right],
            "visitor-forgotten": [
                (max(int(a) - 2 * n, 0), b) if d in ("pte_refcount", "every_level") else (a, b)
                for (_, d), n, (a, b) in rows
            ],
            "rwsem-is-one": [
                (a, int(b) - n) if d == "pt_rwsem" else (a, b) for (_, d), n, (a, b) in rows
            ],
            "percpu-is-atomic": [
                (_faulted(d, f).percpu_adds, 0) if d == "percpu_ref" else row
                for (f, d), _, row in rows
            ],
            "always-two": [(2 * n, 0) if d == "pte_refcount" else row for (_, d), n, row in rows],
            "one-fault-only": [(int(a) // n, int(b) // n) for _, n, (a, b) in rows],
            "designs-cost-nothing": [(0, 0)] * len(right),
        }
        return mistakes(self, right, mistaken)


SOLUTIONS = (PerMapSolution, PerWalkSolution, CrossingSolution)
