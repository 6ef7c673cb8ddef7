"""Zapping: clear the entries of a range. Tables stay, unless the scheme frees them.

Kernel source: mm/memory.c, unmap_page_range() to zap_pte_range() (Linux 6.12, and 6.14 for the
breaks that matter to PT_RECLAIM). Simplified: no need_resched() break; folios are single pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.made_often import cleared_of
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, step_of
from ptlab.base.tables import (
    Columns,
    Slots,
    Tables,
    borders,
    count_each,
    every,
    first_of,
    is_run,
    one_or_run,
    spanned,
    split,
    table_count,
    total,
)
from ptlab.paths.hugetlb_entries import unmap_hugetlb
from ptlab.paths.hugetlb_share import i_mmap_lock_write, i_mmap_unlock_write
from ptlab.paths.thp import split_if_huge, zap_huge_pmd
from ptlab.paths.walk import Found, pte_offset_map_lock, pte_tables
from ptlab.state.entries import covers_whole
from ptlab.state.mm import Count, Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.vma import Vma

U64 = np.uint64


class ZapDetails(NamedTuple):
    """struct zap_details: how one zap differs from another.

    why           one of ptlab.state.scheme.WHY_ZAPPED
    reclaim_pt    PTE pages may be freed: MADV_DONTNEED and MADV_DONTNEED_LOCKED only (6.14)
    drop_markers  guard markers go too: munmap and exit
    even_cows     a private mapping's own pages go too; a hole punch leaves them
    """

    why: str = "truncate"
    reclaim_pt: bool = False
    drop_markers: bool = False
    even_cows: bool = True


UNMAP = ZapDetails("unmap", drop_markers=True)
DONTNEED = ZapDetails("madvise", reclaim_pt=True)
"""madvise_dontneed_single_vma(): the only caller that sets reclaim_pt (6.14)."""


def unmap_single_vma(
    mm: Mm, tlb: MmuGather, vma: Vma, start: int, end: int, details: ZapDetails
) -> Path[None]:
    """Zap the part [start, end) of a VMA; hugetlb has a way of its own."""
    if not vma.hugetlb:
        yield from unmap_page_range(mm, tlb, start, end, details)
        return
    yield from i_mmap_lock_write(mm, vma)
    yield from unmap_hugetlb(mm, tlb, vma, start, end)
    yield i_mmap_unlock_write(mm)


def unmap_page_range(
    mm: Mm, tlb: MmuGather, start: int, end: int, details: ZapDetails
) -> Path[None]:
    """Zap [start, end), which lies in one VMA."""
    scheme = mm.machine.scheme
    tlb.reach(start, end)
    walk = yield from scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in pte_tables(mm, start, end):
        for part in _parts_of_run(mm, tlb, pmd, slots, details) if is_run(slots) else (slots,):
            tables = yield from zap_pmd_range(mm, tlb, pmd, part, columns, details)
            if tables is not None:
                yield from scheme.zapped(mm, tables, walk, details.why, tlb)
    yield from scheme.walk_ends(mm, walk, 1, tlb)


def _parts_of_run(
    mm: Mm, tlb: MmuGather, pmd: int, slots: Slots, details: ZapDetails
) -> Iterable[Slots]:
    """The parts of a run that are zapped as one: tables in which something stays are kept apart."""
    if not mm.counters[Count.SWAP] or details.drop_markers:
        return _cut_where_full(mm, tlb, pmd, slots)
    tables = mm.machine.mem.at(pmd, slots)
    stays = pte.is_marker(mm.machine.mem.entries[tables, :]).any(axis=1)
    alike = split(slots, borders(stays))
    return (part for run in alike for part in _cut_where_full(mm, tlb, pmd, run))


def _cut_where_full(mm: Mm, tlb: MmuGather, pmd: int, slots: Slots) -> Iterator[Slots]:
    """A run must end before the table in which `tlb` fills up: that one is zapped on its own."""
    if not is_run(slots):
        yield slots
        return
    pages = np.cumsum(mm.machine.mem.nonnone[mm.machine.mem.at(pmd, slots)])
    done = 0
    while done < len(slots):
        before = pages[done - 1] if done else 0
        fit = int(np.searchsorted(pages[done:], before + tlb.room))
        part = slots[done : done + (fit or 1)]
        done += len(part)
        yield one_or_run(part)


def zap_pmd_range(
    mm: Mm, tlb: MmuGather, pmd: int, slots: Slots, columns: slice, details: ZapDetails
) -> Path[Tables | None]:
    """One PMD entry (or a run of tables): arrive as a visitor, zap, leave. Returns what it zapped.

    A huge page that goes in part is split first; one that goes whole needs no table. A fault may map
    a file's huge page again meanwhile: then that one is split too.
    """
    machine = mm.machine
    while mm.is_huge(pmd, slots):
        if covers_whole(columns):
            if (yield from zap_huge_pmd(mm, tlb, pmd, first_of(slots))):
                return None
        elif not (yield from split_if_huge(mm, pmd, slots)):
            return None
    if (yield from machine.scheme.visitor_arrives(mm, pmd, slots)):
        return None
    tables = machine.mem.at(pmd, slots)
    if not every(tables):
        return None  # another task has freed it since the walk saw it
    if not (yield from zap_pte_range(mm, tlb, Found(pmd, slots, tables), columns, details)):
        yield from machine.scheme.visitor_leaves(mm, tables, 1, tlb)
    return tables


def zap_pte_range(
    mm: Mm, tlb: MmuGather, found: Found, columns: slice, details: ZapDetails
) -> Path[bool]:
    """Clear the entries `columns` of a PTE page (or a run) under its lock, then let go.

    When `tlb` is full the walk breaks off, flushes, and takes the lock again: from then on another
    task may have refilled what is cleared. True: the visit is over too, because its reference was
    put under the lock.
    """
    scheme, machine, tables = mm.machine.scheme, mm.machine, found.tables
    put_first = machine.others.lacks(Precaution.PUT_UNLOCKED)
    whole = covers_whole(columns)
    left: slice | None = columns
    undisturbed, locked_result = True, None
    while left is not None:
        n = table_count(tables)
        if (yield from pte_offset_map_lock(machine, found, n)):
            return False  # another zap has freed the table: it was empty
        left, cleared, skipped = yield from _clear(mm, tlb, tables, left, details)
        whole = whole and not skipped
        full = tlb.room == 0
        undisturbed = undisturbed and not full
        if left is None and details.reclaim_pt:
            locked_result = yield from scheme.zap_ends_locked(mm, tables, whole, undisturbed)
        if put_first:
            yield from scheme.entries_unmapped(mm, tables, cleared or 0, tlb)
            yield from scheme.visitor_leaves(mm, tables, 1, tlb)
        yield machine.unlock("pte_unmap_unlock", "ptl", n)
        if cleared is not None and not put_first:
            yield from scheme.entries_unmapped(mm, tables, cleared, tlb)
        if full:
            yield from tlb_flush_mmu(tlb)
    if details.reclaim_pt:
        yield from scheme.zap_ends(mm, tables, whole, locked_result, tlb)
    return put_first


def _clear(
    mm: Mm, tlb: MmuGather, tables: Tables, columns: slice, details: ZapDetails
) -> Path[tuple[slice | None, Any, bool]]:
    """do_zap_pte_range(), repeated: clear up to the end, or until `tlb` is full.

    Returns the columns left over (None at the end), the number cleared in each table (None for 0),
    and whether an entry was left in place on purpose (any_skipped).
    """
    mem = mm.machine.mem
    gone, skipped = None, False
    filled = mem.entries.filled_each(tables, columns)
    for part in _parts(mm, tlb, tables, columns, total(tables, filled)):
        words = mem.entries[tables, part]
        if part is columns:
            per_table = filled
        else:
            per_table = 1 if isinstance(part, int) else mem.entries.filled_each(tables, part)
        found = pte.census(words, total(tables, per_table))
        kept: Any = 0
        if (found.swap and not details.drop_markers) or not details.even_cows:
            kept = _kept(words, details)
            skipped = skipped or bool(np.any(kept))
            words = words ^ kept
            per_table, found = count_each(tables, words), pte.census(words)
        n = sum(found)
        if n:
            zero = count_each(tables, pte.is_zero_page(words)) if found.zero else 0
            mm.count_pages(found, -1)
            if mm.machine.others.several:
                own, filed = mm.machine.pages.own_and_filed(words)
                tlb.frames += own
                tlb.filed += mm.machine.others.gather(filed)
            mm.machine.pages.unshare(words)
            mem.write(tables, part, kept)
            mm.machine.scheme.entries_changed(mm, tables, -per_table, -zero)
            tlb.add_pages(found.pages + found.file)
            gone = per_table if gone is None else gone + per_table
            fact = cleared_of(part, found.zero)
            yield step_of((Kind.CLEAR, "ptep_get_and_clear", tables, n, 1, fact))
        if tlb.room == 0 and (stop := spanned(part).stop) < columns.stop:
            return slice(stop, columns.stop), gone, skipped
    return None, gone, skipped


def _kept(words: Any, details: ZapDetails) -> Any:
    """The entries that this zap leaves in place, 0 for the others."""
    stays = False if details.drop_markers else pte.is_marker(words)
    if not details.even_cows:
        stays = stays | (pte.is_present(words) & (pte.pfn(words) < pte.FILE_FRAME))
    return np.where(stays, words, U64(0)) if isinstance(words, np.ndarray) else words * bool(stays)


def _parts(
    mm: Mm, tlb: MmuGather, tables: Tables, columns: slice, nonnone: int
) -> Iterable[Columns]:
    """What one step clears: an entry that is not none, or all up to the one that fills `tlb`."""
    if not nonnone:
        return ()
    if is_run(tables):
        return (mm.machine.mem.entries.span(tables, columns),)
    if mm.machine.grain != "entry" and nonnone < tlb.room:
        return (columns,)
    words: NDArray[np.uint64] = mm.machine.mem.entries[tables, columns]
    there = np.flatnonzero(words) + columns.start
    if mm.machine.grain == "entry":
        one_by_one: list[int] = there.tolist()
        return one_by_one
    words = words[there - columns.start]
    pages = np.cumsum(pte.is_present(words) & ~pte.is_zero_page(words))
    fill = int(np.searchsorted(pages, tlb.room))
    return (slice(columns.start, int(there[fill]) + 1) if fill < len(there) else columns,)
