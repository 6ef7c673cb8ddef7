"""mapped_count: a plain count of entries under the PTE lock; tables are freed when a user asks for it.

Source: Qi Zheng, "[RFC PATCH 0/7] Try to free empty and zero user PTE page table pages", 25 August
2022, <20220825101037.96517-1-zhengqi.arch@bytedance.com>, and mm/pte_ref.c of its patch 7.

pte_refcount holds two numbers: bits 0-9 count the entries that are not none, bits 10-19 those that
map the shared zero page. Both change only under the PTE lock, so no atomic operation is needed, and
visitors are not counted: a table is freed under mmap_lock for write. It frees empty tables and
tables of 512 zero pages, and only when a user writes a process id to /proc/sys/vm/free_ptes. That
is `Process.background()` here. (The mail would rather do it in reclaim, before the OOM killer.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.geometry import PMD_SIZE, PTRS_PER_TABLE, Level
from ptlab.base.steps import Path
from ptlab.base.tables import Tables, of_each, pick, table_count
from ptlab.paths.walk import pte_tables
from ptlab.state.mm import Count, Mm
from ptlab.state.scheme import ReclaimScheme

_ZERO_SHIFT = 10
_MAPPED = (1 << _ZERO_SHIFT) - 1
_ALL = slice(0, PTRS_PER_TABLE)


class MappedCount(ReclaimScheme):
    """Count entries, not visitors; free under mmap_lock for write, on demand."""

    name = "mapped_count"
    fate = "An RFC of August 2022, never merged."
    source = "<20220825101037.96517-1-zhengqi.arch@bytedance.com>"
    kernel = "6.1"

    def entries_changed(self, mm: Mm, tables: Tables, delta: Any, zero: Any = 0) -> None:
        """track_pte_set(), track_pte_clear()."""
        mm.machine.store.add(mm.machine.mem, "refcount", tables, delta + (zero << _ZERO_SHIFT))

    def table_withdrawn(self, mm: Mm, table: int) -> None:
        """A split has set all 512 entries: to the pages of a huge page, or to the zero page."""
        mm.machine.store.put(mm.machine.mem, "refcount", table, _counted(mm, table))

    def table_emptied(self, mm: Mm, table: int) -> None:
        """The page leaves the tree, empty."""
        mm.machine.store.put(mm.machine.mem, "refcount", table, 0)

    def background(self, mm: Mm) -> Path[None]:
        """free_ptes_sysctl_handler(): walk the whole address space."""
        machine = mm.machine
        yield from machine.lock("mmap_read_trylock", "mmap_lock", mm.id, "read")
        done = 0
        for vma in mm.vmas:
            start, end = max(vma.start & -PMD_SIZE, done), -(-vma.end // PMD_SIZE) * PMD_SIZE
            for pmd, slots, _ in pte_tables(mm, start, end):
                if not mm.is_huge(pmd, slots):
                    yield from self.kfreeptd_pmd_entry(mm, machine.mem.at(pmd, slots))
            done = end
        yield machine.unlock("mmap_read_unlock", "mmap_lock")

    def kfreeptd_pmd_entry(self, mm: Mm, tables: Tables) -> Path[None]:
        """Lock all other tasks out; free the tables that are empty or map only the zero page."""
        machine, n = mm.machine, table_count(tables)
        yield machine.unlock("mmap_read_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write", n)
        yield from machine.lock("pmd_lock", "pmd_lock", machine.mem.parent_of(tables), "spin", n)
        count = of_each(machine.mem.refcount, tables)
        zeros = count >> _ZERO_SHIFT == PTRS_PER_TABLE
        unused = pick(tables, (count & _MAPPED == 0) | zeros)
        if unused is not None:
            self._drop_zero_pages(mm, pick(tables, zeros))
            yield mm.unhook_pte(unused, "kfreeptd_pmd_entry")
            yield from machine.flush("flush_tlb_range", unused, 0, table_count(unused))
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        yield machine.unlock("mmap_write_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read", n)
        if unused is not None:
            yield machine.free("kfreeptd_pmd_entry", unused)

    def _drop_zero_pages(self, mm: Mm, tables: Tables | None) -> None:
        """The entries go with their page: the zero page needs no accounting in the kernel."""
        if tables is not None:
            mm.machine.mem.write(tables, _ALL, 0)
            mm.count(Count.ZERO, -PTRS_PER_TABLE * table_count(tables))
            mm.machine.store.put(mm.machine.mem, "refcount", tables, 0)

    def check(self, mm: Mm) -> list[str]:
        """Both counts agree with the entries there are."""
        mem = mm.machine.mem
        live = mem.live()
        live = live[(mem.level[live] == Level.PTE) & (mem.mm[live] == mm.id)]
        return [
            f"PTE page {table}: the count says {mem.refcount[table] & _MAPPED} entries and "
            f"{mem.refcount[table] >> _ZERO_SHIFT} zero pages, but there are {mem.nonnone[table]} and "
            f"{_counted(mm, table) >> _ZERO_SHIFT}"
            for table in live.tolist()
            if mem.refcount[table] != _counted(mm, table)
        ]


def _counted(mm: Mm, table: int) -> int:
    """What pte_refcount should hold, found by reading every entry."""
    words = mm.machine.mem.entries[table, _ALL]
    zeros = int(np.count_nonzero(pte.is_zero_page(words)))
    return int(np.count_nonzero(words)) + (zeros << _ZERO_SHIFT)
