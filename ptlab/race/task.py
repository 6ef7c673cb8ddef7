"""A task of a race: one kernel path on its own CPU."""

from __future__ import annotations

from typing import Any

from ptlab.base.facts import Lock
from ptlab.base.steps import Kind, Path, Step
from ptlab.draw.names import plural
from ptlab.race.broken_rule import Page
from ptlab.state.memmap import MemMap


class Task:
    """One kernel path on its own CPU.

    letter  its name in schedules
    doing   what it does, such as "write page 1"
    path    the generator
    step    the last Step it has yielded
    done    whether it has come to its end
    asleep  why it is suspended: it polls these objects, and one of them must change first
    """

    def __init__(self, letter: str, doing: str, path: Path[Any]) -> None:
        self.letter, self.doing, self.path = letter, doing, path
        self.step: Step | None = None
        self.done = False
        self.asleep: frozenset[Any] = frozenset()
        self.vain: frozenset[Any] = frozenset()
        """The objects that its last poll has read, if the poll found no change."""
        self.let_go = False
        """Whether it has held no spinlock at some moment since then."""
        self.tired = False
        """Whether two polls saw no change: it is suspended as soon as it holds no spinlock."""

    @property
    def wants(self) -> Lock | None:
        """The lock it has announced and does not hold yet."""
        if self.step is None or self.step.kind is not Kind.WAIT or self.done:
            return None
        assert isinstance(self.step.fact, Lock)
        return self.step.fact


def polled(mem: MemMap, task: Task) -> str:
    """'PTE page 4 has a count of 0 and 1 entry' for a task that waits for that to change."""
    tables = {thing[1] for thing in task.asleep if thing[0] == "count"}
    if not tables:
        return ""
    table = min(tables)
    count, entries = int(mem.refcount[table]), plural(int(mem.nonnone[table]), "entry")
    return f"{Page.of(mem, table)} has a count of {count} and {entries}"
