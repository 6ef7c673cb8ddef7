"""The invariants of the simulated state, true after every step. `check(mm)` names what is broken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ptlab.base.errors import Corruption
from ptlab.base.facts import Lock
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.pte import PSE
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import COUNTED, Count, Mm, base_address
from ptlab.state.vma import overlapping


def check(mm: Mm) -> None:
    """Raise Corruption unless every invariant of `mm` holds. O(tables + entries stored)."""
    broken = [*_tree(mm), *_counters(mm), *_vmas(mm), *mm.machine.scheme.check(mm)]
    if not any(mm.machine.held):
        broken += _at_rest(mm)
    if broken:
        raise Corruption("; ".join(broken))


def leaked(mem: MemMap) -> list[str]:
    """Tables that are in no tree and were never freed: none, when no operation is under way."""
    lost = np.flatnonzero(np.isin(mem.state[: len(mem)], _AWAY)).tolist()
    return [
        f"{Level(int(mem.level[table])).name} page {table} has leaked: it is in no tree and was never "
        "freed"
        for table in lost
    ]


_AWAY = (State.NEW, State.UNHOOKED, State.RCU)


def _own(mm: Mm) -> NDArray[np.int64]:
    """The tables in the tree of `mm`."""
    live = mm.machine.mem.live()
    own: NDArray[np.int64] = live[mm.machine.mem.mm[live] == mm.id]
    return own


def _tree(mm: Mm) -> list[str]:
    """Parent and slot of a table agree with the parent's entry, and the other way round."""
    mem, broken = mm.machine.mem, []
    tables = _own(mm)
    for table in tables[tables != mm.pgd].tolist():
        parent, slot = int(mem.parent[table]), int(mem.slot[table])
        if mem.state[parent] != State.LIVE:
            broken.append(f"page {table} hangs below page {parent}, which is not in the tree")
        if mem.at(parent, slot) != table:
            broken.append(
                f"page {table} thinks it is at page {parent}, slot {slot}; that entry says otherwise"
            )
    for table in tables[mem.level[tables] > Level.PTE].tolist():
        words = mem.entries[table, slice(None)]
        slots = np.flatnonzero((words != 0) & (words & np.uint64(PSE) == 0))
        children = np.asarray(mem.at(table, slots))
        wrong = children[(mem.state[children] != State.LIVE) | (mem.parent[children] != table)]
        broken += [
            f"page {table} points to page {child}, which is not its child" for child in wrong
        ]
    for table in tables.tolist():
        stored = np.count_nonzero(mem.entries[table, slice(None)])
        if stored != mem.nonnone[table]:
            broken.append(
                f"page {table} has {stored} non-none entries, counted are {mem.nonnone[table]}"
            )
        if not stored and mem.entries.slab[table]:
            broken.append(f"page {table} is empty but owns entry storage")
    return broken


def _counters(mm: Mm) -> list[str]:
    """VmPTE = live tables; the page counters = the entries there are."""
    mem, broken = mm.machine.mem, []
    tables = _own(mm)
    for level in (Level.PTE, Level.PMD, Level.PUD, Level.P4D):
        there = int(np.count_nonzero(mem.level[tables] == level))
        if level is Level.PTE:
            there += _in_reserve(mm)
        counted = mm.counters[COUNTED[level]] if level is not Level.P4D else there
        if there != counted:
            broken.append(f"{there} {level.name} pages are in the tree, VmPTE counts {counted}")
    ptes = tables[mem.level[tables] == Level.PTE]
    c = mm.counters
    pages = int(np.sum(mem.nonnone[ptes])) + _set_aside(mm)
    pages += 512 * (c[Count.HUGE] - c[Count.HUGE_ZERO])
    counted = c[Count.ANON] + c[Count.ZERO] + c[Count.FILE] + c[Count.SWAP]
    if pages != counted:
        broken.append(f"{pages} pages are mapped, counted are {counted}")
    return broken


def _set_aside(mm: Mm) -> int:
    """Entries of a table that collapse_huge_page() has taken out of the tree, and goes on to read.

    With mmap_lock for write nobody else finds them; without it they would be lost.
    """
    if Lock("mmap_lock", mm.id, "write") not in (lock for held in mm.machine.held for lock in held):
        return 0
    mem = mm.machine.mem
    state, owner = mem.state[: len(mem)], mem.mm[: len(mem)]
    aside = np.flatnonzero((state == State.UNHOOKED) & (owner == mm.id))
    return int(np.sum(mem.nonnone[aside]))


def _in_reserve(mm: Mm) -> int:
    """PTE pages deposited by huge pages; VmPTE counts them."""
    mem = mm.machine.mem
    state, owner = mem.state[: len(mem)], mem.mm[: len(mem)]
    return int(np.count_nonzero((state == State.DEPOSITED) & (owner == mm.id)))


def _vmas(mm: Mm) -> list[str]:
    """VMAs are sorted, not empty, and do not overlap."""
    vmas = mm.vmas
    broken = [f"VMA {vma} is empty" for vma in vmas if vma.start >= vma.end]
    for left, right in pairwise(vmas):
        if left.end > right.start:
            broken.append(f"VMAs {left} and {right} overlap")
    return broken


def _at_rest(mm: Mm) -> list[str]:
    """With no lock held: no table without a VMA in its span, and no page mapped outside a VMA."""
    mem, geometry, broken = mm.machine.mem, mm.machine.geometry, []
    for table in _own(mm).tolist():
        level = Level(int(mem.level[table]))
        base, span = base_address(mm, table), geometry.span(level)
        inside = overlapping(mm.vmas, base, base + span)
        if table != mm.pgd and not inside:
            broken.append(f"{level.name} page {table} at {base:#x} has no VMA in its span")
        if level is Level.PTE:
            stray = mem.entries[table, slice(None)] != 0
            for vma in inside:
                first, last = max(vma.start - base, 0), min(vma.end - base, span)
                stray[first >> PAGE_SHIFT : last >> PAGE_SHIFT] = False
            for column in np.flatnonzero(stray)[:1]:
                address = base + (int(column) << PAGE_SHIFT)
                broken.append(f"PTE page {table} maps {address:#x}, where no VMA is")
    return broken
