"""Building tables on the way down, and the anon_vma that a VMA needs before its first anonymous page.

Kernel source: mm/memory.c, __pud_alloc(), __pmd_alloc(), __pte_alloc(), pmd_install(); mm/rmap.c,
__anon_vma_prepare() (Linux 6.12). A table is allocated outside the lock and installed under it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import Lock, VmaAnon
from ptlab.base.geometry import Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables, every, first_of, table_count
from ptlab.state.machine import Machine
from ptlab.state.mm import COUNTED, Count, Mm
from ptlab.state.vma import Vma, reusable_anon_vma

_PTE = Level.PTE  # looked up once: Python 3.11 finds members slowly


@not_in_kernel
def upper_tables(
    mm: Mm, address: int, walk: Any, lowest: Level = Level.PMD, times: int = 1
) -> Path[int]:
    """The table at level `lowest` for `address`; missing tables on the way down are built.

    `walk` is what the scheme's walk_begins() gave.
    """
    geometry, table, others = mm.machine.geometry, mm.pgd, mm.machine.others
    for upper, lower in zip(geometry.path, geometry.path[1:], strict=False):
        if upper is lowest:
            break
        index = geometry.index(address, upper)
        child = int(mm.machine.mem.at(table, index))
        if (
            child
            and others.several
            and (yield from mm.machine.scheme.upper_met(mm, child, walk, times))
        ):
            child = 0
        if not child:
            child = yield from _alloc_upper(mm, table, index, lower, walk, times)
        table = child
    return table


_ALLOCATORS = {
    Level.P4D: ("__p4d_alloc", "p4d_alloc_one"),
    Level.PUD: ("__pud_alloc", "pud_alloc_one"),
    Level.PMD: ("__pmd_alloc", "pmd_alloc_one"),
}


def _alloc_upper(mm: Mm, parent: int, index: int, level: Level, walk: Any, times: int) -> Path[int]:
    """__p4d_alloc(), __pud_alloc(), __pmd_alloc(): a zeroed page, entered under page_table_lock."""
    machine, (fn, alloc_one) = mm.machine, _ALLOCATORS[level]
    table = int(machine.mem.alloc(mm.id, level))
    yield Step(Kind.ALLOC, alloc_one, table)
    yield from machine.lock(fn, "page_table_lock", mm.id, "spin")
    while there := int(machine.mem.at(parent, index)):
        busy = yield from machine.scheme.upper_met(mm, there, walk, times)
        yield machine.unlock(fn, "page_table_lock")
        if not busy:
            yield pte_free(machine, table)
            return there
        yield from machine.lock(fn, "page_table_lock", mm.id, "spin")
    machine.others.smp_wmb()
    machine.mem.hook(table, parent, index)
    counted = COUNTED.get(level)  # a P4D page is not
    if counted is not None:
        mm.count(counted, 1)
    yield Step(Kind.INSTALL, fn, table)
    if counted is not None:
        yield from machine.scheme.upper_installed(mm, table, walk, times)
    yield machine.unlock(fn, "page_table_lock")
    return table


def pte_alloc(mm: Mm, pmd: int, slots: Slots) -> Path[Tables]:
    """pte_alloc(), __pte_alloc(): PTE pages for the empty `slots` of PMD page `pmd`."""
    machine = mm.machine
    tables = machine.mem.alloc(mm.id, _PTE, table_count(slots))
    yield Step(Kind.ALLOC, "pte_alloc_one", tables)
    installed = yield from pmd_install(mm, pmd, slots, tables)
    if installed is not tables:
        yield pte_free(machine, tables)
    return installed


def pmd_install(mm: Mm, pmd: int, slots: Slots, tables: Tables) -> Path[Tables]:
    """Enter PTE pages into the PMD page, under its lock, and count them (mm_inc_nr_ptes).

    Where another task was faster, return its table, with this walker as a visitor; 0 if it has put a
    huge page there.
    """
    machine, n = mm.machine, table_count(tables)
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
    while machine.others.several and not machine.others.lacks(Precaution.PMD_NONE):
        there = machine.mem.at(pmd, slots)
        if not every(there):
            break
        if _is_huge(mm, pmd, slots):  # a collapse was faster
            yield machine.unlock("spin_unlock", "pmd_lock", n)
            return 0
        if not (yield from machine.scheme.visitor_arrives(mm, pmd, slots)):
            yield machine.unlock("spin_unlock", "pmd_lock", n)
            return there
        if not machine.others.lacks(Precaution.DROP_LOCK):  # unhooking the dying table needs it
            yield machine.unlock("spin_unlock", "pmd_lock", n)
            yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
    yield from machine.scheme.table_installed(mm, pmd, tables)
    if not machine.others.lacks(Precaution.PMD_WMB):
        machine.others.smp_wmb()
    machine.mem.hook(tables, pmd, slots)
    mm.count(Count.PTE, n)
    yield Step(Kind.INSTALL, "pmd_populate", tables)
    yield machine.unlock("spin_unlock", "pmd_lock", n)
    return tables


def _is_huge(mm: Mm, pmd: int, slots: Slots) -> bool:
    """pmd_trans_unstable(), until 6.5; then pte_offset_map() itself looks."""
    return mm.is_huge(pmd, slots) and not mm.machine.others.lacks(Precaution.HUGE_PMD)


def pte_free(machine: Machine, table: Tables) -> Step:
    """Give back a page that turned out not to be needed."""
    return machine.free("pte_free", table)


@not_in_kernel
def visit(mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[Tables]:
    """Arrive at the PTE pages below `slots`, building the missing ones: the caller owes a leave.

    `slots` are all empty or all hold tables. 0, and nothing is owed: another task has put a huge page
    there.
    """
    while mm.machine.mem.at(pmd, first_of(slots)):
        if _is_huge(mm, pmd, slots):
            return 0
        if not (yield from mm.machine.scheme.visitor_arrives(mm, pmd, slots, times)):
            tables = mm.machine.mem.at(pmd, slots)
            if every(tables):
                return tables
        # The table was dying, or is gone by now: look again.
    else:
        tables = yield from pte_alloc(mm, pmd, slots)
        later = times - table_count(tables)
        if later > 0 and first_of(tables):
            yield from mm.machine.scheme.visitors_follow(mm, tables, later)
        return tables


def vmf_anon_prepare(mm: Mm, vma: Vma) -> Path[bool]:
    """A page fault needs the anon_vma: __vmf_anon_prepare(), mm/memory.c (6.10).

    To look at the neighbours, a fault that has only its VMA's lock takes mmap_lock for read too, if it
    can at once. False: it cannot, and the VMA's lock is dropped; the fault begins again under mmap_lock
    (VM_FAULT_RETRY). Linux 6.4 to 6.9, of which ptlab has no profile, began again each time.
    """
    if vma.anon_vma is not None:
        return True
    machine = mm.machine
    if Lock("vma_lock", vma.start, "read") not in machine.held[machine.task]:
        yield anon_vma_prepare(mm, vma)
        return True
    lock = machine.lock("mmap_read_trylock", "mmap_lock", mm.id, "read", tries=True)
    if not (yield from lock):
        yield machine.unlock("vma_end_read", "vma_lock")
        return False
    yield anon_vma_prepare(mm, vma)
    yield machine.unlock("mmap_read_unlock", "mmap_lock")
    return True


def anon_vma_prepare(mm: Mm, vma: Vma) -> Step:
    """Before the VMA's first anonymous page: it gets an anon_vma, a neighbour's if they may merge."""
    anon = reusable_anon_vma(mm.vmas, vma) or mm.machine.new_anon_vma()
    vma = mm.find_vma(vma.start)
    if vma.anon_vma is None:  # no other fault was faster
        vma = replace(vma, anon_vma=anon, chain=1)
        mm.replace_vma(vma)
    return Step(Kind.VMA, "__anon_vma_prepare", None, 1, 1, VmaAnon(vma.span, vma.anon_vma or anon))
