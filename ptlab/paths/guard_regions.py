"""Guard regions: entries that map nothing and refuse every access. They need a table, and keep it.

Kernel source: mm/madvise.c, madvise_guard_install() and madvise_guard_remove() (Linux 6.13 to 6.19).
A marker is a non-present entry. An access to it is a SIGSEGV. MADV_DONTNEED leaves it in place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import EntriesCleared, EntriesSet, Maps, VmaChanged
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import count_each, first_of, table_count, total, zero_each
from ptlab.paths.pieces import chunks, cut
from ptlab.paths.recheck import arrive_locked
from ptlab.paths.table_alloc import anon_vma_prepare, upper_tables, visit
from ptlab.paths.walk import Found, pte_offset_map_lock, pte_tables
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.mm import Count, Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.vma import VM, Vma

U64 = np.uint64


def madvise_guard_install(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """Every page of the range becomes a guard page. What was mapped there is zapped first."""
    if not mm.find_vma(vma.start).flags & VM.MAYBE_GUARD:  # no other task has set it meanwhile
        yield vma_set_atomic_flag(mm, vma, VM.MAYBE_GUARD)
    if vma.file is None and vma.anon_vma is None:
        yield anon_vma_prepare(mm, vma)
    if _mapped(mm, start, end):
        yield from _zap(mm, start, end)
    machine = mm.machine
    walk = yield from machine.scheme.walk_begins(mm, start, end)
    for piece in cut("table", start, (end - start) >> PAGE_SHIFT):
        done = False
        while not done:  # once, unless another task has been here since the zap
            pmd = mm.lookup(piece.first, Level.PMD)
            pmd = pmd or (yield from upper_tables(mm, piece.first, walk))
            table = yield from visit(mm, pmd, piece.slots)
            if first_of(table):
                done = yield from _install(mm, Found(pmd, piece.slots, first_of(table)), piece.span)
                yield from machine.scheme.visitor_leaves(mm, table)
            if not done:
                yield from _zap(mm, piece.first, piece.first + (piece.entries << PAGE_SHIFT))
    yield from machine.scheme.walk_ends(mm, walk)


def _zap(mm: Mm, start: int, end: int) -> Path[None]:
    """zap_page_range_single()"""
    tlb = MmuGather(mm)
    yield from unmap_page_range(mm, tlb, start, end, ZapDetails())
    yield from tlb_flush_mmu(tlb)


def vma_set_atomic_flag(mm: Mm, vma: Vma, flag: int) -> Step:
    """A flag that may be set with mmap_lock held for read: fork has to copy the markers of the VMA."""
    before = mm.find_vma(vma.start)
    after = replace(before, flags=before.flags | flag)
    mm.replace_vma(after)
    return Step(
        Kind.VMA,
        "vma_set_atomic_flag",
        None,
        1,
        1,
        VmaChanged(after.span, before.flags, after.flags),
    )


def _install(mm: Mm, found: Found, columns: slice) -> Path[bool]:
    """Fill the empty entries of one PTE page with markers.

    False: the page is not there any more, or a page fault has mapped something in it meanwhile.
    """
    machine, table, installed = mm.machine, first_of(found.tables), 0
    if (yield from pte_offset_map_lock(machine, found)):
        return False
    words = machine.mem.entries[table, columns]
    if np.any((words != 0) & ~pte.is_marker(words)):
        yield machine.unlock("pte_unmap_unlock", "ptl")
        return False
    for part in chunks(machine.grain, columns):
        words = machine.mem.entries[table, part]
        n = int(np.count_nonzero(words == 0))
        if n:
            machine.mem.write(table, part, np.where(words == 0, U64(pte.GUARD_MARKER), words))
            mm.count(Count.SWAP, n)
            machine.scheme.entries_changed(mm, table, n)
            installed += n
            yield Step(
                Kind.SET, "guard_install_set_pte", table, n, 1, EntriesSet(part, Maps.MARKER)
            )
    if installed:
        yield from machine.scheme.entries_mapped(mm, table, installed)
    yield machine.unlock("pte_unmap_unlock", "ptl")
    return True


def _mapped(mm: Mm, start: int, end: int) -> bool:
    """Whether anything but guard markers is mapped in the range."""
    for pmd, slots, columns in pte_tables(mm, start, end):
        if mm.is_huge(pmd, slots):
            return True
        words = mm.machine.mem.entries[mm.machine.mem.at(pmd, slots), columns]
        if np.any((words != 0) & ~pte.is_marker(words)):
            return True
    return False


def madvise_guard_remove(mm: Mm, start: int, end: int) -> Path[None]:
    """The markers of the range go; pages and tables stay."""
    machine = mm.machine
    walk = yield from machine.scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in pte_tables(mm, start, end):
        if mm.is_huge(pmd, slots):
            continue  # there can be no marker
        tables = yield from arrive_locked(mm, pmd, slots)
        if tables is None:
            continue
        removed = zero_each(tables)
        for part in chunks(machine.grain, columns):
            words = machine.mem.entries[tables, part]
            markers = pte.is_marker(words)
            n = int(np.count_nonzero(markers))
            if n:
                machine.mem.write(tables, part, np.where(markers, U64(0), words))
                mm.count(Count.SWAP, -n)
                each = count_each(tables, markers)
                machine.scheme.entries_changed(mm, tables, -each)
                removed = removed + each
                yield Step(Kind.CLEAR, "guard_remove_pte_entry", tables, n, 1, EntriesCleared(part))
        yield machine.unlock("pte_unmap_unlock", "ptl", table_count(tables))
        if total(tables, removed):
            yield from machine.scheme.entries_unmapped(mm, tables, removed)
        yield from machine.scheme.visitor_leaves(mm, tables)
    yield from machine.scheme.walk_ends(mm, walk)
