"""Walk the PTE pages of a range, those that exist, cut by the grain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlab.geometry import PAGE_SHIFT, Level
from ptlab.memmap import Slots
from ptlab.mm import Mm
from ptlab.paths.cut import cut


def pte_tables(mm: Mm, start: int, end: int) -> Iterator[tuple[int, Slots, slice]]:
    """(PMD page, slots, columns) for [start, end): one PTE page at a time, or runs in grain `range`.

    Where an upper table is missing there is nothing below it, as pgd_none_or_clear_bad() and its
    kin find. The tables are looked up when the walk gets there, not before.
    """
    grain = "range" if mm.machine.grain == "range" else "table"
    span = mm.machine.geometry.span(Level.PMD)
    address = start
    while address < end:
        stop = min(end, (address | (span - 1)) + 1)
        pmd = mm.lookup(address, Level.PMD)
        if pmd:
            for piece in cut(grain, address, (stop - address) >> PAGE_SHIFT):
                there = mm.machine.mem.at(pmd, piece.slots)
                if isinstance(piece.slots, np.ndarray):
                    slots = piece.slots[there != 0]
                    if len(slots):
                        yield pmd, slots if len(slots) > 1 else int(slots[0]), piece.columns
                elif there:
                    yield pmd, piece.slots, piece.columns
        address = stop
