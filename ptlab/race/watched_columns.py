"""Columns of the simulated state that report every read and every write to the sanitizer."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np

from ptlab.base.footprint import Access
from ptlab.base.geometry import PTRS_PER_TABLE, Level
from ptlab.base.tables import spanned
from ptlab.race.mapcount import Mapcount
from ptlab.race.protection import Protection
from ptlab.race.stale_reads import COUNT, ENTRIES, STATE, StaleReads
from ptlab.race.store_buffer import StoreBuffer
from ptlab.race.whose_line import through_the_store
from ptlab.state.entries import EntryPool
from ptlab.state.machine import Machine
from ptlab.state.memmap import State


class Notes(Protocol):
    """The part of the sanitizer that the columns use."""

    machine: Machine
    away: bool
    judging: bool
    looked: set[int]
    asked: set[tuple[int, int]]
    depth: list[int]
    visits: set[tuple[int, int]]
    protection: Protection
    mapcount: Mapcount
    stale: StaleReads
    buffer: StoreBuffer | None

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""

    def alive(self, table: int, doing: str) -> None:
        """The running task uses a table, which must not have been freed."""

    def count(self, table: int, access: int) -> None:
        """The running task uses a reference count."""


_PLACES = 16
"""So many entries of a table are distinguished; the last stands for all the others."""


def place_of(index: int) -> int:
    """What entry `index` of a table is called in footprints."""
    return min(index, _PLACES - 1)


class _Rows:
    """Where the entries of a table are, and how many: a read of this is a read of all of them."""

    def __init__(self, sanitizer: Notes, raw: Any) -> None:
        self.sanitizer, self.raw = sanitizer, raw

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, (int, np.integer)):
            self._look(int(where), Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, "mem.entries")
        self.raw[where] = value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        self._look(where, Access.READ)
        return self.raw.item(where)

    def _look(self, table: int, access: int) -> None:
        for place in range(_PLACES):
            self.sanitizer.note(("entry", table, place), access)
        self.sanitizer.stale.read(ENTRIES, table, slice(None))
        self.sanitizer.alive(table, "reads")


class WatchedEntries:
    """The pool of entries. The first few of a table are distinguished; scenes use no others."""

    def __init__(self, sanitizer: Notes, raw: EntryPool) -> None:
        self.sanitizer, self.raw = sanitizer, raw
        self.slab, self.nonnone = _Rows(sanitizer, raw.slab), _Rows(sanitizer, raw.nonnone)

    def word(self, table: int, index: int) -> int:
        """One word."""
        self._note(table, index, Access.READ)
        return self.raw.word(table, index)

    def filled(self, tables: Any, columns: Any) -> int:
        """How many entries are not none; see EntryPool."""
        self._note(tables, columns, Access.READ)
        return self.raw.filled(tables, columns)

    def filled_each(self, tables: Any, columns: Any) -> Any:
        """The same for each table."""
        self._note(tables, columns, Access.READ)
        return self.raw.filled_each(tables, columns)

    def __getitem__(self, key: tuple[Any, Any]) -> Any:
        self._note(*key, Access.READ)
        return self.raw[key]

    def __setitem__(self, key: tuple[Any, Any], words: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, "mem.entries")
        self._write(key, words)

    def exchange(self, table: int, index: int, word: int) -> int:
        """One word is set. What it was is for the journal."""
        through_the_store(self.sanitizer.machine.scheme, "mem.entries")
        return int(self._write((table, index), word))

    def _write(self, key: tuple[Any, Any], words: Any) -> Any:
        self._note(*key, Access.WRITE)
        table, columns = key
        if self.sanitizer.buffer and np.any(words):
            self.sanitizer.buffer.store(self.sanitizer.machine, int(table))
        was = self.raw[int(table), columns]
        self.sanitizer.protection.entries(int(table), columns, was, words)
        self.sanitizer.mapcount.changed(was, words)
        self.raw[key] = words
        return was

    def _note(self, table: Any, columns: Any, access: int) -> None:
        if not isinstance(table, (int, np.integer)) or isinstance(columns, np.ndarray):
            return  # only the checks read runs
        table, each = int(table), columns if isinstance(columns, slice) else int(columns)
        first, stop, _ = spanned(each).indices(PTRS_PER_TABLE)
        for place in range(place_of(first), place_of(stop - 1) + 1):
            self.sanitizer.note(("entry", table, place), access)
        if access == Access.READ:
            self.sanitizer.stale.read(ENTRIES, table, columns)
        self.sanitizer.alive(table, "writes into" if access & Access.WRITE else "reads")
        if self.sanitizer.buffer and access == Access.READ:
            self.sanitizer.buffer.look(self.sanitizer.machine.task, "table", table)


_MANY = 4
"""So many references that are put at once, and more, are alike to the explorer."""


class WatchedCounts:
    """Reference counts, atomic: gets commute with gets, but not puts with what makes them the last.

    A get writes its task's own share of the count. A put reads the share of every task, and the put
    that reaches zero writes all of them. Two puts commute while more is left than they put: after one
    that leaves n references, another of n or more is the last. (A task that sleeps in the search has its
    footprint from a state in which more was left. So it says only how many it puts, and the one that
    runs says what is left.)

    While a task is a visitor, the count cannot reach zero: its gets and puts commute then. Who only
    looks at a count depends on all that change it.
    """

    def __init__(self, sanitizer: Notes, raw: Any) -> None:
        self.sanitizer, self.raw = sanitizer, raw

    def __getitem__(self, where: Any) -> Any:
        value = self.raw[where]
        if isinstance(where, (int, np.integer)) and not self.sanitizer.judging:
            self.sanitizer.alive(int(where), "uses the reference count of")
            self.sanitizer.looked.add(int(where))
            self.sanitizer.protection.counts.read(int(where))
            self.sanitizer.stale.read(COUNT, int(where))
        return value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        return int(self[where])

    def __setitem__(self, where: Any, value: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, "mem.refcount")
        table, old, self.raw[where] = int(where), self.raw[where], value
        self.sanitizer.protection.counts.forget(table)  # the store has read what it writes over
        self.sanitizer.alive(table, "uses the reference count of")
        self.sanitizer.looked.discard(table)
        task = self.sanitizer.machine.task
        self.sanitizer.note(("changes", table, task), Access.WRITE)
        if (task, table) in self.sanitizer.visits and value > 0 < old:
            return
        if value > old > 0:
            self.sanitizer.note(("count", table, task), Access.WRITE)
        elif value and old:
            self.sanitizer.count(table, Access.READ)
            self._put(table, int(old - value), int(value))
        else:
            self.sanitizer.count(table, Access.WRITE)

    def _put(self, table: int, n: int, left: int) -> None:
        """`n` references are put and some are `left`: another put of as many would be the last one."""
        me, tasks = self.sanitizer.machine.task, len(self.sanitizer.depth)
        for many in range(max(1, min(left, _MANY)), _MANY + 1):
            self.sanitizer.note(("put", table, many, me), Access.WAKES)
        for other in range(tasks):
            if other != me:
                self.sanitizer.note(("put", table, min(n, _MANY), other), Access.READ)


class WatchedVisitors:
    """How many visitors a table has, and which tasks they are.

    For a PTE page, visitors are part of its reference count, and paths decide by that. PMD and PUD
    pages have no other count of their visitors. While such a page has entries, the order of visits
    makes no difference.
    """

    def __init__(self, sanitizer: Notes, raw: Any) -> None:
        self.sanitizer, self.raw = sanitizer, raw

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, (int, np.integer)):
            self._upper(int(where), Access.READ)
        return self.raw[where]

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        return int(self[where])

    def __setitem__(self, where: Any, value: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, "mem.visitors")
        visits = self.sanitizer.visits
        change = visits.add if value > self.raw[where] else visits.discard
        change((self.sanitizer.machine.task, int(where)))
        self._upper(int(where), Access.WRITE)
        if value < 0:
            self.sanitizer.protection.counts.below_zero(int(where), int(value))
        self.raw[where] = value

    def _upper(self, table: int, access: int) -> None:
        sanitizer, mem = self.sanitizer, self.sanitizer.machine.mem
        if not sanitizer.away and mem.level.item(table) != _PTE:
            sanitizer.alive(table, "uses the reference count of")
            if not mem.nonnone.raw[table]:  # type: ignore[attr-defined]
                sanitizer.count(table, access)


_PTE = int(Level.PTE)  # an IntEnum is slow
_ALLOCATED = ("state", int(State.NEW))
"""A page that has just been allocated is nobody else's yet, whatever its number."""


class WatchedRows:
    """A column of mem_map, row by row."""

    def __init__(self, sanitizer: Notes, key: str, raw: Any) -> None:
        self.sanitizer, self.key, self.raw = sanitizer, key, raw

    def __getitem__(self, where: Any) -> Any:
        self._note(where, Access.READ)
        return self.raw[where]

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        self._note(where, Access.READ)
        return self.raw.item(where)

    def __setitem__(self, where: Any, value: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, f"mem.{self.key}")
        if (self.key, value) != _ALLOCATED:
            self._note(where, Access.WRITE)
        self.raw[where] = value

    def __len__(self) -> int:
        return len(self.raw)

    def _note(self, where: Any, access: int) -> None:
        if self.sanitizer.away:
            return
        if isinstance(where, (int, np.integer)):
            self.sanitizer.note((self.key, int(where)), access)
            if self.key == "state" and access == Access.READ:
                self.sanitizer.stale.read(STATE, int(where))
        else:
            for row in np.arange(len(self.raw), dtype=np.int64)[where].ravel().tolist():
                self.sanitizer.note((self.key, row), access)
