"""Which segments of a schedule could be swapped: the heart of dynamic partial-order reduction.

Flanagan and Godefroid, "Dynamic Partial-Order Reduction for Model Checking Software", POPL 2005;
what is tried first at a race is chosen as in Abdulla, Aronis, Jonsson and Sagonas, "Optimal Dynamic
Partial Order Reduction", POPL 2014 (source sets); sleep sets: Godefroid, "Partial-Order Methods for
the Verification of Concurrent Systems", 1996.

Two segments depend on each other when one writes what the other uses. Schedules that only swap
neighbours that do not depend on each other end alike, and one of them is enough.

One dependence has a direction. An RCU section that begins before a table is handed to RCU holds its
grace period up; one that begins after does not. So whatever can happen after "begin, hand over" can also
happen after "hand over, begin", and only that order is run (Access.LATE marks the beginning).

What makes a segment possible is before it in every order (Access.CAUSE): a table is handed to RCU
before its grace period ends. Both use the table, but they do not race, nor does what was before.
tests/race/test_dpor.py runs all schedules of random tasks to see that no end is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ptlab.base.footprint import Access, Footprint

_WRITE, _RELEASE, _TRY, _LATE = Access.WRITE, Access.RELEASE, Access.TRY, Access.LATE
_CAUSE, _WAKES = Access.CAUSE, Access.WAKES


@dataclass
class Node:
    """A state on the present schedule: what can run there and what of it is still to be tried.

    sleep  tasks that need not run here, with what they would do
    todo   tasks to run here; done, with what they did: those that have been
    """

    enabled: str
    sleep: dict[str, Footprint]
    todo: set[str]
    done: dict[str, Footprint] = field(default_factory=dict)
    chosen: str = ""

    @property
    def left(self) -> set[str]:
        """The tasks that are still to be tried."""
        return self.todo - self.done.keys()


def dependent(first: Footprint, then: Footprint) -> bool:
    """Whether something can be missed when `then` never comes before `first`."""
    if len(first) > len(then):
        for thing, how in then.items():
            if thing in first and (how | first[thing]) & _WRITE and not how & _LATE:
                return True
        return False
    for thing, how in first.items():
        if thing in then and (how | then[thing]) & _WRITE and not then[thing] & _LATE:
            return True
    return False


def could_swap(first: Footprint, then: Footprint) -> bool | None:
    """Whether two dependent segments can be enabled together.

    They cannot if all that they share is a lock that the one releases and the other waited for. None:
    `first` has made `then` possible, so that no schedule which begins in the same way has `then` first.
    """
    swap = False
    for thing, a in first.items():
        if thing not in then:
            continue
        b = then[thing]
        if a & _CAUSE:
            return None
        if (a | b) & _WRITE and not b & _LATE and ((a | b) & _TRY or a & _RELEASE == b & _RELEASE):
            swap = True
    return swap


def asleep(node: Node) -> dict[str, Footprint]:
    """Who sleeps after `node.chosen` has run: a schedule in which it ran before ends alike."""
    footprint = node.done[node.chosen]
    if len(node.done) == 1 and not node.sleep:
        return {}
    before = {**node.sleep, **node.done}
    del before[node.chosen]
    return still_asleep(before, footprint)


def still_asleep(sleep: dict[str, Footprint], ran: Footprint) -> dict[str, Footprint]:
    """Those whom what has run does not wake: they would do the same as before, and end alike."""
    wakes = [thing for thing, how in ran.items() if how & _WAKES]
    return {
        task: f
        for task, f in sleep.items()
        if not dependent(f, ran) and not any(thing in f for thing in wakes)
    }


class Trace:
    """The segments of the present schedule, and which of them happened before which.

    `clocks[k]` is, for each task, the last of its segments that happened before segment k (k itself
    for its own task). Segment i happened before k exactly if `clocks[k]` has reached i.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, Footprint]] = []
        self.clocks: list[dict[str, int]] = []
        self._last: dict[str, list[int]] = {}
        self._users: dict[Any, tuple[list[int], list[int]]] = {}
        """By object: the segments that only read it, and those that wrote it."""

    def cut(self, length: int) -> None:
        """Forget all segments but the first `length`."""
        while len(self.events) > length:
            task, footprint = self.events.pop()
            self.clocks.pop()
            self._last[task].pop()
            for thing, how in footprint.items():
                self._users[thing][(how & _WRITE) // _WRITE].pop()

    def add(self, task: str, footprint: Footprint) -> list[int]:
        """The next segment. Returns the earlier ones that it races with, the latest first.

        These are the segments of other tasks that it depends on, that could swap with it, and that
        are not before it for another reason anyway.
        """
        mine = self._last.setdefault(task, [])
        clock = dict(self.clocks[mine[-1]]) if mine else {}
        known = dict(clock)  # not counting locks that others released
        races, events = [], self.events
        for i in sorted(self._others(footprint), reverse=True):
            other, theirs = events[i]
            if known.get(other, -1) >= i or not dependent(theirs, footprint):
                continue
            _merge(clock, self.clocks[i])
            swap = could_swap(theirs, footprint)
            if swap is not False:
                _merge(known, self.clocks[i])
            if swap:
                races.append(i)
        j = len(events)
        clock[task] = j
        events.append((task, footprint))
        self.clocks.append(clock)
        mine.append(j)
        for thing, how in footprint.items():
            self._users.setdefault(thing, ([], []))[(how & _WRITE) // _WRITE].append(j)
        return races

    def _others(self, footprint: Footprint) -> set[int]:
        """The segments so far that used what this one writes, or wrote what it uses."""
        found: set[int] = set()
        for thing, how in footprint.items():
            if thing in self._users:
                readers, writers = self._users[thing]
                found.update(writers)
                if how & _WRITE:
                    found.update(readers)
        return found

    def causes(self) -> str:
        """The schedule of the last segment and of those that happened before it."""
        clock = self.clocks[-1]
        return "".join(task for k, (task, _) in enumerate(self.events) if clock.get(task, -1) >= k)

    def first_of(self, i: int) -> set[str]:
        """To reverse the race of segment i and the last one: the tasks of which one must run at i.

        Of what came after i and not because of it, those whose first segment needs none of the rest.
        """
        task = self.events[i][0]
        rest = [k for k in range(i + 1, len(self.events) - 1) if self.clocks[k].get(task, -1) < i]
        rest.append(len(self.events) - 1)
        first: set[str] = set()
        seen: dict[str, int] = {}
        for k in rest:
            mover = self.events[k][0]
            if mover not in seen:
                seen[mover] = k
                clock = self.clocks[k]
                if not any(clock.get(who, -1) >= when for who, when in seen.items() if when != k):
                    first.add(mover)
        return first


def _merge(clock: dict[str, int], other: dict[str, int]) -> None:
    for who, when in other.items():
        if clock.get(who, -1) < when:
            clock[who] = when
