"""Walk the PMD entries of a range, those that are not none, cut by the grain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ptlab.base import pte
from ptlab.base.geometry import PAGE_SHIFT, PUD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.base.tables import Slots, Tables, is_run, split
from ptlab.paths.pieces import cut
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm

_PMD = Level.PMD  # looked up once: Python 3.11 finds members slowly


def pte_tables(mm: Mm, start: int, end: int) -> Iterator[tuple[int, Slots, slice]]:
    """(PMD page, slots, columns) for [start, end): one PTE page at a time, or runs in grain `range`.

    A slot on its own may hold a huge page instead of a table: ask `mm.is_huge`. Where an upper
    table is missing there is nothing below it, as pgd_none_or_clear_bad() and its kin find. The
    tables are looked up when the walk gets there, not before.
    """
    grain = "range" if mm.machine.grain == "range" else "table"
    address = start
    while address < end:
        stop = min(end, (address | (PUD_SIZE - 1)) + 1)  # a PMD page maps as much as a PUD entry
        pmd = mm.lookup(address, _PMD)
        if pmd:
            for piece in cut(grain, address, (stop - address) >> PAGE_SHIFT):
                for slots in _existing(mm, pmd, piece.slots):
                    yield pmd, slots, piece.span
        address = stop


def _existing(mm: Mm, pmd: int, slots: Slots) -> Sequence[Slots]:
    """The slots that are not none; a huge page on its own, between the runs of tables."""
    if not is_run(slots):
        return (slots,) if mm.machine.mem.at(pmd, slots) else ()
    words = mm.machine.mem.entries[pmd, slots]
    huge: Any = ()
    if mm.has_huge:
        huge = np.flatnonzero(words[words != 0] & np.uint64(pte.PSE))
        huge = np.unique([huge, huge + 1])
    return split(slots[words != 0], huge)


class Found(NamedTuple):
    """PTE pages, and the entries of a PMD page that pointed to them when a walk read these."""

    pmd: int
    slots: Slots
    tables: Tables


def pte_offset_map_lock(machine: Machine, found: Found, times: int = 1) -> Path[bool | None]:
    """Take the PTE lock of the tables that a walk has found.

    True, and no lock is held: the PMD entry that was read points elsewhere, already before, or after
    the lock was taken (pmd_same(), Linux 6.5).
    """
    if machine.others.several:
        return _lock_if_still_hooked(machine, found, times)
    return machine.lock("pte_offset_map_lock", "ptl", found.tables, "spin", times)


def _lock_if_still_hooked(machine: Machine, found: Found, times: int) -> Path[bool]:
    others = machine.others
    if not others.still_hooked(*found):
        return True
    yield from machine.lock("pte_offset_map_lock", "ptl", found.tables, "spin", times)
    if others.lacks(Precaution.PMD_SAME) or others.still_hooked(*found):
        return False
    yield machine.unlock("pte_unmap_unlock", "ptl", times)
    return True
