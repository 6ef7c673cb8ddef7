"""Weak memory, as much of it as page tables need: what a CPU has put into a new page is seen late.

A CPU may make its stores visible in another order than it makes them (not x86, but arm64 and others). So
the pointer to a new page can be seen before the page's content, unless a barrier stands between the two
stores: smp_wmb() in pmd_install(), __folio_mark_uptodate() before an entry is set. Source: the comments
there, mm/memory.c (Linux 6.12), and commit 362a61ad6119.

The model reorders as much as it may: once an entry has been written, all content behind no barrier
is still missing, until the task's next segment. That order, and the order of the program, are both run.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ptlab.base.footprint import Access
from ptlab.race.broken_caches import HalfInitialised
from ptlab.race.broken_rule import BrokenRule
from ptlab.state.machine import Machine
from ptlab.state.memmap import State


class Content(NamedTuple):
    """What was put into a new page: `kind` is "table" or "page", `number` its page frame number."""

    kind: str
    number: int


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    broken: list[BrokenRule]
    running: str

    def note(self, thing: tuple[str, Content], access: int) -> None:
        """The running task uses `thing`."""


class StoreBuffer:
    """For each task, the content that the others do not see yet."""

    def __init__(self, notes: Notes, tasks: int) -> None:
        self._notes = notes
        self._pending: list[set[Content]] = [set() for _ in range(tasks)]
        self._late: list[set[Content]] = [set() for _ in range(tasks)]
        """What was behind no barrier when an entry was written."""

    def fill(self, task: int, kind: str, first: int, count: int = 1) -> None:
        """Something is put into pages that nobody else has found so far."""
        self._pending[task].update(Content(kind, first + k) for k in range(count))

    def barrier(self, task: int) -> None:
        """smp_wmb(), or the release of a lock: stores before it are seen before those after it."""
        self._pending[task].clear()

    def store(self, machine: Machine, table: int) -> None:
        """An entry is written: of a table that others can find, or of a new one."""
        task = machine.task
        state = getattr(machine.mem.state, "raw", machine.mem.state)  # no read of the task's
        if state[table] != State.LIVE:
            self.fill(task, "table", table)
            return
        self._late[task] |= self._pending[task]
        self._pending[task].clear()
        for content in self._late[task]:
            self._notes.note(("content", content), Access.WRITE)

    def late(self, task: int) -> tuple[Content, ...]:
        """What becomes visible in the next segment of `task`."""
        return tuple(sorted(self._late[task]))

    def settle(self, task: int) -> None:
        """It does."""
        for content in self._late[task]:
            self._notes.note(("content", content), Access.WRITE)
        self._late[task].clear()

    def look(self, task: int, kind: str, number: int) -> None:
        """`task` looks into a page."""
        content = Content(kind, number)
        self._notes.note(("content", content), Access.READ)
        for other, late in enumerate(self._late):
            if other != task and content in late:
                writer, who = chr(ord("A") + other), self._notes.running
                self._notes.broken.append(HalfInitialised(who, kind, number, writer))
