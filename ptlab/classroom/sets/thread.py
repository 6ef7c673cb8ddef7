"""Set 6, judge the thread: count what its authors argued about, and see where their lines cross.

The thread is that of "[PATCH v3 00/15] Free user PTE page table pages", November 2021, Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>. Jason Gunthorpe counted two atomic operations for
every PTE mapped and proposed one lock for the page table of a process instead. The counts are those of
ptlab.costs, the prices those of ptlab.costs.contention.
"""

from __future__ import annotations

from random import Random

from ptlab.classroom.sets.thread_counting import DESIGNS, Counting, Measured
from ptlab.classroom.sets.thread_crossing import Crossing
from ptlab.classroom.sets.thread_walk import PerWalk

FAULTS = ("table", "second", "read", "replaced")
"""Kinds of page faults; the question's file has their words."""


class PerMap(Counting):
    """A page fault under designs that count or lock."""

    name = "thread-1"

    def pose(self, rng: Random) -> Measured:
        """Two kinds of faults, each so many times, under three designs."""
        faults = [f"{fault} {rng.randint(2, 12)}" for fault in rng.sample(FAULTS, 2)]
        designs = rng.sample(DESIGNS, 3)
        return Measured(tuple((fault, design) for fault in faults for design in designs))

    def words(self, operation: str) -> str:
        """The faults."""
        fault, n = operation.split()
        return self.wording.remarks[fault].format(n=n)


QUESTIONS = (PerMap(), PerWalk(), Crossing())
