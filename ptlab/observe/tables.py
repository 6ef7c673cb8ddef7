"""The page tables that must exist for the entries that were seen. Pure numpy, no system call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import P4D_SHIFT, PAGE_SHIFT, PMD_SHIFT, PUD_SHIFT
from ptlab.observe.pagemap import FILE, HUGE, PFNZERO

Numbers = NDArray[np.int64]


class Tables(NamedTuple):
    """Tables with an entry, by the part of the address that leads to them.

    pte        PTE pages: address >> 21, sorted, and in `filled` how many entries each has
    pmd, pud   PMD and PUD pages: address >> 30 and address >> 39
    deposited  PTE pages in reserve: one for each anonymous huge page and for each huge zero page
    """

    pte: Numbers
    filled: Numbers
    pmd: Numbers
    pud: Numbers
    deposited: int

    @property
    def total(self) -> int:
        """How many tables of VmPTE these are: the PGD (and a P4D) are not counted in it."""
        return len(self.pte) + len(self.pmd) + len(self.pud) + self.deposited


def tables(runs: NDArray[np.void], hugetlb: Numbers) -> Tables:
    """The tables for `runs` (of pagemap.RUN). `hugetlb`: the page size of each run, 0 for others.

    A hugetlb page of 2 MiB needs no PTE page, one of 1 GiB no PMD page; nothing is deposited.
    """
    start, end = runs["start"].astype(np.int64), runs["end"].astype(np.int64)
    huge = (runs["kind"] & np.uint64(HUGE)) != 0
    gigantic = hugetlb >= 1 << PUD_SHIFT
    slots, filled = _slots(start[~huge], end[~huge])
    pte, of = np.unique(slots, return_inverse=True)
    anon = huge & (hugetlb == 0) & ((runs["kind"] & np.uint64(FILE | PFNZERO)) != np.uint64(FILE))
    by_pmd = _slots(start[huge & ~gigantic], end[huge & ~gigantic])[0]
    pmd = np.unique(np.concatenate([pte, by_pmd]) >> (PUD_SHIFT - PMD_SHIFT))
    by_pud = _slots(start[gigantic], end[gigantic])[0] >> (PUD_SHIFT - PMD_SHIFT)
    return Tables(
        pte,
        np.bincount(of, filled, len(pte)).astype(np.int64),
        pmd,
        np.unique(np.concatenate([pmd, by_pud]) >> (P4D_SHIFT - PUD_SHIFT)),
        int(((end - start)[anon] >> PMD_SHIFT).sum()),
    )


def hidden(seen: Tables, start: Numbers, end: Numbers) -> int:
    """How many tables at most the mappings [start, end) have besides those that were seen.

    For mappings whose pages pagemap does not show: VM_PFNMAP, the memory of a device.
    """
    pte = np.setdiff1d(_slots(start, end)[0], seen.pte)
    pmd = np.setdiff1d(pte >> (PUD_SHIFT - PMD_SHIFT), seen.pmd)
    pud = np.setdiff1d(pmd >> (P4D_SHIFT - PUD_SHIFT), seen.pud)
    return len(pte) + len(pmd) + len(pud)


def _slots(start: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
    """The 2 MiB slots that each run lies in, and how many of its pages lie there."""
    first = start >> PMD_SHIFT
    each = ((end - 1) >> PMD_SHIFT) - first + 1
    run = np.repeat(np.arange(len(start), dtype=np.int64), each)
    slots = (
        first[run] + np.arange(len(run), dtype=np.int64) - np.repeat(np.cumsum(each) - each, each)
    )
    low = np.maximum(start[run], slots << PMD_SHIFT)
    high = np.minimum(end[run], (slots + 1) << PMD_SHIFT)
    return slots, (high - low) >> PAGE_SHIFT
