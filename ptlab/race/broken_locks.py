"""What is wrong with locks in a race: an order that is forbidden, a cycle, tasks that wait for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ptlab.race.broken_rule import BrokenRule
from ptlab.race.lock_graph import Link, LockCycle


@dataclass(frozen=True)
class BreaksLockOrder(BrokenRule):
    """Two locks are taken in an order that the kernel's documentation forbids."""

    task: str
    wants: str
    holds: str
    says = "task {0.task} wants {0.wants} while it holds {0.holds}"
    follows = "lock order, {0.wants} comes first"


@dataclass(frozen=True)
class HoldsIt(BrokenRule):
    """A task waits for a lock that it holds: for ever. `where` is a line of a design."""

    task: str
    lock: str
    says = "task {0.task} waits for {0.lock}, which it holds itself"
    follows = "a deadlock of one task"


@dataclass(frozen=True)
class OtherWayRound(BreaksLockOrder):
    """Two locks are taken in the other order than task `other` took them in step `step`."""

    other: str
    step: int
    follows = "lock order, task {0.other} took them the other way round in step {0.step}"


@dataclass(frozen=True)
class ClosesCycle(BreaksLockOrder):
    """The lock that is wanted leads back to the one that is held, by way of others."""

    links: tuple[Link, ...]
    follows = "a cycle of locks, for {0.way}"

    @property
    def way(self) -> str:
        """Who took which lock inside which."""
        return ", and ".join(map(str, self.links))


@dataclass(frozen=True)
class InCycle(BrokenRule):
    """Two runs have taken locks in orders that do not go together."""

    cycle: LockCycle
    says = "{0.cycle.sentence}"


class Blocked(NamedTuple):
    """Why `task` cannot run: `holders` hold a lock that it wants; without a lock, it polls `table`."""

    task: str
    lock: str = ""
    holders: tuple[str, ...] = ()
    table: str = ""

    def __str__(self) -> str:
        if not self.lock:
            what = f" ({self.table})" if self.table else ""
            return f"polls for ever: nothing that it looks at changes{what}"
        holders = " and ".join(f"task {holder}" for holder in self.holders)
        return f"waits for {self.lock}, which {holders} {'hold' if self.holders[1:] else 'holds'}"


@dataclass(frozen=True)
class Deadlock(BrokenRule):
    """No task can run, and not all are done."""

    blocked: tuple[Blocked, ...]
    says = "deadlock"
    follows = "{0.waits}"

    @property
    def waits(self) -> str:
        """Who waits for what."""
        return ", ".join(f"task {one.task} {one}" for one in self.blocked)


@dataclass(frozen=True)
class Starvation(Deadlock):
    """The same, and one of the tasks polls for something that no other task can change."""

    says = "starvation"
