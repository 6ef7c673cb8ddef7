"""Truncate and hole punch: a file loses pages, and with them every mapping of these pages.

Kernel source: fs/open.c, vfs_fallocate(); mm/truncate.c; mm/shmem.c; mm/memory.c,
unmap_mapping_range() (Linux 6.12). The zap works under i_mmap_rwsem alone, without any mmap_lock;
entries go, tables stay, under every scheme that frees them only in madvise.
"""

from __future__ import annotations

import errno

from ptlab.base.errors import KernelError, NotModelled
from ptlab.base.facts import FileResized, PagesAllocated, PagesDropped
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PTRS_PER_TABLE
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.hugetlb_file import (
    hugetlb_vmtruncate,
    hugetlbfs_fallocate,
    hugetlbfs_punch_hole,
)
from ptlab.paths.recheck import folio_lock, folio_unlock
from ptlab.paths.shmem_huge import allocated_huge, pages_of
from ptlab.paths.split_folio import unmap_folio
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.machine import Machine
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.page_cache import File

FALLOC_FL_PUNCH_HOLE = 0x02
"""FALLOC_FL_KEEP_SIZE always goes with it."""


def do_truncate(machine: Machine, file: File, size: int) -> Path[None]:
    """ftruncate(): pages beyond the new end go, private copies of them too (even_cows)."""
    if size < 0:
        raise KernelError(errno.EINVAL, f"ftruncate: size {size} is below 0; nothing was changed")
    if file.hstate is not None:
        yield from hugetlb_vmtruncate(machine, file, size)
        return
    yield from machine.lock("inode_lock", "i_rwsem", file.number, "write")
    old_pages, shorter = file.pages, size < file.size
    file.resize(size)
    fact = FileResized(file.number, file.kind, size)
    yield Step(Kind.FILE, "i_size_write", None, file.pages, 1, fact)
    if file.pages < old_pages:
        yield from unmap_mapping_range(machine, file, file.pages, old_pages, even_cows=True)
    if shorter:
        yield from truncate_inode_partial_folio(machine, file, size, len(file.cache) << PAGE_SHIFT)
    if file.pages < old_pages:
        yield from truncate_inode_pages(machine, file, file.pages, old_pages, hole=False)
    yield machine.unlock("inode_unlock", "i_rwsem")


def truncate_inode_pages(
    machine: Machine, file: File, first: int, last: int, hole: bool
) -> Path[None]:
    """Pages [first, last) leave the page cache, under the folio's lock.

    A fault may have mapped some since the zap (truncate_cleanup_folio()).
    """
    yield from folio_lock(file)
    if machine.others.folio_mapped(file.cache[first:last]):  # unmap_mapping_folio()
        yield from unmap_mapping_range(machine, file, first, last, even_cows=False)
    gone = file.cache[first : last if hole else len(file.cache)]
    machine.others.drop_frames(gone[gone != 0].tolist())
    file.drop(first, len(gone))
    fn = "shmem_undo_range" if hole else "truncate_inode_pages"
    yield Step(Kind.FILE, fn, None, last - first, 1, PagesDropped(hole=hole))
    yield from folio_unlock(file)


def vfs_fallocate(machine: Machine, file: File, mode: int, offset: int, length: int) -> Path[None]:
    """fallocate(): punch a hole, or with mode 0 make sure that the pages are there."""
    punch = mode & FALLOC_FL_PUNCH_HOLE
    if offset < 0 or length <= 0:
        raise KernelError(
            errno.EINVAL,
            f"{'punch' if punch else 'fallocate'}: offset {offset} must not be below 0, "
            f"length {length} must be above 0; nothing was done",
        )
    if file.kind == "disk" and not punch:
        raise NotModelled("fallocate of a disk file: its file system decides")
    yield from machine.lock("inode_lock", "i_rwsem", file.number, "write")
    if file.hstate is not None:
        path = hugetlbfs_punch_hole if punch else hugetlbfs_fallocate
    else:
        path = _punch_hole if punch else _allocate
    try:
        yield from path(machine, file, offset, length)
    except KernelError:
        yield machine.unlock("inode_unlock", "i_rwsem")
        raise
    yield machine.unlock("inode_unlock", "i_rwsem")


def _punch_hole(machine: Machine, file: File, offset: int, length: int) -> Path[None]:
    """Whole pages of the range go; private copies stay."""
    first = (offset + PAGE_SIZE - 1) >> PAGE_SHIFT
    last = min((offset + length) >> PAGE_SHIFT, file.pages)
    if first < last:
        yield from unmap_mapping_range(machine, file, first, last, even_cows=False)
    end = min(offset + length, len(file.cache) << PAGE_SHIFT)
    yield from truncate_inode_partial_folio(machine, file, offset, end)
    if first < last:
        yield from truncate_inode_pages(machine, file, first, last, hole=True)


def truncate_inode_partial_folio(machine: Machine, file: File, start: int, end: int) -> Path[None]:
    """A large folio that goes in part, at either end of [start, end), is split.

    Since 6.15 what goes and what stays are cut apart, and each half stays as large as it can be.
    """
    for byte in (start, end - 1):
        folio = file.folio(byte >> PAGE_SHIFT)
        first, after = folio.start << PAGE_SHIFT, folio.stop << PAGE_SHIFT
        if len(folio) == 1 or start >= end or (start <= first and after <= end):
            continue
        yield from folio_lock(file)
        yield from unmap_folio(machine, file, folio)
        if not machine.profile.split_at_hole:
            file.set_order(folio, 0)
        else:
            file.split_around(max(start, first) >> PAGE_SHIFT)
            if end < after:
                file.split_around(end >> PAGE_SHIFT)
        yield from folio_unlock(file)


def _allocate(machine: Machine, file: File, offset: int, length: int) -> Path[None]:
    """The pages of the range are there afterwards; the file grows if need be."""
    if offset + length > file.size:
        file.resize(offset + length)
    first, last = offset >> PAGE_SHIFT, pages_of(offset + length)
    huge = allocated_huge(machine, file, offset, length)
    for block in huge:
        file.bring_huge(block)
    file.allocate(first, last - first)
    for block in huge:
        machine.store.put(file, "blank", slice(block, block + PTRS_PER_TABLE), True)
    fact = PagesAllocated(file.number, file.kind, file.size)
    yield Step(Kind.FILE, "shmem_fallocate", None, last - first, 1, fact)


def unmap_mapping_range(
    machine: Machine, file: File, first: int, last: int, even_cows: bool
) -> Path[None]:
    """Zap pages [first, last) of the file out of every VMA that maps them (the i_mmap tree)."""
    yield from machine.lock("i_mmap_lock_read", "i_mmap_rwsem", file.number, "read")
    for mm in machine.mms:
        for vma in (*mm.vmas, *mm.detached):
            start = vma.start + (max(first - vma.pgoff, 0) << PAGE_SHIFT)
            end = min(vma.end, vma.start + ((last - vma.pgoff) << PAGE_SHIFT))
            if vma.file is file and start < end:
                tlb = MmuGather(mm)
                details = ZapDetails(even_cows=even_cows)
                yield from unmap_page_range(mm, tlb, start, end, details)
                yield from tlb_flush_mmu(tlb)
    yield machine.unlock("i_mmap_unlock_read", "i_mmap_rwsem")
