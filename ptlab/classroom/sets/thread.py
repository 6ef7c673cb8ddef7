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
from typing import Any, NamedTuple

from ptlab.base.geometry import KiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.thread_counting import (
    DESIGNS,
    KERNEL,
    SAYS,
    Counting,
    Measured,
    distinct,
)
from ptlab.classroom.sets.thread_crossing import Crossing
from ptlab.classroom.sets.thread_walk import PerWalk
from ptlab.costs.meter import Costs, by_operation
from ptlab.process.process import Process


class Operation(NamedTuple):
    """Something to measure: its name in words, and how to do it on a prepared process."""

    words: str
    do: Callable[[Process, int], object]


FAULTS = {
    "table": Operation(
        "the first write in an area of 2 MiB whose PUD and PMD page are there",
        lambda p, heap: p.touch(heap + 2 * MiB, 4 * KiB),
    ),
    "second": Operation(
        "the second write in a PTE page that is there",
        lambda p, heap: p.touch(heap + 4 * KiB, 4 * KiB),
    ),
    "read": Operation(
        "a read of a page not touched before, in a PTE page that is there",
        lambda p, heap: p.touch(heap + 8 * KiB, 4 * KiB, write=False),
    ),
    "replaced": Operation(
        "a write to a page that was only read before",
        lambda p, heap: p.touch(heap + 12 * KiB, 4 * KiB),
    ),
}


@functools.cache
def _faulted(design: str, fault: str) -> Costs:
    process = Process(design, KERNEL)
    heap = process.mmap(4 * MiB)
    process.touch(heap, 4 * KiB)
    process.touch(heap + 12 * KiB, 4 * KiB, write=False)
    FAULTS[fault].do(process, heap)
    return by_operation(process)[-1].costs


class PerMap(Counting):
    """A page fault under designs that count or lock."""

    name = "thread-1"
    title = "atomic operations for a page fault"
    minutes = 25
    goal = "count the atomic operations that a design adds to a page fault, and say where they are"
    hints = (
        "What does each design do when a walker comes, when an entry appears, when the walker leaves? "
        "A step through the fault shows it.",
        "A lock for reading costs two: one atomic operation to take it, one to drop it. A count of a "
        "page that was just made costs none, because nobody else can see it yet.",
        'Measure one: `p = Process(design, kernel="6.1")`, prepare, do the access, then '
        "`by_operation(p)[-1].costs`. Subtract what `unmap_only` has.",
    )

    def pose(self, rng: Random) -> Measured:
        """Two faults under three designs."""
        faults = rng.sample(list(FAULTS), 2)
        designs = rng.sample(DESIGNS, 3)
        return Measured(tuple((fault, design) for fault in faults for design in designs))

    def text(self, problem: Measured) -> str:
        """The rows."""
        return (
            '"Two atomics on every PTE map" was the first objection to reference counts. '
            f"Check it, and check the others.\n\n{self.form(problem)}"
        )

    def words(self, operation: str) -> str:
        """The fault."""
        return FAULTS[operation].words

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
        return distinct(self, right, _SAYS, mistaken)


_SAYS = {
    **SAYS,
    "together": "It matters where an atomic operation is: keep local and shared apart.",
    "visitor-forgotten": "A walker holds a reference of its own while it looks.",
    "rwsem-is-one": "A lock is taken and dropped.",
    "percpu-is-atomic": "A counter of this CPU alone needs no atomic operation.",
    "always-two": "Does a new table, or an entry that only changes, cost the same as a new entry?",
}

QUESTIONS = (PerMap(), PerWalk(), Crossing())
