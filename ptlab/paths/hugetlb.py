"""hugetlb: page faults on huge pages that a program has mapped with MAP_HUGETLB or from hugetlbfs.

Kernel source: mm/hugetlb.c, hugetlb_fault(), hugetlb_no_page(), hugetlb_wp(), huge_pte_alloc() (Linux
6.18). A page of 2 MiB is one PMD entry, a page of 1 GiB one PUD entry: no PTE page is built or held in
reserve, and for 1 GiB no PMD page. Simplified: no userfaultfd, no migration, no poison;
hugetlb_wp() makes the anon_vma before the copy, not after.
"""

from __future__ import annotations

from ptlab.base import pte
from ptlab.base.facts import Change, EntriesChanged, Place, Reason, Refusal
from ptlab.base.geometry import PAGE_SIZE
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.filemap import VM_FAULT_RETRY, VM_FAULT_SIGBUS
from ptlab.paths.hugetlb_entries import (
    columns,
    frame_of,
    is_anon,
    lock_huge_pte,
    put_anon_page,
    set_huge_pte,
    unlock_huge_pte,
    unmap_hugepage_range,
    word_at,
)
from ptlab.paths.hugetlb_pool import alloc_hugetlb_folio, index_of
from ptlab.paths.hugetlb_share import huge_pmd_share
from ptlab.paths.table_alloc import upper_tables, vmf_anon_prepare
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, Vma


def hugetlb_fault(mm: Mm, vma: Vma, address: int, write: bool) -> Path[int]:
    """A fault in a hugetlb mapping: 0, VM_FAULT_RETRY, or VM_FAULT_SIGBUS where the pool has no page.

    Faults on one page of a file come one after the other (hugetlb_fault_mutex_table).
    """
    machine, scheme = mm.machine, mm.machine.scheme
    assert vma.file is not None
    yield from machine.lock("hugetlb_fault", "hugetlb_fault_mutex", vma.file.number, "write")
    walk = yield from scheme.walk_begins(mm, address, address + PAGE_SIZE)
    level = vma.hstate.level
    yield from huge_pmd_share(mm, vma, address, walk)
    table = yield from upper_tables(mm, address, walk, level)  # huge_pte_alloc()
    place = Place(table, machine.geometry.index(address, level))
    if word_at(mm, place):
        fault = yield from _present_fault(mm, vma, address, place, write)
    else:
        fault = yield from hugetlb_no_page(mm, vma, address, place, write)
    yield from scheme.walk_ends(mm, walk)
    yield machine.unlock("hugetlb_fault", "hugetlb_fault_mutex")
    return fault


def _present_fault(mm: Mm, vma: Vma, address: int, place: Place, write: bool) -> Path[int]:
    """The page is there. A write to a read-only entry asks hugetlb_wp()."""
    fault = 0
    yield from lock_huge_pte(mm, place)
    if write and not word_at(mm, place) & pte.RW:
        fault = yield from hugetlb_wp(mm, vma, address, place)
    yield unlock_huge_pte(mm, place)
    return fault


def hugetlb_no_page(mm: Mm, vma: Vma, address: int, place: Place, write: bool) -> Path[int]:
    """Nothing is mapped yet: the page cache's page, or a new one from the pool; a read gets one too."""
    machine, file, index = mm.machine, vma.file, index_of(vma, address)
    assert file is not None
    frame = file.frame(index * vma.hstate.pages)
    if not frame and index >= file.size // vma.hstate.size:
        yield _no_page(address, write, Reason.BEYOND_FILE)
        return VM_FAULT_SIGBUS
    if not frame:
        if not vma.shared and not (yield from vmf_anon_prepare(mm, vma)):
            return VM_FAULT_RETRY
        frame = alloc_hugetlb_folio(machine, vma, index)
        if not frame:
            yield _no_page(address, write, Reason.POOL_EMPTY)
            return VM_FAULT_SIGBUS
        if vma.shared:
            frame += pte.FILE_FRAME
            file.put_huge(index, frame)
    yield from lock_huge_pte(mm, place)
    writable = vma.shared and bool(vma.flags & VM.WRITE)
    if frame >= pte.FILE_FRAME:
        word = pte.file_entry(frame, writable, writable)
    else:
        word = pte.anon_entry(frame, False)
    yield set_huge_pte(mm, vma, place, word | pte.PSE, "hugetlb_no_page")
    fault = 0
    if write and not vma.shared:
        fault = yield from hugetlb_wp(mm, vma, address, place)
    yield unlock_huge_pte(mm, place)
    return fault


def _no_page(address: int, write: bool, why: str) -> Step:
    return Step(Kind.REFUSED, "hugetlb_no_page", None, 1, 1, Refusal(address, write, why))


def hugetlb_wp(mm: Mm, vma: Vma, address: int, place: Place) -> Path[int]:
    """A write to a read-only entry, under its lock: reuse the page, if it is nobody else's, or copy it.

    If the pool has no page for the owner's copy, the children lose theirs (unmap_ref_private()).
    """
    machine, word, index = mm.machine, word_at(mm, place), index_of(vma, address)
    pages, old = machine.pages, frame_of(word)
    copy = 0
    if not vma.shared and (not is_anon(word) or pages.shared(old).any()):
        owner = vma.reserved is not None and is_anon(word)
        yield unlock_huge_pte(mm, place)
        if not (yield from vmf_anon_prepare(mm, vma)):
            yield from lock_huge_pte(mm, place)
            return VM_FAULT_RETRY
        copy = alloc_hugetlb_folio(machine, vma, index, owner)
        if not copy and owner:
            yield from unmap_ref_private(mm, vma, address, word)
        elif not copy:
            yield from lock_huge_pte(mm, place)
            yield Step(
                Kind.REFUSED, "hugetlb_wp", None, 1, 1, Refusal(address, True, Reason.POOL_EMPTY)
            )
            return VM_FAULT_SIGBUS
        yield from lock_huge_pte(mm, place)
    if copy:
        new, how = pte.anon_entry(copy, bool(vma.flags & VM.WRITE)) | pte.PSE, Change.COPIED
        machine.others.smp_wmb()
        if is_anon(word):
            put_anon_page(mm, vma, word)
    else:
        new, how = word | pte.RW | pte.DIRTY | pte.SOFT_DIRTY | pte.ACCESSED, Change.WRITABLE
        pages.reuse(old)
    machine.mem.write(place.table, place.slot, new)
    fact = EntriesChanged(columns(place), how)
    yield Step(Kind.CHANGE, "hugetlb_wp", place.table, 1, 1, fact)
    return 0


def unmap_ref_private(mm: Mm, vma: Vma, address: int, word: int) -> Path[None]:
    """Take the page of `word` from all who map it without a promise of their own: the children."""
    page = vma.page(address)
    for other in mm.machine.mms:
        for theirs in other.vmas:
            if theirs.file is not vma.file or theirs.shared or theirs.reserved is not None:
                continue
            at = theirs.start + (page - theirs.pgoff) * PAGE_SIZE & -vma.hstate.size
            if theirs.start <= at < theirs.end:
                yield from unmap_hugepage_range(other, theirs, at, at + vma.hstate.size, word)
