"""mem_map: every page-table page is one row, as every page is one `struct page` in the kernel.

The row number is the page frame number (pfn). A row is never used twice, so that "PTE page 7" means
one page for a whole story; a real kernel reuses the frame. Columns are numpy arrays; tables whose
entries are all none own no entry storage, so 28 million empty tables cost their columns only.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.geometry import PAGE_SHIFT, PTRS_PER_TABLE, Level
from ptlab.base.steps import Tables
from ptlab.base.store import Store

Slots: TypeAlias = int | NDArray[np.int64]
"""An index into a table, or an array of them: one for each table of a run."""

PFN_MASK, SHIFT = np.uint64(pte.PFN_MASK), np.uint64(PAGE_SHIFT)


class State(IntEnum):
    """The life of a page-table page."""

    ABSENT = 0
    NEW = 1  # allocated, not yet in the tree
    LIVE = 2  # hooked into its parent
    UNHOOKED = 3  # out of the tree, held by mmu_gather until the TLB is flushed
    RCU = 4  # handed to RCU: freed after a grace period
    FREED = 5
    DEPOSITED = 6  # held in reserve by a huge page, in no tree


_NEW, _LIVE, _UNHOOKED = int(State.NEW), int(State.LIVE), int(State.UNHOOKED)


class EntryPool:
    """The 512 words of each table that has any, addressed as `pool[tables, columns]`.

    `columns` is an index or slice into the 512 entries. Storage is taken when a table gains its
    first non-none entry and given back when it loses its last. Slab 0 is nobody's: it stays zero
    and answers for every table without storage.
    """

    def __init__(self) -> None:
        self.words: NDArray[np.uint64] = np.zeros((64, PTRS_PER_TABLE), np.uint64)
        self.slab: NDArray[np.int32] = np.zeros(64, np.int32)
        self.nonnone: NDArray[np.int32] = np.zeros(64, np.int32)
        self._free = list(range(63, 0, -1))

    def __getitem__(self, key: tuple[Tables, Any]) -> Any:
        tables, columns = key
        if isinstance(tables, int):
            return self.words[self.slab.item(tables), columns]
        return self.words[self.slab[tables], columns]

    def word(self, table: int, index: int) -> int:
        """One word, as a Python int."""
        return self.words.item(self.slab.item(table), index)

    def __setitem__(self, key: tuple[Tables, Any], words: Any) -> None:
        tables, columns = key
        if isinstance(tables, np.ndarray):
            self._set_run(tables, columns, words)
            return
        slab = self.slab.item(tables)
        if isinstance(columns, int):
            was, now = self.words.item(slab, columns) != 0, words != 0
        else:
            was = self.filled_each(tables, columns)
            if isinstance(words, np.ndarray):
                now = int(np.count_nonzero(words))
            else:
                now = self.words[slab, columns].size if words else 0
        if not slab:
            if not now:
                return
            slab = self.slab[tables] = self._take(1)[0]
        self.words[slab, columns] = words
        if now != was:
            left = self.nonnone[tables] = self.nonnone.item(tables) + now - was
            if not left:
                self.slab[tables] = 0
                self._free.append(slab)

    def filled(self, tables: Tables, columns: Any) -> int:
        """How many of the entries `columns` are not none, in a table or in a run together."""
        each = self.filled_each(tables, columns)
        return int(each.sum()) if isinstance(each, np.ndarray) else each

    def filled_each(self, tables: Tables, columns: Any) -> Any:
        """The same for each table: a number, or an array for a run. Reads no entry where it need not."""
        each: Any
        if isinstance(tables, int):
            some = each = self.nonnone.item(tables)
        else:
            each = self.nonnone[tables]
            some = each.any()
        if not some or (isinstance(columns, slice) and covers_whole(columns)):
            return each
        return count_each(tables, self.words[self.slab[tables], columns])

    def _set_run(self, tables: NDArray[np.int64], columns: Any, words: Any) -> None:
        if isinstance(columns, int):
            columns, words = slice(columns, columns + 1), np.reshape(words, (len(tables), 1))
        width = len(range(*columns.indices(PTRS_PER_TABLE)))
        words = np.broadcast_to(np.asarray(words, np.uint64), (len(tables), width))
        now = count_each(tables, words) if words.any() else np.zeros(len(tables), np.int64)
        bare = (self.slab[tables] == 0) & (now > 0)
        if bare.any():
            self.slab[tables[bare]] = self._take(int(bare.sum()))
        slabs = self.slab[tables]
        stored = slabs > 0
        if not stored.all():  # all none before and after: nothing to write
            tables, slabs, now, words = tables[stored], slabs[stored], now[stored], words[stored]
        was = self.filled_each(tables, columns)
        self.words[slabs, columns] = words
        left = self.nonnone[tables] + (now - was)
        self.nonnone[tables] = left
        empty = left == 0
        if empty.any():
            self._free.extend(self.slab[tables[empty]].tolist())
            self.slab[tables[empty]] = 0

    def _take(self, count: int) -> list[int]:
        while len(self._free) < count:
            have = len(self.words)
            self.words = np.concatenate([self.words, np.zeros_like(self.words)])
            self._free.extend(range(2 * have - 1, have - 1, -1))
        taken = self._free[-count:]
        del self._free[-count:]
        return taken


class MemMap:
    """The page-table pages, in columns. `mem.refcount[7]` is the count of page 7."""

    COLUMNS: ClassVar = {
        "level": np.int8,
        "state": np.int8,
        "mm": np.int16,
        "parent": np.int32,
        "slot": np.int16,
        "refcount": np.int32,
        "visitors": np.int32,
        "owed": np.int32,
    }

    level: NDArray[np.int8]
    state: NDArray[np.int8]
    mm: NDArray[np.int16]
    parent: NDArray[np.int32]
    slot: NDArray[np.int16]
    refcount: NDArray[np.int32]
    visitors: NDArray[np.int32]
    owed: NDArray[np.int32]
    """Entries already changed whose references are still to be put (or, below 0, to be got)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.entries = EntryPool()
        self.next_pfn = [0]
        self.deposits: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
        """PTE pages in reserve, by PMD page (pmd_huge_pte)."""
        for name, dtype in self.COLUMNS.items():
            setattr(self, name, np.zeros(64, dtype))

    def __len__(self) -> int:
        return self.next_pfn[0]

    @property
    def nonnone(self) -> NDArray[np.int32]:
        """Number of non-none entries of each table."""
        return self.entries.nonnone

    def alloc(self, mm: int, level: Level, count: int = 1) -> Tables:
        """Take `count` zeroed pages for tables at `level`: a pfn, or an array of pfns."""
        first = self.next_pfn[0]
        if first + count > len(self.level):
            self._reserve(first + count)
        self.store.put(self, "next_pfn", 0, first + count)
        rows = slice(first, first + count) if count > 1 else first
        self.level[rows] = level  # a row keeps its level and owner for good: nothing to undo
        self.mm[rows] = mm
        self.store.put(self, "state", rows, _NEW)
        return first if count == 1 else np.arange(first, first + count)

    def _reserve(self, rows: int) -> None:
        """Lengthen the columns, to twice what they were at least."""
        size = max(rows, 2 * len(self.level))
        for owner, names in ((self, tuple(self.COLUMNS)), (self.entries, ("slab", "nonnone"))):
            for name in names:
                old = getattr(owner, name)
                grown = np.zeros(size, old.dtype)
                grown[: len(old)] = old
                setattr(owner, name, grown)

    def write(self, tables: Tables, columns: Any, words: Any) -> None:
        """Set entries; `words` has the shape of `columns` (one table) or (tables, columns)."""
        if self.store.log is None:
            self.entries[tables, columns] = words
        else:
            self.store.put(self, "entries", (tables, columns), words)

    def hook(self, tables: Tables, parent: int, slots: Slots) -> None:
        """Enter `tables` into `parent` at `slots`."""
        pfns = tables.astype(np.uint64) if isinstance(tables, np.ndarray) else tables
        self.write(parent, slots, pte.table_entry(pfns))
        self.store.put(self, "parent", tables, parent)
        self.store.put(self, "slot", tables, slots)
        self.store.put(self, "state", tables, _LIVE)

    def unhook(self, tables: Tables) -> None:
        """Clear the parent's entries that point to `tables` (all of one parent)."""
        if isinstance(tables, int):
            self.write(self.parent.item(tables), self.slot.item(tables), 0)
        else:
            self.write(self.parent.item(tables[0]), self.slot[tables], 0)
        self.store.put(self, "state", tables, _UNHOOKED)

    def deposit(self, pmd: int, slot: int, table: int) -> None:
        """Hold `table` in reserve for the huge page at `slot` of `pmd`."""
        self.store.put(self, "deposits", pmd, (*self.deposits[pmd], table))
        self.store.put(self, "parent", table, pmd)
        self.store.put(self, "slot", table, slot)
        self.store.put(self, "state", table, int(State.DEPOSITED))

    def withdraw(self, pmd: int, slot: int) -> int:
        """Take the table deposited for `slot` of `pmd`. (The kernel takes any: all are alike.)"""
        table = next(t for t in self.deposits[pmd] if self.slot[t] == slot)
        rest = tuple(t for t in self.deposits[pmd] if t != table)
        self.store.put(self, "deposits", pmd, rest)
        return table

    def free(self, table: int) -> None:
        """Give a page back that no walker can have seen: no flush, no RCU."""
        self.set_state(table, State.FREED)

    def set_state(self, tables: Tables, state: State) -> None:
        """Move `tables` on in their life."""
        self.store.put(self, "state", tables, state)

    def filled(self, tables: Tables) -> int:
        """Non-none entries of a table, or of a run together."""
        nonnone = self.entries.nonnone
        if isinstance(tables, np.ndarray):
            return int(nonnone[tables].sum())
        return nonnone.item(tables)

    def empty(self, tables: Tables) -> Tables | None:
        """Those of `tables` that have no entry, as `pick` gives them."""
        if isinstance(tables, int):
            return None if self.entries.nonnone.item(tables) else tables
        return pick(tables, self.entries.nonnone[tables] == 0)

    def at(self, table: int, slots: Slots) -> Tables:
        """pfns of the tables that the entries `slots` of `table` point to; 0 where one is none."""
        if isinstance(slots, int):
            return (self.entries.word(table, slots) & pte.PFN_MASK) >> PAGE_SHIFT
        run: NDArray[np.int64] = ((self.entries[table, slots] & PFN_MASK) >> SHIFT).astype(np.int64)
        return run

    def hooked(self, tables: Tables) -> bool:
        """Whether the entry above each table points to it."""
        return all(
            self.at(int(self.parent[table]), int(self.slot[table])) == table
            for table in np.ravel(tables).tolist()
        )

    def live(self) -> NDArray[np.int64]:
        """pfns of all tables that are in a tree now."""
        return np.flatnonzero(self.state[: len(self)] == State.LIVE)


_WHOLE = (slice(0, PTRS_PER_TABLE, 1), slice(0, PTRS_PER_TABLE))


def covers_whole(columns: slice) -> bool:
    """Whether `columns` are all 512 entries of a table."""
    return columns in _WHOLE


def pick(tables: Tables, mask: Any) -> Tables | None:
    """The tables for which `mask` holds: as one pfn, as a run, or None where there is none."""
    if isinstance(tables, np.ndarray):
        chosen = tables[mask]
        return chosen if len(chosen) else None
    return tables if mask else None


def present(tables: Tables) -> bool:
    """Whether the entries that `at` has looked up all point to tables."""
    return bool(tables) if isinstance(tables, int) else bool(tables.all())


def count_each(tables: Tables, mask: Any) -> Any:
    """How many of the entries in `mask` are set: a number for one table, an array for a run."""
    if isinstance(tables, np.ndarray):
        return (mask != 0).sum(axis=1)
    return int(np.count_nonzero(mask))


def count(tables: Tables) -> int:
    """How many tables a run has."""
    return 1 if isinstance(tables, int) else len(tables)
