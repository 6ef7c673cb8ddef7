"""Set 6, judge the thread: count what its authors argued about, and see where their lines cross.

The thread is that of "[PATCH v3 00/15] Free user PTE page table pages", November 2021, Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>. Jason Gunthorpe counted two atomic operations for
every PTE mapped and proposed one lock for the page table of a process instead. The counts are those of
ptlab.costs, the prices those of ptlab.costs.contention.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random
from typing import Any

from ptlab.base.geometry import KiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.thread_counting import DESIGNS, KERNEL, Counting, Measured
from ptlab.classroom.sets.thread_crossing import Crossing
from ptlab.classroom.sets.thread_walk import PerWalk
from ptlab.costs.meter import Costs, by_operation
from ptlab.process.process import Process

FAULTS: dict[str, Callable[[Process, int, int], object]] = {
    "table": lambda p, heap, n: p.touch(heap + 2 * MiB, n * 2 * MiB, stride=2 * MiB),
    "second": lambda p, heap, n: p.touch(heap + 4 * KiB, n * 4 * KiB),
    "read": lambda p, heap, n: p.touch(heap + 256 * KiB, n * 4 * KiB, write=False),
    "replaced": lambda p, heap, n: p.touch(heap + MiB, n * 4 * KiB),
}
"""So many page faults on a prepared process; the question's file has their words."""


@functools.cache
def _faulted(design: str, operation: str) -> Costs:
    fault, n = operation.split()
    process = Process(design, KERNEL)
    heap = process.mmap(32 * MiB)
    process.touch(heap, 4 * KiB)
    process.touch(heap + MiB, 64 * KiB, write=False)
    FAULTS[fault](process, heap, int(n))
    return by_operation(process)[-1].costs


class PerMap(Counting):
    """A page fault under designs that count or lock."""

    name = "thread-1"

    def pose(self, rng: Random) -> Measured:
        """Two kinds of faults, each so many times, under three designs."""
        while True:
            faults = [f"{fault} {rng.randint(2, 12)}" for fault in rng.sample(list(FAULTS), 2)]
            designs = rng.sample(DESIGNS, 3)
            problem = Measured(tuple((fault, design) for fault in faults for design in designs))
            if len(self.wrong(problem)) >= 5:
                return problem

    def words(self, operation: str) -> str:
        """The faults."""
        fault, n = operation.split()
        return self.wording.remarks[fault].format(n=n)

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
        return self.mistakes(right, mistaken)


QUESTIONS = (PerMap(), PerWalk(), Crossing())
