"""What a walk does when other tasks run too: it looks again at what it has seen before.

Kernel source: include/linux/mm.h and mm/pgtable-generic.c, pte_offset_map_lock() and its kin;
include/linux/mm.h, vma_start_write() (Linux 6.12). With one task nothing ever changes in between.
"""

from __future__ import annotations

from typing import Any

from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import Lock
from ptlab.base.footprint import Access
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Columns, Slots, Tables, every, first_of, table_count
from ptlab.paths.walk import Found, pte_offset_map_lock
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File
from ptlab.state.vma import Vma


@not_in_kernel
def arrive(mm: Mm, pmd: int, slots: Slots) -> Path[Tables | None]:
    """Arrive as a visitor at the PTE pages below `slots`, where there were some just now.

    One that is dying is looked at again until it is gone. None, and no visit: nothing is there any
    more, or a huge page.
    """
    slot = first_of(slots)
    while mm.machine.mem.at(pmd, slot) and not mm.is_huge(pmd, slot):
        if not (yield from mm.machine.scheme.visitor_arrives(mm, pmd, slots)):
            tables = mm.machine.mem.at(pmd, slots)
            if every(tables):
                return tables
    return None


@not_in_kernel
def arrive_locked(mm: Mm, pmd: int, slots: Slots) -> Path[Tables | None]:
    """Arrive as a visitor and take the PTE lock.

    None, and neither was done: nothing is there now, or a huge page.
    """
    machine = mm.machine
    if mm.is_huge(pmd, slots):
        return None
    if (yield from machine.scheme.visitor_arrives(mm, pmd, slots)):
        return None
    tables = machine.mem.at(pmd, slots)
    if not every(tables):
        return None  # another task has freed it since the walk saw it
    if (yield from pte_offset_map_lock(machine, Found(pmd, slots, tables), table_count(tables))):
        yield from machine.scheme.visitor_leaves(mm, tables)
        return None
    return tables


def lock_unless_changed(
    machine: Machine, found: Found, columns: Columns, was: Any, times: int = 1
) -> Path[bool | None]:
    """Take the PTE lock for entries that were `was` when the fault looked.

    True, and no lock is held: the table or the entries are no longer what they were.
    """
    if machine.others.several:
        return _lock_if_unchanged(machine, found, columns, was, times)
    return pte_offset_map_lock(machine, found, times)


def _lock_if_unchanged(
    machine: Machine, found: Found, columns: Columns, was: Any, times: int
) -> Path[bool]:
    if (yield from pte_offset_map_lock(machine, found, times)):
        return True
    if machine.others.unchanged(found.tables, columns, was):
        return False
    yield machine.unlock("pte_unmap_unlock", "ptl", times)
    return True


@not_in_kernel
def folio_lock(file: File) -> Path[None]:
    """Nobody takes a page of the file out of the page cache meanwhile (PG_locked).

    Simplified: one lock for all folios of a file; with one task it is left out.
    """
    machine = file.machine
    if machine.others.several and not machine.others.lacks(Precaution.FOLIO_LOCK):
        yield from machine.lock("folio_lock", "folio_lock", file.number, "write")


@not_in_kernel
def folio_trylock(file: File) -> Path[bool]:
    """folio_lock() in a page fault, which is inside a walk: False if another task has it.

    Who has it may come by i_mmap_rwsem to what the walk holds. So the fault lets go of the table and
    waits outside (folio_wait_locked()), as __folio_lock_or_retry() lets go of mmap_lock.
    """
    machine = file.machine
    if not machine.others.several or machine.others.lacks(Precaution.FOLIO_LOCK):
        return True
    return (yield from machine.lock("folio_trylock", "folio_lock", file.number, "trylock"))


@not_in_kernel
def folio_wait_locked(file: File) -> Path[None]:
    """Wait until nobody has the folio's lock; it is not taken."""
    lock = Lock("folio_lock", file.number, "read")
    yield Step(Kind.WAIT, "folio_wait_locked", None, 0, 1, lock)
    file.machine.others.lock(lock, Access.READ)


@not_in_kernel
def folio_unlock(file: File) -> Path[None]:
    """The other end of folio_lock() and folio_trylock()."""
    machine = file.machine
    if any(lock.name == "folio_lock" for lock in machine.held[machine.task]):
        yield machine.unlock("folio_unlock", "folio_lock")


def still_has(file: File, page: int, frame: int) -> bool:
    """Under the folio's lock: whether the page that was found is still that of the file.

    A truncate or a collapse may have been faster (folio->mapping, i_size).
    """
    others = file.machine.others
    if not others.several or others.lacks(Precaution.FOLIO_LOCK):
        return True
    return page < file.pages and file.frame(page) == frame


def vma_start_write(mm: Mm, vma: Vma) -> Path[None]:
    """Wait until nobody holds the lock of this VMA alone (Linux 6.4); mmap_lock is held for write."""
    machine = mm.machine
    if not machine.others.several or not machine.profile.vma_lock_fault:
        return
    if Lock("vma_lock", vma.start, "write") not in machine.held[machine.task]:
        yield from machine.lock("vma_start_write", "vma_lock", vma.start, "write")


def vma_end_write_all(mm: Mm) -> Path[None]:
    """What dropping or downgrading mmap_lock does first: VMAs can be locked again."""
    while any(lock.name == "vma_lock" for lock in mm.machine.held[mm.machine.task]):
        yield mm.machine.unlock("vma_end_write_all", "vma_lock")
