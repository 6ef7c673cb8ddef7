"""Swap: a page leaves memory, its entry stays and says where the page went.

Kernel source: mm/madvise.c, madvise_cold_or_pageout_pte_range(); mm/rmap.c, try_to_unmap_one();
mm/memory.c, do_swap_page() (Linux 6.12). The entry of a page that is swapped out does not become none:
the table is as full as before, and under the reference counts of 2021 no reference changes. A page
that MADV_FREE has given up, and nobody has written since, is dropped, and its entry goes.

Simplified: a swap device of any size, written at once; slots are not used twice; no swap cache, so a
fault on a swapped-out page is always a major one, and the page is dirty even if it is only read; pages
that processes share, and files' pages, stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.memmap import count as table_count
from ptlab.memmap import count_each
from ptlab.mm import Count, Mm
from ptlab.paths.arrive import lock_unchanged
from ptlab.paths.cut import chunks
from ptlab.paths.thp import split_huge_pmd
from ptlab.paths.walk import pte_offset_map_lock, pte_tables
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.vma import VM, Vma

U64 = np.uint64


def pageout(mm: Mm, start: int, end: int) -> Path[None]:
    """MADV_PAGEOUT of anonymous memory: its own pages become swap entries, or are dropped.

    A huge page is split first; without a swap device it stays.
    """
    machine, gone = mm.machine, 0
    walk = yield from machine.scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in pte_tables(mm, start, end):
        if isinstance(slots, int) and mm.is_huge(pmd, slots):
            if not machine.swap:
                continue
            yield from split_huge_pmd(mm, pmd, slots)
            if not machine.mem.at(pmd, slots):
                continue
        if (yield from machine.scheme.visitor_arrives(mm, pmd, slots)):
            continue
        tables = machine.mem.at(pmd, slots)
        n_tables = table_count(tables)
        if not (yield from pte_offset_map_lock(machine, tables, n_tables)):
            yield from machine.scheme.visitor_leaves(mm, tables)
            continue  # freed since the walk saw it
        dropped: Any = None
        for part in chunks(machine.grain, columns):
            words = machine.mem.entries[tables, part]
            frames = pte.pfn(words)
            own = pte.is_present(words) & (frames >= pte.FIRST_FRAME) & (frames < pte.FILE_FRAME)
            own &= ~machine.shared(frames)
            lazy = own & ((words & U64(pte.DIRTY)) == 0)
            if np.count_nonzero(lazy):
                each = yield from _drop(mm, tables, part, np.where(lazy, words, U64(0)))
                dropped = each if dropped is None else dropped + each
            own &= ~lazy
            n = int(np.count_nonzero(own))
            if n and machine.swap:
                swapped = machine.mem.entries[tables, part].copy()
                swapped[own] = [pte.swap_entry(0, slot) for slot in machine.swap_slots(n)]
                machine.mem.write(tables, part, swapped)
                mm.count(Count.ANON, -n)
                mm.count(Count.SWAP, n)
                gone += n
                yield Step(Kind.CHANGE, "try_to_unmap_one", tables, n, 1, (part, "swapped"))
        yield machine.unlock("pte_unmap_unlock", "ptl", n_tables)
        if dropped is not None:
            gone += int(np.sum(dropped))
            yield from machine.scheme.entries_unmapped(mm, tables, dropped)
        yield from machine.scheme.visitor_leaves(mm, tables)
    yield from machine.scheme.walk_ends(mm, walk)
    if gone:
        yield from machine.flush("try_to_unmap_flush", None, gone)


def _drop(mm: Mm, tables: Tables, columns: slice, lazy: NDArray[np.uint64]) -> Path[Any]:
    """try_to_unmap_one() of the pages in `lazy`, which nobody wants any more; how many, by table."""
    mem = mm.machine.mem
    mem.write(tables, columns, np.where(lazy, U64(0), mem.entries[tables, columns]))
    each = count_each(tables, lazy)
    mm.machine.scheme.entries_changed(mm, tables, -each)
    n = int(np.sum(each))
    mm.count(Count.ANON, -n)
    yield Step(Kind.CLEAR, "try_to_unmap_one", tables, n, 1, (columns, 0))
    return each


def free_swap_entries(mm: Mm, tables: Tables, columns: slice) -> Path[Any]:
    """MADV_FREE has no use for a swapped-out page: its entry goes, under the PTE lock.

    Returns how many entries of each table became none, or None.
    """
    words = mm.machine.mem.entries[tables, columns]
    swapped = (words != 0) & ~pte.is_present(words) & ~pte.is_marker(words)
    n = int(np.count_nonzero(swapped))
    if not n:
        return None
    mm.machine.mem.write(tables, columns, np.where(swapped, U64(0), words))
    each = count_each(tables, swapped)
    mm.machine.scheme.entries_changed(mm, tables, -each)
    mm.count(Count.SWAP, -n)
    yield Step(Kind.CLEAR, "free_swap_and_cache_nr", tables, n, 1, (columns, 0))
    return each


def do_swap_page(mm: Mm, vma: Vma, tables: Tables, columns: slice, n: int) -> Path[bool]:
    """A fault on `n` swap entries: each page comes back in a new frame.

    False: the table or the entry is no longer what it was (pte_same()).
    """
    machine = mm.machine
    was = machine.mem.entries[tables, columns].copy()
    if not (yield from lock_unchanged(machine, tables, columns, was, n)):
        return False
    first = machine.frames(n)
    words = pte.anon_entry(np.arange(first, first + n, dtype=U64), bool(vma.flags & VM.WRITE))
    words |= U64(pte.DIRTY)  # its slot is gone; what is clean has been given up by MADV_FREE
    shape = machine.mem.entries[tables, columns].shape
    machine.mem.write(tables, columns, words.reshape(shape))
    mm.count(Count.SWAP, -n)
    mm.count(Count.ANON, n)
    mm.count(Count.MAJFLT, n)
    yield Step(Kind.CHANGE, "do_swap_page", tables, n, 1, (columns, "back"))
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
    return True
