"""MADV_COLLAPSE: 512 small pages become one huge page.

Kernel source: mm/khugepaged.c, madvise_collapse(), collapse_huge_page(), collapse_file(),
retract_page_tables() (Linux 6.12). For anonymous memory the PTE page becomes the deposit, under
mmap_lock for write; for shared memory it is retracted, under i_mmap_rwsem alone, handed to RCU, and
the huge page is mapped without a deposit. Simplified: a huge page is always available; pages shared
after fork are collapsed too if they are writable; no page is locked; where a file's table is
retracted, its entries go with it, not before.
"""

from __future__ import annotations

import errno

import numpy as np

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.facts import EntriesCleared, EntriesSet, Maps
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.recheck import vma_end_write_all, vma_start_write
from ptlab.paths.table_alloc import upper_tables
from ptlab.paths.thp import count_huge, do_set_pmd, pgtable_trans_huge_deposit
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.vma import VM, Vma, find_vma_intersection

ALL = slice(0, 512)


def madvise_collapse(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """Collapse every whole 2 MiB of the range. EINVAL where that is not possible."""
    if vma.flags & VM.NOHUGEPAGE or (vma.file is not None and vma.file.kind == "disk"):
        raise KernelError(
            errno.EINVAL, f"madvise(COLLAPSE): {vma} may not have huge pages; nothing done"
        )
    if not _holds_huge(vma) or -(-start // PMD_SIZE) > end // PMD_SIZE:
        raise KernelError(
            errno.EINVAL,
            f"madvise(COLLAPSE): [{start:#x}, {end:#x}) of {vma} has no room for a huge page; "
            "nothing done",
        )
    failed = None
    for base in range(-(-start // PMD_SIZE) * PMD_SIZE, end & -PMD_SIZE, PMD_SIZE):
        pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
        if pmd and mm.is_huge(pmd, slot):
            continue
        table = int(mm.machine.mem.at(pmd, slot)) if pmd else 0
        if vma.file is not None:
            done = _may_collapse_file(vma, base)
            if done:
                yield from collapse_file(mm, vma, base)
        else:
            done = bool(table) and _may_collapse(mm, table)
            done = done and (yield from collapse_huge_page(mm, vma, base, table))
        if not done and failed is None:
            failed = base
    if failed is not None:
        raise KernelError(
            errno.EINVAL,
            f"madvise(COLLAPSE): the pages at {failed:#x} cannot become one huge page; "
            "the other parts were collapsed",
        )


def _holds_huge(vma: Vma) -> bool:
    """thp_vma_suitable_order() of the last 2 MiB: the whole VMA has room for one huge page."""
    alike = vma.file is None or ((vma.start >> PAGE_SHIFT) - vma.pgoff) % 512 == 0
    return alike and (vma.end - PMD_SIZE) & -PMD_SIZE >= vma.start


def _may_collapse(mm: Mm, table: int) -> bool:
    """hpage_collapse_scan_pmd(): a writable page is there, and no entry that maps no page."""
    words = mm.machine.mem.entries[table, ALL]
    odd = (words != 0) & ~pte.is_present(words)
    return bool(np.any(words & np.uint64(pte.RW))) and not odd.any()


def _may_collapse_file(vma: Vma, base: int) -> bool:
    """The file has the whole 2 MiB, some of it cached; a private VMA has no pages of its own."""
    assert vma.file is not None
    page = vma.page(base)
    whole = page % 512 == 0 and page + 512 <= vma.file.pages
    return whole and vma.anon_vma is None and bool(vma.file.cache[page : page + 512].any())


def collapse_huge_page(mm: Mm, vma: Vma, base: int, table: int) -> Path[bool]:
    """With all other tasks locked out, copy the pages into a huge one. The emptied table is the reserve.

    False: another task changed what is there before this one got mmap_lock for write. A zap under its
    VMA's lock alone can do so even then; that the check must come after vma_start_write() was seen
    in August 2025 only: Barry Song, <20250805035447.7958-1-21cnbao@gmail.com>.
    """
    machine = mm.machine
    yield machine.unlock("mmap_read_unlock", "mmap_lock")
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    vma_first = not machine.others.lacks(Precaution.VMA_FIRST)
    if vma_first:
        yield from vma_start_write(mm, vma)
    valid = not machine.others.several or _still_valid(mm, vma, base, table)
    if not vma_first:  # the order until August 2025
        yield from vma_start_write(mm, vma)
    if valid:
        yield from _collapse(mm, vma, base, table)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    return valid


def _still_valid(mm: Mm, vma: Vma, base: int, table: int) -> bool:
    """hugepage_vma_revalidate(), check_pmd_still_valid(), __collapse_huge_page_isolate()."""
    pmd = mm.lookup(base, Level.PMD)
    there = vma in mm.vmas and pmd and mm.machine.mem.at(pmd, base >> PMD_SHIFT & 511) == table
    return bool(there) and _may_collapse(mm, table)


def _collapse(mm: Mm, vma: Vma, base: int, table: int) -> Path[None]:
    machine, mem = mm.machine, mm.machine.mem
    pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    yield mm.unhook_pte(table, "pmdp_collapse_flush", collapsed=True)
    yield from machine.flush("flush_tlb_range", table, 0)
    yield machine.unlock("spin_unlock", "pmd_lock")
    yield from machine.lock("pte_offset_map_lock", "ptl", table, "spin")
    words = mem.entries[table, ALL].copy()
    frame = machine.huge_frames()
    mm.count_pages(pte.census(words), -1)
    machine.unshare(words)
    mem.write(table, ALL, 0)
    machine.scheme.table_emptied(mm, table)
    n = int(np.count_nonzero(words))
    yield Step(Kind.CLEAR, "__collapse_huge_page_copy", table, n, 1, EntriesCleared(ALL))
    yield machine.unlock("spin_unlock", "ptl")
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    yield pgtable_trans_huge_deposit(mm, pmd, slot, table)
    word = pte.anon_entry(frame, bool(vma.flags & VM.WRITE)) | pte.DIRTY | pte.PSE
    mem.write(pmd, slot, word)
    count_huge(mm, word, 1)
    fact = EntriesSet(slice(slot, slot + 1), Maps.HUGE)
    yield Step(Kind.SET, "collapse_huge_page", pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")


def collapse_file(mm: Mm, vma: Vma, base: int) -> Path[None]:
    """The page cache gets one huge page, every table that maps these pages goes, then it is mapped."""
    machine, file = mm.machine, vma.file
    assert file is not None
    page = vma.page(base)
    frame = machine.huge_frames() + pte.FILE_FRAME
    machine.store.put(file, "cache", slice(page, page + 512), np.arange(frame, frame + 512))
    machine.store.put(file, "blank", slice(page, page + 512), False)
    machine.store.put(file, "huge", page >> 9, True)
    yield from machine.lock("i_mmap_lock_read", "i_mmap_rwsem", file.number, "read")
    for other in machine.mms:
        for area in other.vmas:
            if area.file is not file:
                continue
            at = area.start + ((page - area.pgoff) << PAGE_SHIFT)
            inside = area.start <= at and at + PMD_SIZE <= area.end
            if at % PMD_SIZE == 0 and inside and file_backed_vma_is_retractable(area):
                yield from retract_page_table(other, at, own=False)
            else:  # the table also maps pages that are not the file's: only the small pages go
                yield from try_to_unmap(other, max(at, area.start), min(at + PMD_SIZE, area.end))
    yield machine.unlock("i_mmap_unlock_read", "i_mmap_rwsem")
    yield from retract_page_table(mm, base, own=True)
    walk = yield from machine.scheme.walk_begins(mm, base, base + PMD_SIZE)
    pmd = mm.lookup(base, Level.PMD) or (yield from upper_tables(mm, base, walk))
    writable = vma.shared and bool(vma.flags & VM.WRITE)
    yield from do_set_pmd(mm, pmd, base >> PMD_SHIFT & 511, frame, writable)
    yield from machine.scheme.walk_ends(mm, walk)


def try_to_unmap(mm: Mm, start: int, end: int) -> Path[None]:
    """try_to_unmap() of the small pages that the huge one replaces; tables and own pages stay."""
    if start < end:
        tlb = MmuGather(mm)
        yield from unmap_page_range(mm, tlb, start, end, ZapDetails(even_cows=False))
        yield from tlb_flush_mmu(tlb)


@not_in_kernel
def retract_page_table(mm: Mm, address: int, own: bool) -> Path[None]:
    """The entries and their table go; a fault maps the huge page instead.

    retract_page_tables() takes the table of a VMA that can have nothing else in it. In its own VMA,
    collapse_pte_mapped_thp() takes any table that has nothing else in it.
    """
    machine, mem, scheme = mm.machine, mm.machine.mem, mm.machine.scheme
    pmd, slot = mm.lookup(address, Level.PMD), address >> PMD_SHIFT & 511
    if not pmd or not mem.at(pmd, slot) or mm.is_huge(pmd, slot):
        return
    walk = yield from scheme.walk_begins(mm, address, address + PMD_SIZE)
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    table = int(mem.at(pmd, slot))
    gone = None
    if table and not mm.is_huge(pmd, slot):  # what is there now: it may be another table
        yield from machine.lock("spin_lock_nested", "ptl", table, "spin")
        if _may_go(mm, address, table, own):
            words = mem.entries[table, ALL].copy()
            mm.count_pages(pte.census(words), -1)
            mem.write(table, ALL, 0)
            machine.scheme.table_emptied(mm, table)
            gone = table
            fn = "collapse_pte_mapped_thp" if own else "retract_page_tables"
            yield mm.unhook_pte(table, fn, collapsed=True)
            yield from machine.flush("pmdp_collapse_flush", table, 0)
        yield machine.unlock("spin_unlock", "ptl")
    yield machine.unlock("spin_unlock", "pmd_lock")
    if gone is not None:
        yield machine.call_rcu(gone)
    yield from scheme.walk_ends(mm, walk)


def _may_go(mm: Mm, address: int, table: int, own: bool) -> bool:
    """Look again under the PTE lock: another task may have put something into the table."""
    if own:
        return not mm.machine.mem.nonnone[table]
    vma = find_vma_intersection(mm.vmas, address, address + PMD_SIZE)
    return vma is None or file_backed_vma_is_retractable(vma)


def file_backed_vma_is_retractable(vma: Vma) -> bool:
    """Whether a table of the VMA maps nothing but what the page cache knows."""
    return vma.anon_vma is None and not vma.flags & VM.MAYBE_GUARD
