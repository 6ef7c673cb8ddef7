"""Zapping: clear the entries of a range. Tables stay, unless the scheme takes them.

Kernel source: mm/memory.c, unmap_page_range() to zap_pte_range() (Linux 6.12, and 6.14 for the
breaks that matter to PT_RECLAIM). Simplified: no need_resched() break; anonymous pages only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.geometry import PTRS_PER_TABLE
from ptlab.memmap import Slots, count_each
from ptlab.mm import Count, Mm
from ptlab.paths.walk import pte_tables
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.tlb import MmuGather, tlb_flush_mmu

_SPECIAL = np.uint64(pte.SPECIAL)


def unmap_page_range(mm: Mm, tlb: MmuGather, start: int, end: int, reclaim_pt: bool) -> Path[None]:
    """Zap [start, end), which lies in one VMA. `reclaim_pt` as in struct zap_details."""
    for pmd, slots, columns in pte_tables(mm, start, end):
        for part in _runs_that_fit(mm, tlb, pmd, slots):
            yield from zap_pmd_range(mm, tlb, pmd, part, columns, reclaim_pt)


def _runs_that_fit(mm: Mm, tlb: MmuGather, pmd: int, slots: Slots) -> Iterator[Slots]:
    """A run must end before the table in which `tlb` fills up: that one is zapped on its own."""
    if isinstance(slots, int):
        yield slots
        return
    pages = np.cumsum(mm.machine.mem.nonnone[mm.machine.mem.at(pmd, slots)])
    done = 0
    while done < len(slots):
        before = pages[done - 1] if done else 0
        fit = int(np.searchsorted(pages[done:], before + tlb.room))
        part = slots[done : done + (fit or 1)]
        done += len(part)
        yield part if len(part) > 1 else int(part[0])


def zap_pmd_range(
    mm: Mm, tlb: MmuGather, pmd: int, slots: Slots, columns: slice, reclaim_pt: bool
) -> Path[None]:
    """One PTE page (or a run): arrive as a visitor, zap, leave. Skipped where one may not look."""
    machine = mm.machine
    if (yield from machine.scheme.visitor_arrives(mm, pmd, slots)):
        return
    tables = machine.mem.at(pmd, slots)
    yield from zap_pte_range(mm, tlb, tables, columns, reclaim_pt)
    yield from machine.scheme.visitor_leaves(mm, tables, 1, tlb)


def zap_pte_range(
    mm: Mm, tlb: MmuGather, tables: Tables, columns: slice, reclaim_pt: bool
) -> Path[None]:
    """Clear the entries `columns` of a PTE page (or a run) under its lock, then let go.

    When `tlb` is full the walk breaks off, flushes, and takes the lock again: from then on another
    task may have refilled what is cleared.
    """
    scheme, machine = mm.machine.scheme, mm.machine
    whole = len(range(*columns.indices(PTRS_PER_TABLE))) == PTRS_PER_TABLE
    left: slice | None = columns
    undisturbed, locked_result = True, None
    while left is not None:
        yield machine.lock("pte_offset_map_lock", "ptl", tables, "spin")
        left, cleared = yield from _clear(mm, tlb, tables, left)
        full = tlb.room == 0
        undisturbed = undisturbed and not full
        if left is None and reclaim_pt:
            locked_result = yield from scheme.zap_ends_locked(mm, tables, whole, undisturbed)
        yield machine.unlock("pte_unmap_unlock", "ptl")
        if cleared is not None:
            yield from scheme.entries_unmapped(mm, tables, cleared, tlb)
        if full:
            yield from tlb_flush_mmu(tlb)
    if reclaim_pt:
        yield from scheme.zap_ends(mm, tables, whole, locked_result, tlb)


def _clear(
    mm: Mm, tlb: MmuGather, tables: Tables, columns: slice
) -> Path[tuple[slice | None, Any]]:
    """do_zap_pte_range(), repeated: clear until the end or until `tlb` is full.

    Returns the columns left over, None at the end, and the number cleared in each table, None for 0.
    """
    mem = mm.machine.mem
    total: Any = None
    for part in _parts(mm, tlb, tables, columns):
        words = mem.entries[tables, part]
        zero = int(np.count_nonzero(words & _SPECIAL))
        per_table = count_each(tables, words)
        n = int(np.sum(per_table)) if isinstance(tables, np.ndarray) else per_table
        mem.write(tables, part, 0)
        mm.machine.scheme.entries_changed(mm, tables, -per_table)
        if n > zero:
            mm.count(Count.ANON, zero - n)
        if zero:
            mm.count(Count.ZERO, -zero)
        tlb.add_pages(n - zero)
        total = per_table if total is None else total + per_table
        yield Step(Kind.CLEAR, "ptep_get_and_clear", tables, n, 1, (part, zero))
        if tlb.room == 0 and part.stop < columns.stop:
            return slice(part.stop, columns.stop), total
    return None, total


def _parts(mm: Mm, tlb: MmuGather, tables: Tables, columns: slice) -> Iterator[slice]:
    """What one step clears: an entry, or all of them up to the one that fills `tlb`. Skips none."""
    words: NDArray[np.uint64] = mm.machine.mem.entries[tables, columns]
    nonnone = np.count_nonzero(words)
    if not nonnone:
        return
    if isinstance(tables, np.ndarray) or (mm.machine.grain != "entry" and nonnone < tlb.room):
        yield columns
        return
    there = np.flatnonzero(words) + columns.start
    if mm.machine.grain == "entry":
        for column in there.tolist():
            yield slice(column, column + 1)
        return
    pages = np.cumsum((words[there - columns.start] & _SPECIAL) == 0)
    fill = int(np.searchsorted(pages, tlb.room))
    yield slice(columns.start, int(there[fill]) + 1) if fill < len(there) else columns
