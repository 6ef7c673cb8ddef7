"""Walk the PMD entries of a range, those that are not none, cut by the grain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ptlab import pte
from ptlab.geometry import PAGE_SHIFT, PTRS_PER_TABLE, Level
from ptlab.guards import Guard
from ptlab.memmap import Slots
from ptlab.mm import Count, Mm
from ptlab.paths.cut import cut
from ptlab.steps import Path, Tables

if TYPE_CHECKING:
    from ptlab.machine import Machine


def pte_tables(mm: Mm, start: int, end: int) -> Iterator[tuple[int, Slots, slice]]:
    """(PMD page, slots, columns) for [start, end): one PTE page at a time, or runs in grain `range`.

    A slot on its own may hold a huge page instead of a table: ask `mm.is_huge`. Where an upper
    table is missing there is nothing below it, as pgd_none_or_clear_bad() and its kin find. The
    tables are looked up when the walk gets there, not before.
    """
    grain = "range" if mm.machine.grain == "range" else "table"
    span = mm.machine.geometry.span(Level.PMD)
    address = start
    while address < end:
        stop = min(end, (address | (span - 1)) + 1)
        pmd = mm.lookup(address, Level.PMD)
        if pmd:
            for piece in cut(grain, address, (stop - address) >> PAGE_SHIFT):
                for slots in _existing(mm, pmd, piece.slots):
                    yield pmd, slots, piece.columns
        address = stop


def _existing(mm: Mm, pmd: int, slots: Slots) -> Iterator[Slots]:
    """The slots that are not none; a huge page on its own, between the runs of tables."""
    if isinstance(slots, int):
        if mm.machine.mem.at(pmd, slots):
            yield slots
        return
    words = mm.machine.mem.entries[pmd, slots]
    slots, words = slots[words != 0], words[words != 0]
    borders = []
    if mm.counters[Count.HUGE]:
        huge = np.flatnonzero(words & np.uint64(pte.PSE))
        borders = np.unique([*huge, *(huge + 1)]).tolist()
    for run in np.split(slots, borders):
        if len(run):
            yield run if len(run) > 1 else int(run[0])


def pte_offset_map_lock(
    machine: Machine, tables: Tables, times: int = 1, fn: str = "pte_offset_map_lock"
) -> Path[bool]:
    """Look up and take the PTE lock of `tables`.

    False, and no lock is held: the PMD entry points elsewhere, already before, or after the lock was
    taken (pmd_same(), Linux 6.5).
    """
    if machine.watch is not None and not machine.mem.hooked(tables):
        return False
    yield from machine.lock(fn, "ptl", tables, "spin", times)
    if machine.watch is None or Guard.PMD_SAME in machine.without or machine.mem.hooked(tables):
        return True
    yield machine.unlock("pte_unmap_unlock", "ptl", times)
    return False


def covers_whole(columns: slice) -> bool:
    """Whether `columns` are all 512 entries of a table."""
    return columns.start == 0 and columns.stop == PTRS_PER_TABLE and columns.step in (None, 1)
