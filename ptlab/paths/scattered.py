"""Accesses to pages that lie here and there below one PMD entry.

The faults of anonymous memory commute: whichever page comes first, the same tables and as many entries
are there afterwards. So one step at a coarse grain serves those that are alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ptlab.base.call_path import not_in_kernel
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PTRS_PER_TABLE, Level
from ptlab.base.steps import Path
from ptlab.base.tables import first_of
from ptlab.paths.access import grain_of, touch
from ptlab.paths.fault import exc_page_fault
from ptlab.paths.pieces import Piece
from ptlab.paths.thp import thp_vma_allowable
from ptlab.paths.touched import NO_FAULT, Touched
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma, find_vma_intersection

Pages = NDArray[np.int64]


@not_in_kernel
def touch_pages(mm: Mm, write: bool, pages: Pages) -> Path[Touched]:
    """A program accesses one byte in each of these pages, in any order.

    `pages` are their numbers (address >> 12), ascending. A refused access is counted and skipped, as in
    touch().
    """
    so_far = NO_FAULT
    while len(pages):
        first = pages.item(0)
        vma = find_vma_intersection(mm.vmas, first << PAGE_SHIFT, (first | 511) + 1 << PAGE_SHIFT)
        end = min(vma.end >> PAGE_SHIFT, (first | 511) + 1) if vma else first + 1
        count = int(np.searchsorted(pages, end))
        here, pages = pages[:count], pages[count:]
        empty = _empty_entries(mm, vma, write, here) if vma else np.zeros(1, np.bool_)
        if empty.any():
            so_far = so_far.add((yield from exc_page_fault(mm, _piece(here[empty]), write, False)))
        for start, length in _runs(here[~empty]):
            so_far = so_far.add((yield from touch(mm, write, start, length)))
    return so_far


def _piece(pages: Pages) -> Piece:
    """These entries of one PTE page."""
    first = pages.item(0)
    return Piece(first << PAGE_SHIFT, first >> 9 & 511, pages & PTRS_PER_TABLE - 1)


def _empty_entries(mm: Mm, vma: Vma, write: bool, pages: Pages) -> NDArray[np.bool_]:
    """Which accesses fault on an empty entry of anonymous memory; none, if more must be looked at."""
    none = np.zeros(len(pages), np.bool_)
    first = pages.item(0) << PAGE_SHIFT
    huge = vma.hugetlb or thp_vma_allowable(mm, vma, first)
    if vma.file is not None or huge or mm.machine.others.several or grain_of(mm, vma) == "entry":
        return none
    if first < vma.start or not vma.flags & (VM.WRITE if write else VM_ACCESS_FLAGS):
        return none
    pmd, slot = mm.lookup(first, Level.PMD), first >> PMD_SHIFT & 511
    table = first_of(mm.machine.mem.at(pmd, slot)) if pmd else 0
    if not table:
        return ~none
    if mm.is_huge(pmd, slot):
        return none
    empty: NDArray[np.bool_] = mm.machine.mem.entries[table, pages & PTRS_PER_TABLE - 1] == 0
    return empty


def _runs(pages: Pages) -> Iterator[tuple[int, int]]:
    """Pages side by side as (address, bytes)."""
    if len(pages):
        for run in np.split(pages, np.flatnonzero(np.diff(pages) != 1) + 1):
            yield run.item(0) << PAGE_SHIFT, len(run) << PAGE_SHIFT
