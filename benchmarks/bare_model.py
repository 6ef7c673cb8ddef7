"""The engine's shape without a kernel: as many generators, steps, noted changes and call paths.

What a page fault does in `entry` grain is six steps below five generators, with a change noted for
each, and two for the entry. Nothing is looked up, decided or checked. The engine has become leaner
since: taking a lock is no generator there any more. The model stays what it was, so that ratios can be
compared. A simpy process is beside it: an event that is scheduled and taken.
"""

from collections.abc import Iterator
from typing import Any

from ptlab.base.steps import Kind, Step
from ptlab.base.store import Change
from ptlab.state.call_paths import CallPaths

STEPS_OF_A_FAULT = 6
LOCK, UNLOCK, SET = Kind.LOCK, Kind.UNLOCK, Kind.SET
Path = Iterator[Step]


class Bare:
    """Takes steps and keeps them as a journal does."""

    def __init__(self) -> None:
        self.log: list[Change] = []
        self.steps: list[Step] = []
        self.places: list[Any] = []
        self.marks: list[int] = []
        self.words = [0] * 512

    def run(self, faults: int) -> None:
        """Take the steps of so many page faults."""
        path, place = self.touch(faults), CallPaths().of
        for step in path:
            self.steps.append(step)
            self.places.append(place(path))
            self.marks.append(len(self.log))

    def touch(self, faults: int) -> Path:
        """The outermost call."""
        for page in range(faults):
            yield from self.fault(page)

    def fault(self, page: int) -> Path:
        """Lock the VMA, go down, unlock."""
        yield from self.lock("lock_vma_under_rcu", "vma_lock")
        yield from self.handle(page)
        yield self.note(UNLOCK, "vma_end_read", "vma_lock")

    def handle(self, page: int) -> Path:
        """The PTE level: take the table's lock, set the entry, unlock; then leave the table."""
        yield from self.set_entry(page)
        yield self.note(UNLOCK, "pte_put", "visitor")

    def set_entry(self, page: int) -> Path:
        """An entry and its counter."""
        yield from self.lock("pte_offset_map_lock", "ptl")
        self.log.append((self, "words", (3, page & 511), 0, page))
        self.words[page & 511] = page
        yield self.note(SET, "set_pte_at", "page")
        yield self.note(UNLOCK, "pte_unmap_unlock", "ptl")

    def lock(self, fn: str, name: str) -> Path:
        """A lock is a generator of its own, because it may have to wait."""
        yield self.note(LOCK, fn, name)

    def note(self, kind: str, fn: str, fact: Any) -> Step:
        """A step, and the change that it describes."""
        self.log.append((self, "held", 0, (), (fact,)))
        return Step(kind, fn, None, 0, 1, fact)


def simpy_events(events: int) -> None:
    """As many events of a simpy process. ImportError where simpy is not installed."""
    import simpy

    def process(env: Any) -> Iterator[Any]:
        for _ in range(events):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(process(env))
    env.run()
