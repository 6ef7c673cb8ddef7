"""hugetlb: a mapping comes, is cut, and goes; its pages are promised to it from the start.

Kernel source: mm/hugetlb.c, hugetlb_reserve_pages(), hugetlb_vm_op_split(), hugetlb_vm_op_close();
fs/hugetlbfs/inode.c, hugetlb_file_setup(), hugetlbfs_file_mmap() (Linux 6.18).
"""

from __future__ import annotations

import errno
from dataclasses import replace

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_SHIFT
from ptlab.paths.hugetlb_pool import indexes, remove_inode_hugepages
from ptlab.state.hugetlb import Hstate, ResvMap
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File, new_file
from ptlab.state.vma import VM, Vma


def hugetlb_file_setup(machine: Machine, length: int, size: int) -> File:
    """MAP_HUGETLB: a file that only this mapping has, of whole huge pages."""
    length = -(-length // size) * size
    return new_file(machine, length, "hugetlb", False, hugetlb=size, opened=False)


def whole_huge_pages(file: File | None, at: int | None, length: int) -> int:
    """The length in whole huge pages, if the file has such. EINVAL: the address is inside one."""
    if file is None or file.hstate is None:
        return length
    _refuse_inside(file.hstate, "address", at or 0)
    return -(-length // file.hstate.size) * file.hstate.size


def _refuse_inside(h: Hstate, name: str, value: int) -> None:
    if value % h.size:
        raise KernelError(
            errno.EINVAL,
            f"mmap: {name} {value:#x} is not a multiple of {h.size:#x}, the size of a page of this "
            "file; nothing was mapped",
        )


def hugetlbfs_file_mmap(mm: Mm, vma: Vma) -> Vma:
    """The VMA as hugetlbfs wants it, with its pages reserved; a writable one makes the file longer."""
    file = vma.file
    if file is None or file.hstate is None:
        return vma
    _refuse_inside(file.hstate, "offset", vma.pgoff << PAGE_SHIFT)
    flags = (vma.flags | VM.HUGETLB | VM.DONTEXPAND) & ~(VM.ACCOUNT | VM.LOCKED | VM.LOCKONFAULT)
    vma = replace(vma, flags=flags)
    if not flags & VM.NORESERVE:
        hugetlb_reserve_pages(file, indexes(vma), not vma.shared)
        if not vma.shared:
            vma = replace(vma, reserved=ResvMap(mm.machine.store))
    end = vma.page(vma.end) << PAGE_SHIFT
    if flags & VM.WRITE and file.size < end:
        file.resize(end)
    return vma


def hugetlb_reserve_pages(file: File, wanted: range, private: bool) -> None:
    """Promise the pages of a new mapping. ENOMEM: the pool has too few that are promised to nobody."""
    h, inode_map = file.hstate, file.reserved
    assert h is not None
    assert inode_map is not None
    missing = len(wanted) - (0 if private else inode_map.count(wanted))
    if missing > min(h.available, h.free_huge_pages):  # allowed_mems_nr()
        raise KernelError(
            errno.ENOMEM,
            f"mmap: {missing} {h} wanted, and the pool has {h.available} that are promised to nobody; "
            "nothing was mapped",
        )
    h.reserve(missing)
    if not private:
        inode_map.add(wanted)


def may_split(vma: Vma, address: int) -> None:
    """hugetlb_vm_op_split(): EINVAL where a cut would go through a huge page."""
    if vma.hugetlb and address % vma.hstate.size:
        raise KernelError(
            errno.EINVAL,
            f"{vma} has {vma.hstate}, and {address:#x} is inside one of them: the VMA is not cut there, "
            "and nothing from there on is changed",
        )


def hugetlb_vm_op_close(vma: Vma) -> None:
    """A private mapping is gone: what is left of its promise goes back."""
    if vma.reserved is not None:
        places = indexes(vma)
        vma.hstate.reserve(-(len(places) - vma.reserved.count(places)))


def fput_unmapped(machine: Machine) -> None:
    """On the way back to user space a file that is mapped no longer, and cannot be opened, is gone.

    (task_work_run(), ____fput(), hugetlbfs_evict_inode())
    """
    for file in machine.files:
        if file.hstate is None or file.opened or not file.reserved or not file.reserved.above(0):
            continue
        if not any(v.file is file for mm in machine.mms for v in (*mm.vmas, *mm.detached)):
            remove_inode_hugepages(file, 0)
