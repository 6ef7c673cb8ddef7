"""mem_map: every page-table page is one row, as every page is one `struct page` in the kernel.

The row number is the page frame number (pfn). A row is never used twice, so "PTE page 7" is the
same page throughout a story; a real kernel reuses the frame. Columns are numpy arrays; tables whose
entries are all none own no entry storage, so 28 million empty tables cost their columns only.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.facts import Place
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.store import Store
from ptlab.base.tables import Slots, Tables, first_of, of_each, pick, total
from ptlab.state.columns import longer
from ptlab.state.entries import EntryPool

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


class TooManyTables(ValueError):
    """More tables than somebody wants to be built; the operation that asked for them is undone."""


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
        self.most: int | None = None
        """Tables after which `alloc` raises TooManyTables; None: as many as memory holds."""
        self.by_mmu = False  # whether it is the MMU that writes now
        self.deposits: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
        """PTE pages in reserve, by PMD page (pmd_huge_pte)."""
        self.shared: defaultdict[int, tuple[Place, ...]] = defaultdict(tuple)
        """The other places where a table hangs that several mappings share (pt_share_count)."""
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
        if self.most is not None and first + count > self.most:
            raise TooManyTables(f"this would build more than {self.most} tables")
        if first + count > len(self.level):
            self.reserve(max(first + count, 2 * len(self.level)))
        self.store.put(self, "next_pfn", 0, first + count)
        rows = slice(first, first + count) if count > 1 else first
        self.level[rows] = level  # a row keeps its level for good: nothing to undo
        self.mm[rows] = mm
        self.store.put(self, "state", rows, _NEW)
        return first if count == 1 else np.arange(first, first + count, dtype=np.int64)

    def reserve(self, size: int) -> None:
        """Lengthen the columns to `size` rows."""
        for name in self.COLUMNS:
            setattr(self, name, longer(getattr(self, name), size))
        self.entries.reserve(size)

    def write(self, tables: Tables, columns: Any, words: Any) -> None:
        """Set entries; `words` has the shape of `columns` (one table) or (tables, columns).

        One entry is written, and noted, as two numbers.
        """
        log = self.store.log
        if isinstance(tables, int):
            if isinstance(columns, slice) and columns.stop == columns.start + 1:
                columns = columns.start
            if isinstance(columns, int):
                word = words if isinstance(words, int) else words.item()
                was = self.entries.exchange(tables, columns, word)
                if log is not None:
                    log += (self, "entries", (tables, columns), was, word)
                return
        if log is None:
            self.entries[tables, columns] = words
        else:
            self.store.put(self, "entries", (tables, columns), words)

    def mark(self, tables: Tables, columns: Any, words: Any) -> None:
        """The MMU sets accessed and dirty bits: one atomic operation for an entry, without a lock."""
        self.by_mmu = True
        self.write(tables, columns, words)
        self.by_mmu = False

    def hook(self, tables: Tables, parent: int, slots: Slots) -> None:
        """Enter `tables` into `parent` at `slots`."""
        self.write(parent, slots, pte.table_entry(tables))
        self.store.put(self, "parent", tables, parent)
        self.store.put(self, "slot", tables, slots)
        self.store.put(self, "state", tables, _LIVE)

    def unhook(self, tables: Tables) -> None:
        """Clear the parent's entries that point to `tables` (all of one parent)."""
        self.write(self.parent_of(tables), self.slots_of(tables), 0)
        self.store.put(self, "state", tables, _UNHOOKED)

    def parent_of(self, tables: Tables) -> int:
        """The table that `tables` hang below."""
        return self.parent.item(first_of(tables))

    def slots_of(self, tables: Tables) -> Slots:
        """Where in that table they hang."""
        slots: Slots = of_each(self.slot, tables)
        return slots

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

    def filled(self, tables: Tables) -> int:
        """Non-none entries of a table, or of a run together."""
        return total(tables, of_each(self.entries.nonnone, tables))

    def empty(self, tables: Tables) -> Tables | None:
        """Those of `tables` that have no entry, as `pick` gives them."""
        return pick(tables, of_each(self.entries.nonnone, tables) == 0)

    def at(self, table: int, slots: Slots) -> Tables:
        """pfns of the tables that the entries `slots` of `table` point to; 0 where one is none."""
        if isinstance(slots, int):
            return (self.entries.word(table, slots) & pte.PFN_MASK) >> PAGE_SHIFT
        run: NDArray[np.int64] = ((self.entries[table, slots] & PFN_MASK) >> SHIFT).astype(np.int64)
        return run

    def points_to(self, parent: int, slots: Slots, tables: Tables) -> bool:
        """Whether the entries `slots` of `parent` point to `tables`, one to each."""
        return bool(np.all(self.at(parent, slots) == tables))

    def hooked(self, tables: Tables) -> bool:
        """Whether `tables` are in the tree: for a design that has not read the entries above."""
        return all(
            self.points_to(self.parent.item(table), self.slot.item(table), table)
            for table in np.ravel(tables).tolist()
        )

    def live(self) -> NDArray[np.int64]:
        """pfns of all tables that are in a tree now."""
        there: NDArray[np.bool_] = self.state[: self.next_pfn[0]] == _LIVE
        return there.nonzero()[0]
