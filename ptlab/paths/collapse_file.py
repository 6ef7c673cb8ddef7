"""MADV_COLLAPSE of a file: its page cache gets one huge page, and tables that map small ones go.

Kernel source: mm/khugepaged.c, hpage_collapse_scan_file(), collapse_file(), retract_page_tables(),
collapse_pte_mapped_thp() (Linux 6.1, 6.12 and 6.18). Tables are taken under i_mmap_rwsem alone, until
6.5 under mmap_lock for write too, and handed to RCU. The huge page is mapped without a deposit.
Simplified: a huge page is always available; no page is locked or pinned; where a table is retracted,
its entries go with it, not before.
"""

from __future__ import annotations

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.paths.scan_result import Scan
from ptlab.paths.split_folio import try_to_unmap
from ptlab.paths.table_alloc import upper_tables
from ptlab.paths.thp import do_set_pmd
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma, find_vma_intersection

ALL = slice(0, 512)


def hpage_collapse_scan_file(mm: Mm, vma: Vma, base: int) -> Path[Scan]:
    """hpage_collapse_scan_file(): collapse the file's 2 MiB unless they are huge, then map them.

    mmap_lock, held for read, is dropped meanwhile. Until 6.5 it is had for write to take a table.
    """
    machine, file, page = mm.machine, vma.file, vma.page(base)
    assert file is not None
    was_empty = _table(mm, base) == 0
    was_huge = file.is_huge(page)
    if not was_huge and not file.cache[page : page + 512].any():
        return Scan.TRUNCATED
    yield machine.unlock("mmap_read_unlock", "mmap_lock")
    if not was_huge:
        yield from collapse_file(mm, vma, base)
    mode = _mode(mm)
    yield from machine.lock(f"mmap_{mode}_lock", "mmap_lock", mm.id, mode)
    result = yield from _map_collapsed(mm, vma, base, was_huge, was_empty)
    if mode == "write":
        yield machine.unlock("mmap_write_unlock", "mmap_lock")
        yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    return result


@not_in_kernel
def _map_collapsed(mm: Mm, vma: Vma, base: int, was_huge: bool, was_empty: bool) -> Path[Scan]:
    """What comes after collapse_file(), once mmap_lock is held again."""
    if vma not in mm.vmas:  # hugepage_vma_revalidate(): another task has changed it
        return Scan.VMA_CHECK
    if not was_huge and not mm.machine.profile.collapse_in_place:
        if vma.anon_vma is not None:
            return Scan.VMA_CHECK
        if was_empty:  # retract_page_tables() maps it, if at all
            return Scan.PMD_NONE if mm.lookup(base, Level.PMD) else Scan.PMD_NULL
    return (yield from collapse_pte_mapped_thp(mm, vma, base))


def _mode(mm: Mm) -> str:
    """How a collapse holds i_mmap_rwsem, and mmap_lock to take a table: for read since 6.6."""
    return "read" if mm.machine.profile.vma_lock_fault else "write"


def _table(mm: Mm, address: int) -> int:
    """The PTE page at the address, 0 where there is none, or a huge page."""
    pmd, slot = mm.lookup(address, Level.PMD), address >> PMD_SHIFT & 511
    return int(mm.machine.mem.at(pmd, slot)) if pmd and not mm.is_huge(pmd, slot) else 0


def collapse_pte_mapped_thp(mm: Mm, vma: Vma, base: int) -> Path[Scan]:
    """Map the huge page of the file at `base`, if nothing else is mapped there."""
    machine, page = mm.machine, vma.page(base)
    assert vma.file is not None
    if vma.anon_vma is not None and not machine.profile.collapse_in_place:
        return Scan.VMA_CHECK
    if not mm.lookup(base, Level.PMD) and not machine.profile.collapse_builds:
        return Scan.PMD_NULL
    if table := _table(mm, base):
        words = machine.mem.entries[table, ALL]
        if ((words != 0) & ~pte.is_present(words)).any():
            return Scan.PTE_NON_PRESENT
        if (pte.is_present(words) & ~pte.is_file(words)).any():
            return Scan.FAIL
        if not (yield from _retract_own(mm, vma.file, base)) and _table(mm, base):
            return Scan.FAIL
    walk = yield from machine.scheme.walk_begins(mm, base, base + PMD_SIZE)
    pmd = mm.lookup(base, Level.PMD) or (yield from upper_tables(mm, base, walk))
    writable = vma.shared and bool(vma.flags & VM.WRITE)
    yield from do_set_pmd(mm, pmd, base >> PMD_SHIFT & 511, vma.file, page, writable)
    yield from machine.scheme.walk_ends(mm, walk)
    return Scan.SUCCEED


@not_in_kernel
def _retract_own(mm: Mm, file: File, base: int) -> Path[bool]:
    """Until 6.5 who comes by the file is locked out first (8d3c106e19e8, 6.1)."""
    locked = _mode(mm) == "write"
    if locked:
        yield from mm.machine.lock("i_mmap_lock_write", "i_mmap_rwsem", file.number, "write")
    gone = yield from retract_page_table(mm, base, own=True)
    if locked:
        yield mm.machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")
    return gone


def collapse_file(mm: Mm, vma: Vma, base: int) -> Path[None]:
    """The page cache gets one huge page; each table that maps small ones goes, or just its entries."""
    machine, file = mm.machine, vma.file
    assert file is not None
    page = vma.page(base)
    file.bring_huge(page)
    mode = _mode(mm)
    yield from machine.lock(f"i_mmap_lock_{mode}", "i_mmap_rwsem", file.number, mode)
    for other in machine.mms:
        for area in other.vmas:
            if area.file is not file:
                continue
            at = area.start + ((page - area.pgoff) << PAGE_SHIFT)
            inside = area.start <= at and at + PMD_SIZE <= area.end
            alike = at % PMD_SIZE == 0 and inside and file_backed_vma_is_retractable(area)
            gone = False
            if alike and (mode == "read" or (yield from _try_alone(other))):
                gone = yield from retract_page_table(other, at, own=False)
                if mode == "write":
                    yield machine.unlock("mmap_write_unlock", "mmap_lock")
            if (
                not gone
            ):  # the table also maps pages that are not the file's: only the small pages go
                yield from try_to_unmap(other, max(at, area.start), min(at + PMD_SIZE, area.end))
    yield machine.unlock(f"i_mmap_unlock_{mode}", "i_mmap_rwsem")


@not_in_kernel
def _try_alone(mm: Mm) -> Path[bool]:
    """mmap_write_trylock() in retract_page_tables(), until 6.5: it holds i_mmap_rwsem already."""
    return mm.machine.lock("mmap_write_trylock", "mmap_lock", mm.id, "trylock")


@not_in_kernel
def retract_page_table(mm: Mm, address: int, own: bool) -> Path[bool]:
    """The entries and their table go; a fault maps the huge page instead. False: they stay.

    retract_page_tables() takes the table of a VMA that can have nothing else in it. In its own VMA,
    collapse_pte_mapped_thp() takes any table that has nothing else in it.
    """
    machine, mem, scheme = mm.machine, mm.machine.mem, mm.machine.scheme
    if not _table(mm, address):
        return False
    walk = yield from scheme.walk_begins(mm, address, address + PMD_SIZE)
    pmd, slot = mm.lookup(address, Level.PMD), address >> PMD_SHIFT & 511
    if not pmd:  # another task has freed it meanwhile
        yield from scheme.walk_ends(mm, walk)
        return False
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    table = int(mem.at(pmd, slot))
    gone = None
    if table and not mm.is_huge(pmd, slot):  # what is there now: it may be another table
        locked = not machine.others.lacks(Precaution.RETRACT_LOCKED)
        if locked:
            yield from machine.lock("spin_lock_nested", "ptl", table, "spin")
        if _may_go(mm, address, table, own):
            words = mem.entries[table, ALL].copy()
            mm.count_pages(pte.census(words), -1)
            mem.write(table, ALL, 0)
            machine.scheme.table_emptied(mm, table)
            gone = table
            fn = "collapse_pte_mapped_thp" if own else "retract_page_tables"
            yield mm.unhook_pte(table, fn, collapsed=True)
            walks = not machine.others.lacks(Precaution.WALK_CACHES)
            yield from machine.flush("pmdp_collapse_flush", table, 0, walks=walks)
        if locked:
            yield machine.unlock("spin_unlock", "ptl")
    yield machine.unlock("spin_unlock", "pmd_lock")
    if gone is not None:
        yield machine.call_rcu(gone)
    yield from scheme.walk_ends(mm, walk)
    return gone is not None


def _may_go(mm: Mm, address: int, table: int, own: bool) -> bool:
    """Look again under the PTE lock: another task may have put something into the table."""
    if not mm.machine.scheme.may_be_taken(mm, table):
        return False
    if own:
        words = mm.machine.mem.entries[table, ALL]
        return bool((pte.is_file(words) | (words == 0)).all())
    vma = find_vma_intersection(mm.vmas, address, address + PMD_SIZE)
    if mm.machine.others.lacks(Precaution.ANON_VMA):  # until 023f47a8250c (6.2)
        return True
    return vma is None or file_backed_vma_is_retractable(vma)


def file_backed_vma_is_retractable(vma: Vma) -> bool:
    """Whether a table of the VMA maps nothing but what the page cache knows."""
    return vma.anon_vma is None and not vma.flags & VM.MAYBE_GUARD
