"""Where a new mapping goes: at the address asked for, or where the kernel finds room.

Kernel source: mm/mmap.c, get_unmapped_area(); mm/vma.c, unmapped_area_topdown(); mm/huge_memory.c,
__thp_get_unmapped_area() (Linux 6.12). Simplified: no ASLR and no hints; the search goes top down from
a fixed mmap_base, and puts a multiple of 2 MiB at a 2 MiB boundary on every kernel (Linux does so
since 6.7).
"""

from __future__ import annotations

import errno

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PMD_SIZE
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, Vma, Vmas, find_vma_intersection

STACK_GUARD_GAP = 256 << PAGE_SHIFT
"""stack_guard_gap: below memory that grows down so much stays free."""


def get_unmapped_area(
    mm: Mm, at: int | None, length: int, aligned: bool, over: bool = False, align: int = 0
) -> int:
    """The address for a new mapping: the one asked for, or the highest free range that fits.

    aligned: THP aligns private anonymous memory of a multiple of 2 MiB, and keeps 2 MiB more free.
    align: the address must be a multiple of this (hugetlb).
    """
    vmas = mm.vmas
    if at is not None:
        taken = find_vma_intersection(vmas, at, at + length)
        if taken and not over:
            raise KernelError(
                errno.EEXIST,
                f"mmap: {taken} is already mapped there (MAP_FIXED_NOREPLACE); nothing was mapped",
            )
        return at
    start = 0
    if aligned and length % PMD_SIZE == 0:
        padded = highest_gap(
            mm.layout.mmap_base, vmas, length + PMD_SIZE
        )  # __thp_get_unmapped_area()
        start = (padded + PMD_SIZE) & -PMD_SIZE if padded >= PAGE_SIZE else 0
    if start < PAGE_SIZE:
        start = highest_gap(mm.layout.mmap_base, vmas, length, align or PAGE_SIZE)
    if start < PAGE_SIZE:
        raise KernelError(
            errno.ENOMEM, f"mmap: no free range of {length:#x} bytes; nothing was mapped"
        )
    return start


def highest_gap(top: int, vmas: Vmas, length: int, align: int = PAGE_SIZE) -> int:
    """Start of the highest free range of `length` bytes below `top`; below 0 if there is none."""
    for block in reversed(vmas.blocks):
        look_inside = len(vmas.blocks) == 1 or block.widest_gap >= length
        for vma in reversed(block.items) if look_inside else block.items[-1:]:
            if vm_start_gap(vma) >= top:
                continue
            if (top - length) & -align >= vma.end:
                return (top - length) & -align
            top = vm_start_gap(vma)
        top = min(top, vm_start_gap(block.items[0]))
    return (top - length) & -align


def vm_start_gap(vma: Vma) -> int:
    """Where the VMA begins, with the guard gap below memory that grows down."""
    return max(0, vma.start - STACK_GUARD_GAP) if vma.flags & VM.GROWSDOWN else vma.start
