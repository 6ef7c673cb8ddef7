"""What a walk does when other tasks are at work too: look again at what it has seen before.

Kernel source: include/linux/mm.h and mm/pgtable-generic.c, pte_offset_map_lock() and its kin;
include/linux/mm.h, vma_start_write() (Linux 6.12). With one task nothing ever changes in between.
"""

from __future__ import annotations

from typing import Any

from ptlab.base.facts import Lock
from ptlab.base.steps import Path, Tables
from ptlab.paths.walk import pte_offset_map_lock
from ptlab.state.machine import Machine
from ptlab.state.memmap import Slots, present
from ptlab.state.mm import Mm
from ptlab.state.vma import Vma


def arrive(mm: Mm, pmd: int, slots: Slots) -> Path[Tables | None]:
    """Arrive as a visitor at the PTE pages below `slots`, where there were some just now.

    One that is dying is looked at again until it is gone. None, and no visit: nothing is there any
    more, or a huge page.
    """
    first = slots if isinstance(slots, int) else int(slots[0])
    while mm.machine.mem.at(pmd, first) and not mm.is_huge(pmd, first):
        if not (yield from mm.machine.scheme.visitor_arrives(mm, pmd, slots)):
            tables = mm.machine.mem.at(pmd, slots)
            if present(tables):
                return tables
    return None


def still_hooked(machine: Machine, tables: Tables) -> bool:
    """pte_offset_map_nolock(): whether the PMD entry still points to the table."""
    return machine.others.still_hooked(tables)


def pte_changed(machine: Machine, tables: Tables, columns: slice, was: Any) -> bool:
    """vmf_pte_changed(), under the PTE lock: whether another task has changed the entries."""
    return not machine.others.unchanged(tables, columns, was)


def lock_unchanged(
    machine: Machine, tables: Tables, columns: slice, was: Any, times: int = 1
) -> Path[bool]:
    """Take the PTE lock for entries that were `was` when the fault looked.

    False, and no lock is held: the table or the entries are no longer what they were.
    """
    if not (yield from pte_offset_map_lock(machine, tables, times)):
        return False
    if pte_changed(machine, tables, columns, was):
        yield machine.unlock("pte_unmap_unlock", "ptl", times)
        return False
    return True


def vma_start_write(mm: Mm, vma: Vma) -> Path[None]:
    """Wait until nobody holds the lock of this VMA alone (Linux 6.4); mmap_lock is held for write."""
    machine = mm.machine
    if not machine.others.several or not machine.profile.vma_lock_fault:
        return
    if Lock("vma_lock", vma.start, "write") not in machine.held[machine.task]:
        yield from machine.lock("vma_start_write", "vma_lock", vma.start, "write")


def vma_end_write_all(mm: Mm) -> Path[None]:
    """What dropping or downgrading mmap_lock does first: VMAs are free to be locked again."""
    while any(lock.name == "vma_lock" for lock in mm.machine.held[mm.machine.task]):
        yield mm.machine.unlock("vma_end_write_all", "vma_lock")
