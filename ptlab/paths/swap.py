"""Swap: a page leaves memory. Its entry stays, and says where the page is.

Kernel source: mm/madvise.c, madvise_cold_or_pageout_pte_range(); mm/rmap.c, try_to_unmap_one();
mm/memory.c, do_swap_page() (Linux 6.12). The entry of a swapped-out page does not become none. So
the table is as full as before, and under the reference counts of 2021 no reference changes. A page
that MADV_FREE has marked, and that nobody has written to since, is dropped with its entry. The
entry of a file's page, or of shared memory, goes too: the page cache knows where the page is.

Simplified: a swap device of any size, written at once; slots are not used twice; no swap cache, so a
fault on a swapped-out page is always a major one, and the page is dirty even if it is only read; the
page cache keeps its pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.facts import Change, EntriesChanged, EntriesCleared
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import (
    Columns,
    Slots,
    Tables,
    count_each,
    first_of,
    is_run,
    table_count,
    total,
    zero_each,
)
from ptlab.paths.pieces import chunks
from ptlab.paths.recheck import arrive_locked, lock_unless_changed
from ptlab.paths.split_folio import Reach, advised, try_to_map_unused_to_zeropage
from ptlab.paths.thp import frames_of, split_huge_pmd, zap_huge_pmd
from ptlab.paths.walk import Found, pte_tables
from ptlab.state.machine import Machine
from ptlab.state.mm import Count, Mm, base_address
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma

U64 = np.uint64


def madvise_pageout(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """MADV_PAGEOUT of a part of `vma`: its pages leave, unless another mapping maps them too.

    A huge page is split first, whether there is a swap device or not.
    """
    machine, gone = mm.machine, 0
    walk = yield from machine.scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in tables_of(mm, vma, start, end):
        reach = yield from advised(mm, vma, pmd, slots, columns)
        if reach is Reach.WHOLE:
            reach = yield from _page_out_huge(mm, pmd, first_of(slots))
        if reach is not Reach.ENTRIES:
            continue
        tables = yield from arrive_locked(mm, pmd, slots)
        if tables is None:
            continue
        swapped, dropped = yield from _page_out(mm, vma, tables, columns)
        gone += swapped
        yield machine.unlock("pte_unmap_unlock", "ptl", table_count(tables))
        if total(tables, dropped):
            gone += total(tables, dropped)
            yield from machine.scheme.entries_unmapped(mm, tables, dropped)
        yield from machine.scheme.visitor_leaves(mm, tables)
    yield from machine.scheme.walk_ends(mm, walk)
    if gone:
        yield from machine.flush("try_to_unmap_flush", None, gone)


def _page_out_huge(mm: Mm, pmd: int, slot: int) -> Path[Reach]:
    """A whole huge page is split, for shrink_folio_list() finds no 2 MiB of swap; a file's is unmapped.

    One kernel drops what MADV_FREE has given up as a whole (unmap_huge_pmd_locked()).
    """
    machine = mm.machine
    word = machine.mem.entries.word(pmd, slot)
    lazy = not word & pte.DIRTY and bool(machine.pages.given_up(frames_of(word)).all())
    if lazy and machine.profile.lazyfree_whole:
        tlb = MmuGather(mm)
        yield from zap_huge_pmd(mm, tlb, pmd, slot)
        yield from tlb_flush_mmu(tlb)
        return Reach.NOTHING
    yield from split_huge_pmd(mm, pmd, slot)
    if not lazy and machine.mem.at(pmd, slot):
        yield from try_to_map_unused_to_zeropage(mm, pmd, slot, frames_of(word))
    return Reach.ENTRIES if machine.mem.at(pmd, slot) else Reach.NOTHING


def _page_out(mm: Mm, vma: Vma, tables: Tables, columns: slice) -> Path[tuple[int, Any]]:
    """Drop or swap out what may leave.

    Returns how many were swapped out, and how many entries of each table became none.
    """
    machine, gone, dropped = mm.machine, 0, zero_each(tables)
    for part in chunks(machine.grain, columns):
        words = machine.mem.entries[tables, part]
        own = _own(machine, words)
        lazy = own & ((words & U64(pte.DIRTY)) == 0) & machine.pages.given_up(pte.pfn(words))
        filed = _only_here(mm, vma, tables, part, words)
        for leave, kind in (lazy, Count.ANON), (filed, Count.FILE):
            if np.count_nonzero(leave):
                each = yield from _drop(mm, tables, part, np.where(leave, words, U64(0)), kind)
                dropped = dropped + each
        own &= ~lazy
        n = int(np.count_nonzero(own))
        if n and machine.swap:
            swapped = machine.mem.entries[tables, part].copy()
            swapped[own] = [pte.swap_entry(0, slot) for slot in machine.swap_slots(n)]
            machine.pages.unshare(words[own])
            machine.mem.write(tables, part, swapped)
            mm.count(Count.ANON, -n)
            mm.count(Count.SWAP, n)
            gone += n
            fact = EntriesChanged(part, Change.SWAPPED_OUT)
            yield Step(Kind.CHANGE, "try_to_unmap_one", tables, n, 1, fact)
    return gone, dropped


def tables_of(mm: Mm, vma: Vma, start: int, end: int) -> Iterator[tuple[int, Slots, slice]]:
    """As pte_tables(), but table by table in a file's mapping: each entry has a page to ask for."""
    for pmd, slots, columns in pte_tables(mm, start, end):
        if is_run(slots) and (vma.file is not None or len(mm.machine.pages.blank)):
            yield from ((pmd, slot, columns) for slot in slots.tolist())
        else:
            yield pmd, slots, columns


def _own(machine: Machine, words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which entries map anonymous pages that no other process has."""
    frames = pte.pfn(words)
    own = pte.is_present(words) & (frames >= pte.FIRST_FRAME) & (frames < pte.FILE_FRAME)
    result: NDArray[np.bool_] = own & ~machine.pages.shared(frames)
    return result


def _only_here(
    mm: Mm, vma: Vma, tables: Tables, columns: slice, words: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Which entries are the only ones that map their page of the file (folio_mapcount() is 1)."""
    only: NDArray[np.bool_] = np.zeros(words.shape, np.bool_)
    if vma.file is not None:
        first = vma.page(base_address(mm, first_of(tables)) + (columns.start << PAGE_SHIFT))
        filed = pte.is_present(words) & (pte.pfn(words) >= pte.FILE_FRAME)
        for k in np.flatnonzero(filed).tolist():
            only[k] = _mapcount(mm.machine, vma.file, first + k) == 1
    return only


def _mapcount(machine: Machine, file: File, page: int) -> int:
    """How many entries of all processes map this page of a file, alone or in a huge page."""
    frame, count = file.frame(page), 0
    for mm in machine.mms:
        for vma in mm.vmas:
            address = vma.start + ((page - vma.pgoff) << PAGE_SHIFT)
            if vma.file is file and vma.start <= address < vma.end:
                pmd = mm.lookup(address, Level.PMD)
                slot = machine.geometry.index(address, Level.PMD)
                if pmd and mm.is_huge(pmd, slot):
                    count += 1
                elif table := mm.lookup(address, Level.PTE):
                    column = machine.geometry.index(address, Level.PTE)
                    count += pte.pfn(machine.mem.entries.word(table, column)) == frame
    return count


def _drop(
    mm: Mm, tables: Tables, columns: slice, leave: NDArray[np.uint64], kind: int
) -> Path[Any]:
    """try_to_unmap_one() of the pages in `leave`, counted as `kind`; how many, by table."""
    mem = mm.machine.mem
    mm.machine.pages.unshare(leave)
    mem.write(tables, columns, np.where(leave, U64(0), mem.entries[tables, columns]))
    each = count_each(tables, leave)
    mm.machine.scheme.entries_changed(mm, tables, -each)
    n = int(np.sum(each))
    mm.count(kind, -n)
    yield Step(Kind.CLEAR, "try_to_unmap_one", tables, n, 1, EntriesCleared(columns))
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
    yield Step(Kind.CLEAR, "free_swap_and_cache_nr", tables, n, 1, EntriesCleared(columns))
    return each


def do_swap_page(mm: Mm, vma: Vma, found: Found, columns: Columns, n: int) -> Path[bool]:
    """A fault on `n` swap entries: each page comes back in a new frame.

    False: the table or the entry is no longer what it was (pte_same()).
    """
    machine, tables = mm.machine, found.tables
    was = np.array(machine.mem.entries[tables, columns], U64)
    if (yield from lock_unless_changed(machine, found, columns, was, n)):
        return False
    first = machine.frames(n)
    words = pte.anon_entry(np.arange(first, first + n, dtype=U64), bool(vma.flags & VM.WRITE))
    # Dirty: its slot is free now, and a clean page counts as one that MADV_FREE has marked.
    words |= U64(pte.DIRTY)
    machine.others.smp_wmb()  # folio_mark_uptodate()
    machine.mem.write(tables, columns, words.reshape(was.shape))
    mm.count(Count.SWAP, -n)
    mm.count(Count.ANON, n)
    mm.count(Count.MAJFLT, n)
    yield Step(
        Kind.CHANGE, "do_swap_page", tables, n, 1, EntriesChanged(columns, Change.SWAPPED_IN)
    )
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
    return True
