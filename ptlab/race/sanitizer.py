"""The footprint of each atomic segment: what it reads and writes that other tasks can see.

While several tasks run, the columns of mem_map and the VMAs are wrapped, so that every read and
every write is noted. The explorer compares footprints to see which segments depend on each other. An
access to a freed page is noticed at once, as KASAN would.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.facts import Lock
from ptlab.base.footprint import Access, Footprint
from ptlab.base.precautions import Precaution
from ptlab.base.tables import Slots, Tables
from ptlab.race.broken_rule import BrokenRule, Page, UsesFreed, UsesStaleTlb
from ptlab.race.own_state import OwnState
from ptlab.race.protection import Protection
from ptlab.race.watched_columns import (
    WatchedCounts,
    WatchedEntries,
    WatchedRows,
    WatchedTotals,
    WatchedVisitors,
    WatchedWhole,
)
from ptlab.race.watched_pages import WatchedPages
from ptlab.race.watched_store import WatchedStore
from ptlab.state.machine import Machine
from ptlab.state.memmap import State
from ptlab.state.others import Alone


class Translation(NamedTuple):
    """An entry of a CPU's TLB: the frame, the PTE page it was read from, whether it may write."""

    frame: int
    table: int
    writable: bool


_FREED = int(State.FREED)

NEW_TABLES = 64
"""There is room for so many page-table pages that are allocated while tasks race."""


class Sanitizer(Alone):
    """Notes what the running segment does, and holds the state that only several CPUs have."""

    several = True

    def __init__(
        self, machine: Machine, tasks: int, without: frozenset[Precaution] = frozenset()
    ) -> None:
        self.machine, self.without = machine, without
        self.footprint: Footprint = {}
        self.away = False
        """Whether footprints are not noted at present."""
        self.looked: set[int] = set()
        """Tables whose reference count this segment has read, and not changed so far."""
        self.asked: set[tuple[int, int]] = set()
        """Counters of an mm that this segment has read, and not changed so far."""
        self.broken: list[BrokenRule] = []
        """What this segment has broken."""
        self.freed_at: dict[int, int] = {}
        """Step number at which a table was freed."""
        self.now = 0
        self.running = ""
        """The letter of the running task."""
        self.tlb: list[dict[int, Translation]] = [{} for _ in range(tasks)]
        self.freed_frames: set[int] = set()
        self.depth = [0] * tasks
        """How many RCU read-side sections each task is in; they nest."""
        self._serial = [0] * tasks
        self._waits_for: list[tuple[int, ...]] = []
        """For each batch in machine.rcu: each task's last section, which has to end first."""
        self.visits: set[tuple[int, int]] = set()
        """(task, table): visits that hold a reference."""
        machine.mem.reserve(
            max(len(machine.mem.level), len(machine.mem) + NEW_TABLES)
        )  # the columns stay where they are from now on
        self._states = machine.mem.state
        self.protection = Protection(self, tasks)
        store = WatchedStore(machine.store, machine.mem, self.protection, OwnState(self))
        machine.store = machine.mem.store = store
        machine.pages = WatchedPages(self, machine.pages)  # type: ignore[assignment]
        self._watched = list(self._columns())
        for owner, name, watched in self._watched:
            setattr(owner, name, watched)
        machine.mem.visitors = WatchedVisitors(self, machine.mem.visitors)  # type: ignore[assignment]

    def _columns(self) -> Iterator[tuple[Any, str, Any]]:
        """Owner, name and wrapped column."""
        mem = self.machine.mem
        yield mem, "entries", WatchedEntries(self, mem.entries)
        yield mem, "refcount", WatchedCounts(self, mem.refcount)
        for name in ("state", "parent", "slot"):
            yield mem, name, WatchedRows(self, name, getattr(mem, name))
        yield mem, "deposits", WatchedWhole(self, "deposits", mem.deposits)
        for mm in self.machine.mms:
            yield mm, "counters", WatchedTotals(self, mm.id, mm.counters)
            yield mm, "_vmas", WatchedWhole(self, ("vmas", mm.id), mm._vmas)
        for file in self.machine.files:
            key = ("file", file.number)
            yield file, "cache", WatchedWhole(self, key, file.cache)
            yield file, "blank", WatchedWhole(self, key, file.blank)
            yield file, "order", WatchedWhole(self, key, file.order)
            yield file, "_size", WatchedWhole(self, key, file._size)

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Note no footprints for a while, because these segments have run before."""
        for owner, name, watched in self._watched:
            setattr(owner, name, watched.raw)
        self.away = True
        yield
        for owner, name, watched in self._watched:
            watched.raw = getattr(owner, name)  # it may have grown
            setattr(owner, name, watched)
        self.away = False
        self.take()
        self.broken.clear()

    # -- questions of the paths --

    def lacks(self, precaution: Precaution) -> bool:
        """Whether this run leaves `precaution` out."""
        return precaution in self.without

    def still_hooked(self, pmd: int, slots: Slots, tables: Tables) -> bool:
        """Whether the entries that were read point to these tables now."""
        return self.machine.mem.points_to(pmd, slots, tables)

    def unchanged(self, tables: Tables, columns: slice, was: Any) -> bool:
        """vmf_pte_changed(), under the PTE lock. If that is left out, the answer is always yes."""
        if self.lacks(Precaution.PTE_SAME):
            return True
        return not np.any(self.machine.mem.entries[tables, columns] != was)

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

        A CPU with interrupts off is in no quiescent state; for RCU this is a read-side section.
        """
        name, of, _ = lock
        self.note((name, of), access)
        if name == "interrupts" and access & Access.READ:
            task = self.machine.task
            (self.rcu_read_unlock if access & Access.RELEASE else self.rcu_read_lock)(task)
        if name in ("ptl", "pmd_lock"):
            self.alive(int(of), "uses the lock in")

    def take(self) -> Footprint:
        """The footprint so far; a new one begins."""
        for table in self.looked:
            self.count(table, Access.READ)
        self.looked.clear()
        for mm, which in self.asked:
            for task in range(len(self.depth)):
                self.note(("total", mm, which, task), Access.READ)
        self.asked.clear()
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
            self.note(end, Access.WRITE | Access.RELEASE)

    def queue(self) -> None:
        """A batch is handed to RCU: sections that have begun must end first."""
        self.note("rcu", Access.WRITE)
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
        self.protection.grace_period = True
        self.note("rcu", Access.WRITE)
        for task, serial in enumerate(self._waits_for.pop(0)):
            self.note(("section's end", task, serial), Access.READ)

    def freed(self, tables: Tables) -> None:
        """Tables go back to the allocator."""
        for table in np.ravel(tables).tolist():
            self.note(("alive", table), Access.WRITE)
            self.freed_at[table] = self.now

    # -- TLBs --

    def translate(self, task: int, address: int, write: bool) -> bool:
        """Whether the TLB of `task` serves the access, so that no page table is read."""
        found = self.tlb[task].get(address)
        self.note(("tlb", task), Access.READ)
        if found is None or (write and not found.writable):
            return False
        self.note(("frame", found.frame), Access.READ)
        if found.frame in self.freed_frames:
            self.broken.append(UsesStaleTlb(self.running, address, found.frame))
        return True

    def fill(self, task: int, address: int, tables: Tables, words: NDArray[Any]) -> None:
        """The MMU has walked to this entry and keeps the translation."""
        self.note(("tlb", task), Access.WRITE)
        word = int(words.flat[0])
        frame = int(pte.pfn(word))
        self.tlb[task][address] = Translation(frame, int(tables), bool(word & pte.RW))

    def flush(self) -> None:
        """All CPUs forget their translations. (A real flush names a range.)"""
        self.protection.flushed()
        for task, tlb in enumerate(self.tlb):
            self.note(("tlb", task), Access.WRITE)
            tlb.clear()

    def free_frames(self, frames: list[int]) -> None:
        """Data pages go back to the allocator."""
        for frame in frames:
            self.note(("frame", frame), Access.WRITE)
            self.freed_frames.add(frame)
