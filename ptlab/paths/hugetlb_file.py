"""hugetlb: a file of huge pages gets another size, a hole, or pages.

Kernel source: fs/hugetlbfs/inode.c, hugetlbfs_setattr(), hugetlb_vmtruncate(), hugetlb_vmdelete_list(),
hugetlbfs_punch_hole(), hugetlbfs_fallocate() (Linux 6.18).
"""

from __future__ import annotations

import errno

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.facts import FileResized, PagesAllocated, PagesDropped
from ptlab.base.geometry import PAGE_SHIFT
from ptlab.base.pte import FILE_FRAME
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.hugetlb_entries import unmap_hugetlb
from ptlab.paths.hugetlb_pool import alloc_hugetlb_folio, remove_inode_hugepages
from ptlab.state.machine import Machine
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma


def hugetlb_vmtruncate(machine: Machine, file: File, size: int) -> Path[None]:
    """ftruncate(). EINVAL: `size` is no multiple of a huge page. Private copies behind it go too."""
    assert file.hstate is not None
    if size % file.hstate.size:
        raise KernelError(
            errno.EINVAL,
            f"ftruncate: size {size:#x} is not a multiple of {file.hstate.size:#x}, the size of a page "
            "of this file; nothing was changed",
        )
    yield from machine.lock("inode_lock", "i_rwsem", file.number, "write")
    file.resize(size)
    fact = FileResized(file.number, file.kind, size)
    yield Step(Kind.FILE, "i_size_write", None, file.pages, 1, fact)
    first = size // file.hstate.size
    yield from hugetlb_vmdelete_list(machine, file, first, None)
    yield from _remove(file, first, None)
    yield machine.unlock("inode_unlock", "i_rwsem")


def hugetlbfs_punch_hole(machine: Machine, file: File, offset: int, length: int) -> Path[None]:
    """The huge pages that lie in the range as a whole go, out of every mapping, private ones too."""
    assert file.hstate is not None
    size = file.hstate.size
    first, last = -(-offset // size), (offset + length) // size
    if first < last:
        yield from hugetlb_vmdelete_list(machine, file, first, last)
        yield from _remove(file, first, last)


def hugetlbfs_fallocate(machine: Machine, file: File, offset: int, length: int) -> Path[None]:
    """The huge pages of the range are there afterwards. ENOSPC: the pool is empty; those before stay."""
    h = file.hstate
    assert h is not None
    first, last = offset // h.size, -(-(offset + length) // h.size)
    pseudo = Vma(first * h.size, last * h.size, VM.HUGETLB | VM.SHARED, first * h.pages, file=file)
    for index in range(first, last):
        if file.frame(index * h.pages):
            continue
        frame = alloc_hugetlb_folio(machine, pseudo, index)
        if not frame:
            message = f"fallocate: the pool has no free {h}; the file has those before {index}"
            raise KernelError(errno.ENOSPC, message)
        file.put_huge(index, frame | FILE_FRAME)
    if offset + length > file.size:
        file.resize(offset + length)
    fact = PagesAllocated(file.number, file.kind, file.size)
    n = (last - first) * h.pages
    yield Step(Kind.FILE, "hugetlbfs_fallocate", None, n, 1, fact)


def hugetlb_vmdelete_list(machine: Machine, file: File, first: int, last: int | None) -> Path[None]:
    """Unmap huge pages [first, last) of the file in every VMA; to the end where `last` is None."""
    assert file.hstate is not None
    pages = file.hstate.pages
    yield from machine.lock("i_mmap_lock_write", "i_mmap_rwsem", file.number, "write")
    for mm in machine.mms:
        for vma in (*mm.vmas, *mm.detached):
            start = vma.start + (max(first * pages - vma.pgoff, 0) << PAGE_SHIFT)
            end = vma.end
            if last is not None:
                end = min(end, vma.start + ((last * pages - vma.pgoff) << PAGE_SHIFT))
            if vma.file is file and start < end:
                tlb = MmuGather(mm)
                yield from unmap_hugetlb(mm, tlb, vma, start, end)
                yield from tlb_flush_mmu(tlb)
    yield machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")


@not_in_kernel
def _remove(file: File, first: int, last: int | None) -> Path[None]:
    """What leaves the page cache, as a step."""
    assert file.hstate is not None
    before = file.hstate.free_huge_pages
    remove_inode_hugepages(file, first, last)
    gone = (file.hstate.free_huge_pages - before) * file.hstate.pages
    fact = PagesDropped(hole=last is not None)
    yield Step(Kind.FILE, "remove_inode_hugepages", None, gone, 1, fact)
