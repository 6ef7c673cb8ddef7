"""MADV_COLLAPSE: 512 small pages become one huge page.

Kernel source: mm/khugepaged.c, madvise_collapse(), hpage_collapse_scan_pmd(), collapse_huge_page()
(Linux 6.1, 6.12 and 6.18). The PTE page becomes the deposit, under mmap_lock for write. Files are in
collapse_file.py. Simplified: a huge page is always available; no page is locked; pins are seen
only while tasks race.
"""

from __future__ import annotations

import errno

import numpy as np

from ptlab.base import pte
from ptlab.base.errors import KernelError
from ptlab.base.facts import EntriesCleared, EntriesSet, Maps
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.collapse_file import hpage_collapse_scan_file
from ptlab.paths.recheck import vma_end_write_all, vma_start_write
from ptlab.paths.scan_result import Scan
from ptlab.paths.thp import count_huge, pgtable_trans_huge_deposit
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma

ALL = slice(0, 512)


def madvise_collapse(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """Every whole 2 MiB of the range, up to one whose failure ends the call. EINVAL if one failed."""
    _check(vma, start, end)
    failed, collapsed = None, 0
    for base in range(-(-start // PMD_SIZE) * PMD_SIZE, end & -PMD_SIZE, PMD_SIZE):
        result = yield from _collapse_at(mm, vma, base)
        collapsed += result is Scan.SUCCEED
        if result is not Scan.SUCCEED:
            failed = base
            if result not in _GO_ON and not _goes_on(mm, result):
                break
    if failed is not None:
        raise KernelError(
            errno.EINVAL,
            f"madvise(COLLAPSE): the pages at {failed:#x} cannot become one huge page; "
            f"collapsed were {collapsed} others",
        )


def _check(vma: Vma, start: int, end: int) -> None:
    """thp_vma_allowable_order(), and whether the range has room for a huge page."""
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
    if vma.file is None and vma.anon_vma is None:
        raise KernelError(
            errno.EINVAL, f"madvise(COLLAPSE): {vma} was never written to; nothing done"
        )


_GO_ON = (Scan.PMD_NULL, Scan.PAGE_RO, Scan.PTE_NON_PRESENT)
"""Failures after which the next 2 MiB have their turn, in all versions."""


def _goes_on(mm: Mm, result: Scan) -> bool:
    """The same for failures that ended the call before 6.19."""
    return mm.machine.profile.collapse_goes_on and result in (Scan.PMD_NONE, Scan.PTE_MARKER)


def _collapse_at(mm: Mm, vma: Vma, base: int) -> Path[Scan]:
    """hpage_collapse_scan_file() or hpage_collapse_scan_pmd() for one 2 MiB, and what follows."""
    if vma not in mm.vmas:
        return Scan.VMA_CHECK  # mmap_lock was dropped, and another task has changed it
    pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
    if pmd and mm.is_huge(pmd, slot):
        return Scan.SUCCEED
    if vma.file is not None:
        return (yield from hpage_collapse_scan_file(mm, vma, base))
    if not pmd:
        return Scan.PMD_NULL
    table = int(mm.machine.mem.at(pmd, slot))
    result = _scan_pmd(mm, table) if table else Scan.PMD_NONE
    if result is Scan.SUCCEED and not (yield from collapse_huge_page(mm, vma, base, table)):
        return Scan.PMD_NULL
    return result


def _holds_huge(vma: Vma) -> bool:
    """thp_vma_suitable_order() of the last 2 MiB: the whole VMA has room for one huge page."""
    alike = vma.file is None or ((vma.start >> PAGE_SHIFT) - vma.pgoff) % 512 == 0
    return alike and (vma.end - PMD_SIZE) & -PMD_SIZE >= vma.start


def _scan_pmd(mm: Mm, table: int) -> Scan:
    """hpage_collapse_scan_pmd(): no entry maps no page, and before 6.18 one must be writable."""
    words = mm.machine.mem.entries[table, ALL]
    if ((words != 0) & ~pte.is_present(words)).any():
        return Scan.PTE_MARKER
    writable = bool(np.any(words & np.uint64(pte.RW)))
    return Scan.SUCCEED if writable or mm.machine.profile.collapse_read_only else Scan.PAGE_RO


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
        valid = yield from _collapse(mm, vma, base, table)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    return valid


def _still_valid(mm: Mm, vma: Vma, base: int, table: int) -> bool:
    """hugepage_vma_revalidate(), check_pmd_still_valid(), __collapse_huge_page_isolate()."""
    pmd = mm.lookup(base, Level.PMD)
    there = vma in mm.vmas and pmd and mm.machine.mem.at(pmd, base >> PMD_SHIFT & 511) == table
    return bool(there) and _scan_pmd(mm, table) is Scan.SUCCEED


def _collapse(mm: Mm, vma: Vma, base: int, table: int) -> Path[bool]:
    """False: another task uses one of the pages (GUP), so that it cannot be copied."""
    machine, mem = mm.machine, mm.machine.mem
    pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    yield mm.unhook_pte(table, "pmdp_collapse_flush", collapsed=True)
    yield from machine.flush("flush_tlb_range", table, 0)
    yield machine.unlock("spin_unlock", "pmd_lock")
    yield from machine.lock("pte_offset_map_lock", "ptl", table, "spin")
    words = mem.entries[table, ALL].copy()
    own = pte.pfn(words[pte.is_present(words) & ~pte.is_zero_page(words)]).tolist()
    if machine.others.pinned(own):
        yield from _give_up(mm, pmd, slot, table)
        return False
    frame = machine.huge_frames()
    empty = (words == 0) | pte.is_zero_page(words) | machine.pages.blank_parts(pte.pfn(words))
    machine.pages.new_huge(np.arange(frame, frame + 512, dtype=np.uint64), empty)
    mm.count_pages(pte.census(words), -1)
    machine.pages.unshare(words)
    mem.write(table, ALL, 0)
    machine.others.copied(own)
    machine.scheme.table_emptied(mm, table)
    n = int(np.count_nonzero(words))
    yield Step(Kind.CLEAR, "__collapse_huge_page_copy", table, n, 1, EntriesCleared(ALL))
    yield machine.unlock("spin_unlock", "ptl")
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    yield pgtable_trans_huge_deposit(mm, pmd, slot, table)
    word = pte.anon_entry(frame, bool(vma.flags & VM.WRITE)) | pte.DIRTY | pte.PSE
    if not vma.flags & VM_ACCESS_FLAGS:
        word = int(pte.to_protnone(np.array([word], np.uint64))[0])
    machine.others.smp_wmb()  # __folio_mark_uptodate()
    mem.write(pmd, slot, word)
    count_huge(mm, word, 1)
    fact = EntriesSet(slice(slot, slot + 1), Maps.HUGE)
    yield Step(Kind.SET, "collapse_huge_page", pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")
    return True


def _give_up(mm: Mm, pmd: int, slot: int, table: int) -> Path[None]:
    """__collapse_huge_page_isolate() has failed: the table goes back to where it was."""
    machine = mm.machine
    yield machine.unlock("spin_unlock", "ptl")
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    machine.mem.hook(table, pmd, slot)
    mm.count(Count.PTE, 1)
    yield Step(Kind.INSTALL, "pmd_populate", table)
    yield machine.unlock("spin_unlock", "pmd_lock")
