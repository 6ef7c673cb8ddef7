"""MADV_FREE and MADV_COLD: pages stay mapped, but lose the MMU's marks. No table is freed.

Kernel source: mm/madvise.c, madvise_free_single_vma(), madvise_free_pte_range(), madvise_cold(),
madvise_cold_or_pageout_pte_range() (Linux 6.12).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import Change, EntriesChanged
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, count_each, first_of, table_count, total, zero_each
from ptlab.paths.pieces import chunks
from ptlab.paths.recheck import arrive_locked
from ptlab.paths.split_folio import Reach, advised
from ptlab.paths.swap import free_swap_entries, tables_of
from ptlab.paths.thp import frames_of, is_huge_zero
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import Vma


def madvise_free_single_vma(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """MADV_FREE: pages become clean and old, and may be dropped later."""
    return _mark(mm, vma, start, end, "madvise_free_pte_range", pte.ACCESSED | pte.DIRTY)


def madvise_cold(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """MADV_COLD: pages become old."""
    return _mark(mm, vma, start, end, "madvise_cold_or_pageout_pte_range", pte.ACCESSED)


def _mark(mm: Mm, vma: Vma, start: int, end: int, fn: str, bits: int) -> Path[None]:
    """Take `bits` off every page of the range."""
    scheme, changed = mm.machine.scheme, 0
    walk = yield from scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in tables_of(mm, vma, start, end):
        reach = yield from advised(mm, vma, pmd, slots, columns)
        if reach is Reach.WHOLE:
            yield from _mark_huge(mm, pmd, first_of(slots), fn, bits)
        if reach is not Reach.ENTRIES:
            continue
        tables = yield from arrive_locked(mm, pmd, slots)
        if tables is None:
            continue
        marked = yield from _mark_entries(mm, tables, columns, fn, bits)
        changed += total(tables, marked)
        freed, lazy = None, bool(bits & pte.DIRTY)
        if lazy and mm.counters[Count.SWAP]:
            freed = yield from free_swap_entries(mm, tables, columns)
        yield mm.machine.unlock("pte_unmap_unlock", "ptl", table_count(tables))
        if freed is not None:
            yield from scheme.entries_unmapped(mm, tables, freed)
        yield from scheme.visitor_leaves(mm, tables)
        if lazy:
            yield from scheme.lazyfreed(mm, tables, marked)
    yield from scheme.walk_ends(mm, walk)
    if changed:
        yield from mm.machine.flush("tlb_flush_mmu_tlbonly", None, 0)


def _how(bits: int) -> str:
    return Change.LAZYFREE if bits & pte.DIRTY else Change.OLD


def _mark_huge(mm: Mm, pmd: int, slot: int, fn: str, bits: int) -> Path[None]:
    machine, mem = mm.machine, mm.machine.mem
    yield from machine.lock("pmd_trans_huge_lock", "pmd_lock", pmd, "spin")
    word = mem.entries.word(pmd, slot)
    if mm.is_huge(pmd, slot) and not is_huge_zero(word):
        mem.write(pmd, slot, word & ~bits)
        if bits & pte.DIRTY:
            machine.pages.give_up(frames_of(word))
        part = slice(slot, slot + 1)
        fact = EntriesChanged(part, _how(bits))
        yield Step(Kind.CHANGE, fn.replace("pte_range", "huge_pmd"), pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")


def _mark_entries(mm: Mm, tables: Tables, columns: slice, fn: str, bits: int) -> Path[Any]:
    """The entries of a table or a run, under the PTE lock; how many of each were marked."""
    mem, each, bit = mm.machine.mem, zero_each(tables), np.uint64(bits)
    for part in chunks(mm.machine.grain, columns):
        words = mem.entries[tables, part]
        marked = pte.is_present(words) & ((words & np.uint64(pte.SPECIAL)) == 0)
        marked &= (words & bit) != 0
        n = int(np.count_nonzero(marked))
        if n:
            mem.write(tables, part, np.where(marked, words & ~bit, words))
            if bits & pte.DIRTY:
                mm.machine.pages.give_up(pte.pfn(words[marked]))
            yield Step(Kind.CHANGE, fn, tables, n, 1, EntriesChanged(part, _how(bits)))
            each = each + count_each(tables, marked)
    return each
