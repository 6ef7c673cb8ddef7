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

FAULTS: dict[str, Callable[[Process, int], object]] = {
    "table": lambda p, heap: p.touch(heap + 2 * MiB, 4 * KiB),
    "second": lambda p, heap: p.touch(heap + 4 * KiB, 4 * KiB),
    "read": lambda p, heap: p.touch(heap + 8 * KiB, 4 * KiB, write=False),
    "replaced": lambda p, heap: p.touch(heap + 12 * KiB, 4 * KiB),
}
"""Page faults on a prepared process; the question's file has their words."""


@functools.cache
def _faulted(design: str, fault: str) -> Costs:
    process = Process(design, KERNEL)
    heap = process.mmap(4 * MiB)
    process.touch(heap, 4 * KiB)
    process.touch(heap + 12 * KiB, 4 * KiB, write=False)
    FAULTS[fault](process, heap)
    return by_operation(process)[-1].costs


class PerMap(Counting):
    """A page fault under designs that count or lock."""

    name = "thread-1"

    def pose(self, rng: Random) -> Measured:
        """Two faults under three designs."""
        faults = rng.sample(list(FAULTS), 2)
        designs = rng.sample(DESIGNS, 3)
        return Measured(tuple((fault, design) for fault in faults for design in designs))

    def words(self, operation: str) -> str:
        """The fault."""
        return self.wording.remarks[operation]

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """Counted on a new process."""
        return _faulted(design, operation)

    def wrong(self, problem: Measured) -> list[Wrong]:
        """From the thread, and from miscounting."""
        right = self.solve(problem)
        cases = problem.cases
        two = [(2, 0) if d == "pte_refcount" else r for (_, d), r in zip(cases, right, strict=True)]
        mistaken: dict[str, list[Any]] = {
            "absolute": self.absolute(problem),
            "swapped": [row[::-1] for row in right],
            "together": [(sum(map(int, row)), 0) for row in right],
            "visitor-forgotten": [
                (max(int(row[0]) - 2, 0), row[1]) if d in ("pte_refcount", "every_level") else row
                for (_, d), row in zip(cases, right, strict=True)
            ],
            "rwsem-is-one": [
                (local, int(shared) - 1) if d == "pt_rwsem" else (local, shared)
                for (_, d), (local, shared) in zip(cases, right, strict=True)
            ],
            "percpu-is-atomic": [
                (_faulted(d, f).percpu_adds, 0) if d == "percpu_ref" else r
                for (f, d), r in zip(cases, right, strict=True)
            ],
            "always-two": two,
            "designs-cost-nothing": [(0, 0)] * len(right),
        }
        return self.mistakes(right, mistaken)


QUESTIONS = (PerMap(), PerWalk(), Crossing())
