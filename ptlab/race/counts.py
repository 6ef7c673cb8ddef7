"""The reference counts of tables: who wrote each last, and whether a plain write undoes another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ptlab.race.broken_rule import BelowZero, BrokenRule, LostUpdate, Page
from ptlab.race.lock_table import COUNT, Rule
from ptlab.race.whose_line import line_of
from ptlab.state.machine import Machine
from ptlab.state.memmap import State

_OUT_OF_REACH = (State.NEW, State.DEPOSITED, State.UNHOOKED)


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine
    broken: list[BrokenRule]
    running: str
    now: int

    def count(self, table: int, access: int) -> None:
        """The running task uses a reference count."""


class Counts:
    """What is known of the counts; `report` tells of a write without what protects it."""

    def __init__(self, notes: Notes, report: Callable[[str, str, Rule], None]) -> None:
        self._notes, self._report, self._mem = notes, report, notes.machine.mem
        self.ever: set[int] = set(np.flatnonzero(np.asarray(self._mem.refcount)).tolist())
        """Tables that have had a count above 0."""
        self._versions: dict[int, tuple[str, int]] = {}
        """By table: who has written its count last, and in which step."""
        self._seen: dict[tuple[int, int], tuple[str, int]] = {}
        """What the version was when a task read the count."""

    def written(self, table: int, value: int, locked: bool | None) -> None:
        """A count is written: by an atomic operation (None), or plainly, with the PTE lock or not."""
        notes, page = self._notes, Page.of(self._mem, table)
        if value > 0:
            self.ever.add(table)
        elif value < 0:
            self.below_zero(table, value)
        last = self._versions.get(table, ("", 0))
        self._versions[table] = notes.running, notes.now
        seen = self._seen.pop((notes.machine.task, table), last)
        if locked is None:
            return
        if seen != last and last[0] != notes.running:
            where, ago = line_of(notes.machine.scheme), notes.now - last[1]
            what = f"the count of {page}"
            notes.broken.append(LostUpdate(notes.running, what, last[0], ago, where))
        elif not locked and self._mem.state.item(table) not in _OUT_OF_REACH:
            self._report(f"writes the reference count of {page}", COUNT.needs, COUNT)

    def below_zero(self, table: int, value: int) -> None:
        """More references, or visits, were put than got."""
        page = Page.of(self._mem, table)
        self._notes.broken.append(BelowZero(self._notes.running, page, value))

    def read(self, table: int) -> None:
        """The running task reads a count."""
        self._seen[self._notes.machine.task, table] = self._versions.get(table, ("", 0))

    def forget(self, table: int) -> None:
        """The running task has written a count: what it has read of it is used up."""
        self._seen.pop((self._notes.machine.task, table), None)
