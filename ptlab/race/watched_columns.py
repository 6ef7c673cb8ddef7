"""Columns of the simulated state that report every read and every write to the sanitizer."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np

from ptlab.base.footprint import Access
from ptlab.base.geometry import PTRS_PER_TABLE, Level
from ptlab.race.protection import Protection
from ptlab.state.entries import EntryPool
from ptlab.state.machine import Machine


class Notes(Protocol):
    """The part of the sanitizer that the columns use."""

    machine: Machine
    away: bool
    looked: set[int]
    visits: set[tuple[int, int]]
    protection: Protection

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""

    def alive(self, table: int, doing: str) -> None:
        """The running task uses a table, which must not have been freed."""

    def count(self, table: int, access: int) -> None:
        """The running task uses a reference count."""


_PLACES = 4
"""So many entries of a table are distinguished; the last stands for all the others."""


class _Rows:
    """Where the entries of a table are, and how many: a read of this is a read of all of them."""

    def __init__(self, sanitizer: Notes, raw: Any) -> None:
        self.sanitizer, self.raw = sanitizer, raw

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, (int, np.integer)):
            self._look(int(where), Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        if isinstance(where, (int, np.integer)):
            self._look(int(where), Access.WRITE)
        self.raw[where] = value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        self._look(where, Access.READ)
        return self.raw.item(where)

    def _look(self, table: int, access: int) -> None:
        for place in range(_PLACES):
            self.sanitizer.note(("entry", table, place), access)
        self.sanitizer.alive(table, "reads")


class WatchedEntries:
    """The pool of entries. The first few of a table are distinguished; scenes use no others."""

    def __init__(self, sanitizer: Notes, raw: EntryPool) -> None:
        self.sanitizer, self.raw = sanitizer, raw
        self.slab, self.nonnone = _Rows(sanitizer, raw.slab), _Rows(sanitizer, raw.nonnone)

    @property
    def words(self) -> Any:
        """The words themselves, for a walk that has read `slab`."""
        return self.raw.words

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
        self._note(*key, Access.WRITE)
        table, columns = key
        self.sanitizer.protection.entries(int(table), columns, self.raw[key], words)
        self.raw[key] = words

    def _note(self, table: Any, columns: Any, access: int) -> None:
        if not isinstance(table, (int, np.integer)):
            return  # only the checks read runs
        table = int(table)
        if isinstance(columns, slice):
            first, last, _ = columns.indices(PTRS_PER_TABLE)
            last -= 1
        elif isinstance(columns, (int, np.integer)):
            first = last = int(columns)
        else:
            return
        for place in range(min(first, _PLACES - 1), min(last, _PLACES - 1) + 1):
            self.sanitizer.note(("entry", table, place), access)
        self.sanitizer.alive(table, "writes into" if access & Access.WRITE else "reads")


class WatchedCounts:
    """Reference counts, atomic: gets commute with gets, but not puts with what makes them the last.

    A get writes its task's own share of the count. A put reads the share of every task, and the put
    that reaches zero writes all of them. While a task is a visitor, the count cannot reach zero: its
    gets and puts commute then.
    """

    def __init__(self, sanitizer: Notes, raw: Any) -> None:
        self.sanitizer, self.raw = sanitizer, raw

    def __getitem__(self, where: Any) -> Any:
        value = self.raw[where]
        if isinstance(where, (int, np.integer)):
            self.sanitizer.alive(int(where), "uses the reference count of")
            self.sanitizer.looked.add(int(where))
        return value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        return self[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        table, old, self.raw[where] = int(where), self.raw[where], value
        self.sanitizer.alive(table, "uses the reference count of")
        self.sanitizer.looked.discard(table)
        task = self.sanitizer.machine.task
        if (task, table) in self.sanitizer.visits and value > 0 < old:
            return
        if value > old > 0:
            self.sanitizer.note(("count", table, task), Access.WRITE)
        elif value and old:
            self.sanitizer.count(table, Access.READ)
            self.sanitizer.note(("puts", table), Access.WRITE)  # two may reach zero together
        else:
            self.sanitizer.count(table, Access.WRITE)
            self.sanitizer.note(("puts", table), Access.WRITE)


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
        return self[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        visits = self.sanitizer.visits
        change = visits.add if value > self.raw[where] else visits.discard
        change((self.sanitizer.machine.task, int(where)))
        self._upper(int(where), Access.WRITE)
        self.raw[where] = value

    def _upper(self, table: int, access: int) -> None:
        sanitizer, mem = self.sanitizer, self.sanitizer.machine.mem
        if not sanitizer.away and mem.level[table] != Level.PTE:
            sanitizer.alive(table, "uses the reference count of")
            if not mem.nonnone.raw[table]:  # type: ignore[attr-defined]
                sanitizer.count(table, access)


class WatchedWhole:
    """A column that is watched as one object."""

    def __init__(self, sanitizer: Notes, key: Hashable, raw: Any) -> None:
        self.sanitizer, self.key, self.raw = sanitizer, key, raw

    def __getitem__(self, where: Any) -> Any:
        self.sanitizer.note(self.key, Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        self.sanitizer.note(self.key, Access.WRITE)
        self.raw[where] = value

    def __len__(self) -> int:
        return len(self.raw)
