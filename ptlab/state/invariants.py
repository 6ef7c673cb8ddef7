"""The invariants of the simulated state, true after every step. `check(mm)` names what is broken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ptlab.base.facts import Lock
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.pte import PSE, is_file, is_present, pfn
from ptlab.state.broken_state import BrokenState, BrokenStates, Rule
from ptlab.state.huge_entry import huge_entry
from ptlab.state.hugetlb import Hstate
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import COUNTED, Count, Mm, base_address
from ptlab.state.shared_tables import places
from ptlab.state.vma import overlapping


def check(mm: Mm) -> None:
    """Raise BrokenStates unless every invariant of `mm` holds. O(tables + entries stored)."""
    broken = [*_tree(mm), *_counters(mm), *_vmas(mm), *of_design(mm)]
    if not any(mm.machine.held):
        broken += _at_rest(mm)
        if any(pool.nr_huge_pages for pool in mm.machine.hugetlb.hstates.values()):
            broken += _hugetlb(mm)
        if mm.machine.files:
            broken += _files(mm)
    if broken:
        raise BrokenStates(broken)


def of_design(mm: Mm) -> list[BrokenState]:
    """What the design's own check() says is wrong."""
    return [BrokenState(Rule.OF_DESIGN, (words,)) for words in mm.machine.scheme.check(mm)]


def leaked(mem: MemMap) -> list[BrokenState]:
    """Tables that are in no tree and were never freed: none, when no operation is under way."""
    lost = np.flatnonzero(_IS_AWAY[mem.state[: len(mem)]]).tolist()
    return [
        BrokenState(Rule.TABLE_FREED, (Level(int(mem.level[table])).name, table)) for table in lost
    ]


_IS_AWAY = np.isin(np.arange(len(State), dtype=np.int8), (State.NEW, State.UNHOOKED, State.RCU))
_LIVE = int(State.LIVE)
_LEVELS = (Level.PTE, Level.PMD, Level.PUD, Level.P4D)  # to name a member of an IntEnum is slow


def _own(mm: Mm) -> NDArray[np.int64]:
    """The tables in the tree of `mm`."""
    live = mm.machine.mem.live()
    own: NDArray[np.int64] = live[mm.machine.mem.mm[live] == mm.id]
    return own


def _tree(mm: Mm) -> list[BrokenState]:
    """Parent and slot of a table agree with the parent's entry, and the other way round."""
    mem = mm.machine.mem
    broken: list[BrokenState] = []
    tables = _own(mm)
    for table in tables[tables != mm.pgd].tolist():
        parent, slot = mem.parent.item(table), mem.slot.item(table)
        if mem.state.item(parent) != _LIVE:
            broken.append(BrokenState(Rule.PARENT_LIVES, (table, parent)))
        if mem.at(parent, slot) != table:
            broken.append(BrokenState(Rule.PARENT_AGREES, (table, parent, slot)))
    for table in tables[mem.level[tables] > Level.PTE].tolist():
        words = mem.entries[table, slice(None)]
        slots = np.flatnonzero((words != 0) & (words & np.uint64(PSE) == 0))
        children = np.asarray(mem.at(table, slots))
        odd = children[(mem.state[children] != _LIVE) | (mem.parent[children] != table)]
        for child in odd.tolist():
            hangs = table in (place.table for place in places(mem, child))
            if mem.state[child] != State.LIVE or not hangs:
                broken.append(BrokenState(Rule.CHILD_AGREES, (table, child)))
    for table in tables.tolist():
        stored = np.count_nonzero(mem.entries[table, slice(None)])
        if stored != mem.nonnone.item(table):
            broken.append(
                BrokenState(Rule.ENTRIES_COUNTED, (table, int(stored), int(mem.nonnone[table])))
            )
        if not stored and mem.entries.slab.item(table):
            broken.append(BrokenState(Rule.EMPTY_STORES_NONE, (table,)))
    return broken


def _counters(mm: Mm) -> list[BrokenState]:
    """VmPTE = live tables; the page counters = the entries there are."""
    mem = mm.machine.mem
    broken: list[BrokenState] = []
    tables = _own(mm)
    for level in _LEVELS:
        there = int(np.count_nonzero(mem.level[tables] == level))
        if level is Level.PTE:
            there += _in_reserve(mm) + mm.counters[Count.PTE_LEAVING]
        if level is Level.PMD:
            there += sum(mem.mm[p.table] == mm.id for more in mem.shared.values() for p in more)
        counted = mm.counters[COUNTED[level]] if level is not Level.P4D else there
        if there != counted:
            broken.append(BrokenState(Rule.TABLES_COUNTED, (level.name, there, int(counted))))
    ptes = tables[mem.level[tables] == Level.PTE]
    c = mm.counters
    pages = int(np.sum(mem.nonnone[ptes])) + _set_aside(mm)
    pages += 512 * (c[Count.HUGE] - c[Count.HUGE_ZERO])
    counted = c[Count.ANON] + c[Count.ZERO] + c[Count.FILE] + c[Count.SWAP]
    if pages != counted:
        broken.append(BrokenState(Rule.PAGES_COUNTED, (int(pages), int(counted))))
    return broken


def _hugetlb(mm: Mm) -> list[BrokenState]:
    """HugetlbPages = the entries there are; what a pool counts as used = the pages in use."""
    broken, machine = list[BrokenState](), mm.machine
    used: dict[Hstate, set[int]] = {pool: set() for pool in machine.hugetlb.hstates.values()}
    for file in machine.files:
        if file.hstate:
            there = file.cached(0, len(file.cache))
            used[file.hstate] |= set(file.cache[there[there % file.hstate.pages == 0]].tolist())
    for one in machine.mms:
        mapped = 0
        for vma in one.vmas:
            for address in range(vma.start, vma.end, vma.hstate.size) if vma.hugetlb else ():
                table, slot = huge_entry(one, address)
                word = machine.mem.entries.word(table, slot) if table else 0
                if word:
                    used[vma.hstate].add(int(pfn(word)))
                    mapped += vma.hstate.pages
        if one is mm and mapped != mm.counters[Count.HUGETLB_SEEN]:
            case = mapped, mm.counters[Count.HUGETLB_SEEN]
            broken.append(BrokenState(Rule.HUGETLB_COUNTED, case))
    for pool, pages in used.items():
        counted = pool.nr_huge_pages - pool.free_huge_pages
        if len(pages) != counted:
            broken.append(BrokenState(Rule.POOL_COUNTED, (len(pages), pool, counted)))
    return broken


def _set_aside(mm: Mm) -> int:
    """Entries of a table that collapse_huge_page() has taken out of the tree, and goes on to read.

    While it holds mmap_lock for write, no other task finds them; without the lock they would be lost.
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


def _vmas(mm: Mm) -> list[BrokenState]:
    """VMAs are sorted, not empty, and do not overlap."""
    vmas = mm.vmas
    broken = [BrokenState(Rule.VMA_NOT_EMPTY, (vma,)) for vma in vmas if vma.start >= vma.end]
    for left, right in pairwise(vmas):
        if left.end > right.start:
            broken.append(BrokenState(Rule.VMAS_APART, (left, right)))
    return broken


def _files(mm: Mm) -> list[BrokenState]:
    """With no lock held: a page of a file is mapped only while the page cache has it."""
    mem, broken = mm.machine.mem, list[BrokenState]()
    files = mm.machine.files
    cached = np.concatenate([file.frames(file.cached(0, file.pages)) for file in files])
    for table in _own(mm).tolist():
        level = Level(int(mem.level[table]))
        if level > Level.PMD:
            continue
        words = mem.entries[table, slice(None)]
        maps = words & np.uint64(PSE) != 0 if level is Level.PMD else is_present(words)
        lost = maps & is_file(words) & ~np.isin(pfn(words), cached)
        for column in np.flatnonzero(lost)[:1].tolist():
            address = base_address(mm, table) + (column << mm.machine.geometry.shift(level))
            case = level.name, table, int(pfn(words[column])), address
            broken.append(BrokenState(Rule.PAGE_CACHED, case))
    return broken


def _at_rest(mm: Mm) -> list[BrokenState]:
    """With no lock held: no table without a VMA in its span, and no page mapped outside a VMA."""
    mem, geometry = mm.machine.mem, mm.machine.geometry
    broken: list[BrokenState] = []
    for table in _own(mm).tolist():
        level = Level(int(mem.level[table]))
        base, span = base_address(mm, table), geometry.span(level)
        inside = overlapping(mm.vmas, base, base + span)
        if table != mm.pgd and not inside:
            broken.append(BrokenState(Rule.TABLE_HAS_VMA, (level.name, table, base)))
        if level is Level.PTE:
            stray = mem.entries[table, slice(None)] != 0
            for vma in inside:
                first, last = max(vma.start - base, 0), min(vma.end - base, span)
                stray[first >> PAGE_SHIFT : last >> PAGE_SHIFT] = False
            for column in np.flatnonzero(stray)[:1]:
                address = base + (int(column) << PAGE_SHIFT)
                broken.append(BrokenState(Rule.ENTRY_HAS_VMA, (table, address)))
    return broken
