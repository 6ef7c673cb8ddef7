"""What a design does in one segment is atomic here. On a real CPU only what it declares is.

Each access to what a design remembers should be a segment of its own, unless a lock is held around
several, or one atomic operation makes them. Two accesses in one segment without either are noted; if
another task touches one of the two, so that the order matters, an order is missing that no schedule
shows: that is a failure, in every schedule in which both tasks come so far.

Simplified: whoever looks at all elements of an attribute at once, to go through them, to count them or
to make a longer array, uses none of them here.

Source: tools/memory-model/Documentation/access-marking.txt (6.12); locksets are those of Savage et al.,
"Eraser: A Dynamic Data Race Detector for Multithreaded Programs", 1997.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple, Protocol

from ptlab.race.broken_rule import BrokenRule, NotAtomic
from ptlab.race.whose_line import line_of
from ptlab.state.machine import SHARED, Machine

Locks = dict[tuple[str, Hashable], bool]
"""The locks that a task holds, and whether it excludes everybody with each."""


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine
    broken: list[BrokenRule]
    running: str
    now: int


class Use(NamedTuple):
    """A task reads or writes an element: in which segment, and under which locks."""

    element: Hashable
    write: bool
    segment: int
    locks: Locks


class Pair(NamedTuple):
    """Two uses in one segment, and the locks that are held around both."""

    task: str
    first: Use
    then: Use
    around: Locks
    where: str


class Atomicity:
    """Looks at each access to what the design remembers."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._segment: list[Use] = []
        """What the present segment has used."""
        self._uses: dict[Hashable, dict[tuple[str, bool], Use]] = {}
        """By element: the last read and the last write of each task."""
        self._pairs: dict[Hashable, dict[tuple[Hashable, ...], Pair]] = {}
        """By element: the pairs that it is in."""

    def used(self, element: Hashable, write: bool) -> None:
        """The running task uses an element; read and written in one go it is one atomic operation."""
        task = self._notes.running
        held = self._notes.machine.held[self._notes.machine.task]
        locks = {(lock.name, lock.of): lock.mode not in SHARED for lock in held}
        use = Use(element, write, self._notes.now, locks)
        if self._segment and self._segment[0].segment != use.segment:
            self._segment.clear()
        for before in self._segment:
            if before.element != element:
                self._pair(before, use)
        self._segment.append(use)
        self._uses.setdefault(element, {})[task, write] = use
        for pair in self._pairs.get(element, {}).values():
            self._look(pair, task, use)

    def _pair(self, first: Use, then: Use) -> None:
        around = {lock: alone for lock, alone in then.locks.items() if lock in first.locks}
        where = line_of(self._notes.machine.scheme)
        pair = Pair(self._notes.running, first, then, around, where)
        for mine in (first, then):
            known = self._pairs.setdefault(mine.element, {})
            known[pair.task, first.element, then.element, mine.write] = pair
            for (task, _), use in self._uses.get(mine.element, {}).items():
                self._look(pair, task, use)

    def _look(self, pair: Pair, task: str, use: Use) -> None:
        """A failure if `use` by `task` can come between the two, and makes a difference there."""
        mine = pair.first if pair.first.element == use.element else pair.then
        if task == pair.task or not (use.write or mine.write):
            return
        if any(
            lock in use.locks and (alone or use.locks[lock]) for lock, alone in pair.around.items()
        ):
            return
        names = _name(pair.first.element), _name(pair.then.element)
        does = "writes" if use.write else "reads"
        found = NotAtomic(pair.task, *names, f"task {task} {does} {_name(use.element)}", pair.where)
        if found not in self._notes.broken:
            self._notes.broken.append(found)


def _name(element: Hashable) -> str:
    """'self.waiting[3]' for ("own", "waiting", 3)."""
    assert isinstance(element, tuple)
    return f"self.{element[1]}[{element[2]!r}]"
