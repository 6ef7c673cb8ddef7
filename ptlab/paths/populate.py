"""Populating: pages are faulted in before the program touches them.

Kernel source: mm/gup.c, __mm_populate(), populate_vma_page_range(), faultin_page_range() (Linux 6.12).
mmap with MAP_POPULATE or MAP_LOCKED, mlock, brk and mremap of locked memory, and MADV_POPULATE_* get
here.
"""

from __future__ import annotations

import errno

from ptlab.base.geometry import PAGE_SHIFT
from ptlab.base.steps import Path
from ptlab.paths.access import access, grain_of
from ptlab.paths.pieces import cut
from ptlab.paths.touched import NO_FAULT, Touched
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma, overlapping


def mm_populate(mm: Mm, start: int, end: int, ignore_errors: bool = False) -> Path[int]:
    """__mm_populate(): fault in every page of [start, end). Returns 0, or the first failure's errno.

    ignore_errors: mmap and mlockall go on with the next VMA. mlock stops.
    """
    yield from mm.machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    failed = 0
    for vma in overlapping(mm.vmas, start, end):
        failed = yield from populate_vma_page_range(
            mm, vma, max(start, vma.start), min(end, vma.end)
        )
        if failed and not ignore_errors:
            break
    yield mm.machine.unlock("mmap_read_unlock", "mmap_lock")
    return 0 if ignore_errors else failed


def populate_vma_page_range(mm: Mm, vma: Vma, start: int, end: int) -> Path[int]:
    """One VMA's part, as the program would use it: written, if it is private and writable.

    MLOCK_ONFAULT leaves it to the accesses. 0, or EFAULT.
    """
    if vma.flags & VM.LOCKONFAULT:
        return 0
    if not vma.flags & VM_ACCESS_FLAGS:
        return errno.EFAULT
    write = vma.flags & (VM.WRITE | VM.SHARED) == VM.WRITE
    touched = yield from faultin_page_range(mm, start, end, write)
    return errno.EFAULT if touched.refused else 0


def faultin_page_range(mm: Mm, start: int, end: int, write: bool) -> Path[Touched]:
    """Fault in every page of a VMA's part, up to the first that fails; mmap_lock is held for read."""
    vma = mm.find_vma(start)
    so_far = NO_FAULT
    for piece in cut(grain_of(mm, vma), start, (end - start) >> PAGE_SHIFT):
        so_far = so_far.add((yield from access(mm, piece, write, locked=True)))
        if so_far.refused:
            break
    return so_far
