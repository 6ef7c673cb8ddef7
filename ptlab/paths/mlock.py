"""mlock and munlock: pin a range in memory. mlock faults every page in.

Kernel source: mm/mlock.c, do_mlock(), apply_vma_lock_flags(), __mm_populate() (Linux 6.12).
Simplified: no RLIMIT_MEMLOCK.
"""

from __future__ import annotations

import errno

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_MASK, page_align
from ptlab.base.steps import Path
from ptlab.paths.mmap import mm_populate, vma_modify
from ptlab.paths.recheck import vma_end_write_all
from ptlab.state.mm import Mm
from ptlab.state.vma import VM


def do_mlock(mm: Mm, start: int, length: int) -> Path[None]:
    """mlock(). ENOMEM: a hole (what lies before it is locked, nothing faulted in) or PROT_NONE."""
    end = page_align(start + length)
    start &= PAGE_MASK
    yield from _apply_vma_lock_flags(mm, "mlock", start, end, VM.LOCKED)
    failed = yield from mm_populate(mm, start, end)
    if failed:
        raise KernelError(
            errno.ENOMEM,
            f"mlock: [{start:#x}, {end:#x}) is locked, but holds memory that cannot be read",
        )


def do_munlock(mm: Mm, start: int, length: int) -> Path[None]:
    """munlock(). ENOMEM: a hole; what lies before it is unlocked."""
    yield from _apply_vma_lock_flags(
        mm, "munlock", start & PAGE_MASK, page_align(start + length), 0
    )


def _apply_vma_lock_flags(mm: Mm, call: str, start: int, end: int, flags: int) -> Path[None]:
    machine, done = mm.machine, start
    if end < start:
        raise KernelError(
            errno.EINVAL, f"{call}: length {end - start} is below 0; nothing was done"
        )
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    for vma, first, done in mm.parts(start, end):
        wanted = (vma.flags & ~VM.LOCKED) | flags
        if wanted != vma.flags:
            yield from vma_modify(mm, "mlock_fixup", vma, first, done, wanted)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    if done < end:
        raise KernelError(
            errno.ENOMEM,
            f"{call}: nothing is mapped at {done:#x}; [{start:#x}, {done:#x}) was {call}ed",
        )
