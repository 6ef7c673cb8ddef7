"""mapped_count: a plain count of entries under the PTE lock; tables are freed when a user asks for it.

Source: Qi Zheng, "[RFC PATCH 0/7] Try to free empty and zero user PTE page table pages", 25 August
2022, <20220825101037.96517-1-zhengqi.arch@bytedance.com>, and mm/pte_ref.c of its patch 7.

pte_refcount holds two numbers: bits 0-9 count the entries that are not none, bits 10-19 those that
map the shared zero page. Both change only under the PTE lock, so no atomic operation is needed, and
visitors are not counted: a table is freed under mmap_lock for write. It frees empty tables and
tables of 512 zero pages, and only when a user writes a process id to /proc/sys/vm/free_ptes. That
is `Process.background()` here. (The mail would rather do it in reclaim, before the OOM killer.)
Here it takes each file's i_mmap_rwsem too, as retract_page_tables() does, or a truncate could still
be in a table that it frees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.geometry import PMD_SIZE, PTRS_PER_TABLE, Level
from ptlab.base.steps import Path
from ptlab.base.tables import Slots, Tables, every, first_of, of_each, pick, table_count
from ptlab.paths.recheck import vma_end_write_all, vma_start_write
from ptlab.paths.walk import pte_tables
from ptlab.state.mm import Count, Mm, base_address
from ptlab.state.scheme import ReclaimScheme
from ptlab.state.vma import Vma, overlapping

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
        for address, slots in list(_tables(mm)):
            yield from self.kfreeptd_pmd_entry(mm, address, slots)
        yield machine.unlock("mmap_read_unlock", "mmap_lock")

    def kfreeptd_pmd_entry(self, mm: Mm, address: int, slots: Slots) -> Path[None]:
        """Lock everybody out, look again, look at the counts, free what is empty or all zero page."""
        machine, n = mm.machine, table_count(slots)
        yield machine.unlock("mmap_read_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write", n)
        there = overlapping(mm.vmas, address, address + n * PMD_SIZE)
        for vma in there:
            yield from vma_start_write(mm, vma)
        yield from _lock_files(mm, there)
        unused, pmd = None, mm.lookup(address, Level.PMD)
        if pmd and every(machine.mem.at(pmd, slots)) and not mm.is_huge(pmd, slots):
            yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
            unused = yield from self._unhook_unused(mm, machine.mem.at(pmd, slots))
            yield machine.unlock("spin_unlock", "pmd_lock", n)
        yield from _unlock_files(mm)
        yield from vma_end_write_all(mm)
        yield machine.unlock("mmap_write_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read", n)
        if unused is not None and machine.profile.vma_lock_fault:
            yield machine.call_rcu(unused)  # since 6.5 a walker may be there under RCU alone
        elif unused is not None:
            yield machine.free("kfreeptd_pmd_entry", unused)

    def _unhook_unused(self, mm: Mm, tables: Tables) -> Path[Tables | None]:
        count = of_each(mm.machine.mem.refcount, tables)
        zeros = count >> _ZERO_SHIFT == PTRS_PER_TABLE
        unused = pick(tables, (count & _MAPPED == 0) | zeros)
        if unused is not None:
            gone = mm.unhook_pte(unused, "kfreeptd_pmd_entry")
            self._drop_zero_pages(mm, pick(tables, zeros))
            yield gone
            yield from mm.machine.flush("flush_tlb_range", unused, 0, table_count(unused))
        return unused

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


def _lock_files(mm: Mm, vmas: Iterable[Vma]) -> Path[None]:
    """A truncate comes by the file, without any mmap_lock."""
    files = sorted({vma.file.number for vma in vmas if vma.file is not None})
    for number in files if mm.machine.others.several else ():
        yield from mm.machine.lock("i_mmap_lock_write", "i_mmap_rwsem", number, "write")


def _unlock_files(mm: Mm) -> Path[None]:
    while any(lock.name == "i_mmap_rwsem" for lock in mm.machine.held[mm.machine.task]):
        yield mm.machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")


def _tables(mm: Mm) -> Iterator[tuple[int, Slots]]:
    """Where PTE pages are: the address that each (or each run) maps, and its slots."""
    done = 0
    for vma in mm.vmas:
        start, end = max(vma.start & -PMD_SIZE, done), -(-vma.end // PMD_SIZE) * PMD_SIZE
        for pmd, slots, _ in pte_tables(mm, start, end):
            if not mm.is_huge(pmd, slots):
                yield base_address(mm, pmd) + first_of(slots) * PMD_SIZE, slots
        done = end


def _counted(mm: Mm, table: int) -> int:
    """What pte_refcount should hold, found by reading every entry."""
    words = mm.machine.mem.entries[table, _ALL]
    zeros = int(np.count_nonzero(pte.is_zero_page(words)))
    return int(np.count_nonzero(words)) + (zeros << _ZERO_SHIFT)
