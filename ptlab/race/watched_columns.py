"""Columns of the simulated state that tell the sanitizer of every look and every write."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np

from ptlab.base.footprint import Access
from ptlab.base.geometry import PTRS_PER_TABLE, Level
from ptlab.state.machine import Machine
from ptlab.state.memmap import EntryPool


class Notes(Protocol):
    """What the columns need of the sanitizer."""

    machine: Machine
    away: bool
    looked: set[int]
    visits: set[tuple[int, int]]

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""

    def alive(self, table: int, doing: str) -> None:
        """The running task uses a table, which must not have been freed."""

    def count(self, table: int, access: int) -> None:
        """The running task uses a reference count."""


_PLACES = 4
"""Entries of a table that are told apart; the last stands for all the others."""


class _Rows:
    """Where the entries of a table are, and how many: whoever looks, looks at all of them."""

    def __init__(self, watch: Notes, raw: Any) -> None:
        self.watch, self.raw = watch, raw

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
            self.watch.note(("entry", table, place), access)
        self.watch.alive(table, "reads")


class WatchedEntries:
    """The pool of entries. Told apart are the first few of a table; scenes use no others."""

    def __init__(self, watch: Notes, raw: EntryPool) -> None:
        self.watch, self.raw = watch, raw
        self.slab, self.nonnone = _Rows(watch, raw.slab), _Rows(watch, raw.nonnone)

    @property
    def words(self) -> Any:
        """The words themselves, for a walk that has looked at `slab`."""
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
        self.raw[key] = words

    def _note(self, table: Any, columns: Any, access: int) -> None:
        if not isinstance(table, (int, np.integer)):
            return  # runs are only what the checks look at
        table = int(table)
        if isinstance(columns, slice):
            first, last, _ = columns.indices(PTRS_PER_TABLE)
            last -= 1
        elif isinstance(columns, (int, np.integer)):
            first = last = int(columns)
        else:
            return
        for place in range(min(first, _PLACES - 1), min(last, _PLACES - 1) + 1):
            self.watch.note(("entry", table, place), access)
        self.watch.alive(table, "writes into" if access & Access.WRITE else "reads")


class WatchedCounts:
    """Reference counts, atomic: gets commute with gets, but not puts with what makes them the last.

    A get writes its task's own share of the count, a put reads the share of every task, and the one
    that reaches zero writes all of them. A task that is a visitor knows that nobody reaches zero
    meanwhile: what it adds or takes then commutes.
    """

    def __init__(self, watch: Notes, raw: Any) -> None:
        self.watch, self.raw = watch, raw

    def __getitem__(self, where: Any) -> Any:
        value = self.raw[where]
        if isinstance(where, (int, np.integer)):
            self.watch.alive(int(where), "uses the reference count of")
            self.watch.looked.add(int(where))
        return value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        return self[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        table, old, self.raw[where] = int(where), self.raw[where], value
        self.watch.alive(table, "uses the reference count of")
        self.watch.looked.discard(table)
        task = self.watch.machine.task
        if (task, table) in self.watch.visits and value > 0 < old:
            return
        if value > old > 0:
            self.watch.note(("count", table, task), Access.WRITE)
        elif value and old:
            self.watch.count(table, Access.READ)
            self.watch.note(("puts", table), Access.WRITE)  # two may reach zero together
        else:
            self.watch.count(table, Access.WRITE)
            self.watch.note(("puts", table), Access.WRITE)


class WatchedVisitors:
    """How many visitors a table has, and whose they are.

    For a PTE page that is part of its reference count, by which paths decide. PMD and PUD pages
    have no other count of their visitors; while there are entries it makes no difference.
    """

    def __init__(self, watch: Notes, raw: Any) -> None:
        self.watch, self.raw = watch, raw

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, (int, np.integer)):
            self._upper(int(where), Access.READ)
        return self.raw[where]

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        return self[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        visit = self.watch.machine.task, int(where)
        change = self.watch.visits.add if value > self.raw[where] else self.watch.visits.discard
        change(visit)
        self._upper(int(where), Access.WRITE)
        self.raw[where] = value

    def _upper(self, table: int, access: int) -> None:
        watch, mem = self.watch, self.watch.machine.mem
        if not watch.away and mem.level[table] != Level.PTE:
            watch.alive(table, "uses the reference count of")
            if not mem.nonnone.raw[table]:  # type: ignore[attr-defined]
                watch.count(table, access)


class WatchedWhole:
    """A column that is watched as one object."""

    def __init__(self, watch: Notes, key: Hashable, raw: Any) -> None:
        self.watch, self.key, self.raw = watch, key, raw

    def __getitem__(self, where: Any) -> Any:
        self.watch.note(self.key, Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        self.watch.note(self.key, Access.WRITE)
        self.raw[where] = value

    def __len__(self) -> int:
        return len(self.raw)
