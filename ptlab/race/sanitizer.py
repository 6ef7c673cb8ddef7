"""The footprint of each atomic segment: what it reads and writes that other tasks can see.

While several tasks run, the columns of mem_map and the VMAs are wrapped, so that every read and
every write is noted. The explorer compares footprints to see which segments depend on each other. An
access to a freed page is noticed at once, as KASAN would.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.facts import Lock
from ptlab.base.footprint import Access, Footprint
from ptlab.base.precautions import Precaution
from ptlab.base.tables import Columns, Slots, Tables
from ptlab.race.broken_rule import Page, UsesFreed
from ptlab.race.hardware import Hardware
from ptlab.race.mapcount import Mapcount
from ptlab.race.own_state import OwnState
from ptlab.race.protection import Protection
from ptlab.race.stale_reads import StaleReads
from ptlab.race.watched_columns import (
    WatchedCounts,
    WatchedEntries,
    WatchedRows,
    WatchedVisitors,
)
from ptlab.race.watched_pages import WatchedPages
from ptlab.race.watched_store import WatchedStore
from ptlab.race.watched_whole import WatchedTotals, WatchedWhole
from ptlab.state.machine import Machine
from ptlab.state.memmap import State

_FREED = int(State.FREED)

NEW_TABLES = 48
"""There is room for so many page-table pages that are allocated while tasks race."""


class Sanitizer(Hardware):
    """Notes what the running segment does, and holds the state that only several CPUs have."""

    several = True

    def __init__(
        self,
        machine: Machine,
        tasks: int,
        without: frozenset[Precaution] = frozenset(),
        weak: bool = False,
    ) -> None:
        super().__init__(machine, tasks, weak)
        self.without = without
        self.mapcount = Mapcount(self, tasks)
        self.footprint: Footprint = {}
        self.away = False
        """Whether footprints are not noted at present."""
        self.judging = False
        """Whether the rules are being checked: what they read is read by no task."""
        self.looked: set[int] = set()
        """Tables whose reference count this segment has read, and not changed so far."""
        self.asked: set[tuple[int, int]] = set()
        """Counters of an mm that this segment has read, and not changed so far."""
        self.freed_at: dict[int, int] = {}
        """Step number at which a table was freed."""
        self.now = 0
        self.depth = [0] * tasks
        """How many RCU read-side sections each task is in; they nest."""
        self._serial = [0] * tasks
        self._waits_for: list[tuple[int, ...]] = []
        """For each batch in machine.rcu: each task's last section, which has to end first."""
        self._over = 0
        """How many batches have been freed."""
        self.visits: set[tuple[int, int]] = set()
        """(task, table): visits that hold a reference."""
        machine.mem.reserve(
            max(len(machine.mem.level), len(machine.mem) + NEW_TABLES)
        )  # the columns stay where they are from now on
        self._states = machine.mem.state
        self.stale = StaleReads(self)
        self.protection = Protection(self, tasks)
        store = WatchedStore(machine.store, machine.mem, self.protection, OwnState(self))
        machine.store = machine.mem.store = store
        machine.pages = WatchedPages(self, machine.pages)  # type: ignore[assignment]
        machine.mem.refcount = WatchedCounts(self, machine.mem.refcount)  # type: ignore[assignment]
        self._watched = list(self._columns())
        for owner, name, watched in self._watched:
            setattr(owner, name, watched)
        machine.mem.visitors = WatchedVisitors(self, machine.mem.visitors)  # type: ignore[assignment]

    def _columns(self) -> Iterator[tuple[Any, str, Any]]:
        """Owner, name and wrapped column."""
        mem = self.machine.mem
        yield mem, "entries", WatchedEntries(self, mem.entries)
        for name in ("state", "parent", "slot"):
            yield mem, name, WatchedRows(self, name, getattr(mem, name))
        for name in ("deposits", "shared"):
            yield mem, name, WatchedWhole(self, name, getattr(mem, name))
        for mm in self.machine.mms:
            yield mm, "counters", WatchedTotals(self, mm.id, mm.counters)
            yield mm, "_vmas", WatchedWhole(self, ("vmas", mm.id), mm._vmas)
            yield mm, "_detached", WatchedWhole(self, ("detached", mm.id), mm._detached)
        for file in self.machine.files:
            key = ("file", file.number)
            yield file, "cache", WatchedWhole(self, key, file.cache)
            yield file, "blank", WatchedWhole(self, key, file.blank)
            yield file, "order", WatchedWhole(self, key, file.order)
            yield file, "_size", WatchedWhole(self, key, file._size)

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Note no footprints for a while, because these segments have run before."""
        self.away = True
        with self.unwatched():
            yield
        self.away = False
        self.take()
        self.broken.clear()

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """The plain columns, which are fast. Who reads a count is remembered all the same."""
        plain = [] if self.buffer else self._watched  # the store buffer must see each store
        for owner, name, watched in plain:
            setattr(owner, name, watched.raw)
        yield
        for owner, name, watched in plain:
            watched.raw = getattr(owner, name)  # it may have grown
            setattr(owner, name, watched)

    # -- questions of the paths --

    def lacks(self, precaution: Precaution) -> bool:
        """Whether this run leaves `precaution` out."""
        return precaution in self.without

    def still_hooked(self, pmd: int, slots: Slots, tables: Tables) -> bool:
        """Whether the entries that were read point to these tables now."""
        return self.machine.mem.points_to(pmd, slots, tables)

    def unchanged(self, tables: Tables, columns: Columns, was: Any) -> bool:
        """vmf_pte_changed(), under the PTE lock. If that is left out, the answer is always yes."""
        if self.lacks(Precaution.PTE_SAME):
            return True
        return not np.any(self.machine.mem.entries[tables, columns] != was)

    def folio_mapped(self, frames: NDArray[Any]) -> bool:
        """Whether an entry maps one of these pages of a file."""
        return self.mapcount.of(frames)

    # -- footprints --

    def note(self, thing: Hashable, access: int) -> None:
        """The running segment uses `thing`."""
        if not self.away:
            self.footprint[thing] = self.footprint.get(thing, 0) | access

    def alive(self, table: int, doing: str) -> None:
        """The running segment uses a page-table page, which must not have been freed."""
        self.note(("alive", table), Access.READ)
        if self._states.item(table) == _FREED:
            ago = self.now - self.freed_at.get(table, self.now)
            page = Page.of(self.machine.mem, table)
            self.broken.append(UsesFreed(self.running, doing, page, ago))

    def lock(self, lock: Lock, access: int) -> None:
        """A lock is taken (or tried) or released. A PTE lock lies in the page that it protects.

        Each task has a share of a lock. Its users take their own, for they do not exclude each other;
        nor do two tasks that wait until all CPUs have interrupts on. All others use all shares.

        A CPU with interrupts off is in no quiescent state; for RCU this is a read-side section.
        """
        name, of, mode = lock
        task = self.machine.task
        own = mode == "users" or (name == "interrupts" and access & Access.WRITE)
        for share in (task,) if own else range(len(self.depth)):
            self.note((name, of, share), access)
        if name == "interrupts" and not own:
            (self.rcu_read_unlock if access & Access.RELEASE else self.rcu_read_lock)(task)
        if self.buffer and access & Access.RELEASE:
            self.buffer.barrier(task)
        if name in ("ptl", "pmd_lock"):
            self.alive(int(of), "uses the lock in")

    def take(self) -> Footprint:
        """The footprint so far; a new one begins."""
        for table in self.looked:
            self.count(table, Access.READ)
            for task in range(len(self.depth)):
                self.note(("changes", table, task), Access.READ)
        self.looked.clear()
        for mm, which in self.asked:
            for task in range(len(self.depth)):
                self.note(("total", mm, which, task), Access.READ)
        self.asked.clear()
        self.stale.new_segment()
        taken, self.footprint = self.footprint, {}
        return taken

    def count(self, table: int, access: int) -> None:
        """The running segment uses the reference count of `table`, all tasks' shares of it."""
        for task in range(len(self.depth)):
            self.note(("count", table, task), access)

    # -- RCU --

    def rcu_read_lock(self, task: int) -> None:
        """`task` enters a read-side section (they nest)."""
        if not self.depth[task]:
            self._serial[task] += 1
            self.note(("section", task), Access.WRITE | Access.LATE)
        self.depth[task] += 1

    def rcu_read_unlock(self, task: int) -> None:
        """`task` leaves its innermost section."""
        self.depth[task] -= 1
        if not self.depth[task]:
            end = "section's end", task, self._serial[task]
            self.note(end, Access.WRITE | Access.CAUSE)

    def queue(self) -> None:
        """A batch is handed to RCU: sections that have begun must end first."""
        self.note("rcu", Access.WRITE)
        self.note(("batch", self._over + len(self._waits_for)), Access.WRITE | Access.CAUSE)
        for task in range(len(self.depth)):
            self.note(("section", task), Access.READ)
        self._waits_for.append(tuple(self._serial))

    def grace_period_over(self) -> bool:
        """Whether the oldest batch may be freed."""
        return bool(self._waits_for) and not any(
            self.depth[task] and self._serial[task] == serial
            for task, serial in enumerate(self._waits_for[0])
        )

    def dequeue(self) -> None:
        """The oldest batch is being freed."""
        self.note(("batch", self._over), Access.READ)
        self._over += 1
        for task, serial in enumerate(self._waits_for.pop(0)):
            self.note(("section's end", task, serial), Access.READ)

    def freed(self, tables: Tables, waited: bool) -> None:
        """Tables go back to the allocator, after a grace period if somebody has `waited`."""
        self.protection.grace_period = waited
        for table in np.ravel(tables).tolist():
            self.note(("alive", table), Access.WRITE)
            self.freed_at[table] = self.now
