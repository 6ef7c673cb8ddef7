"""mlock, mlockall and munlock: pin memory. mlock faults every page in, unless it is told to wait.

Kernel source: mm/mlock.c, do_mlock(), apply_vma_lock_flags(), apply_mlockall_flags() (Linux 6.12).
Simplified: no RLIMIT_MEMLOCK.
"""

from __future__ import annotations

import errno

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_MASK, page_align
from ptlab.base.steps import Path
from ptlab.paths.mmap import vma_modify
from ptlab.paths.populate import mm_populate
from ptlab.paths.recheck import vma_end_write_all
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_LOCKED_MASK, Vma

MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def do_mlock(mm: Mm, start: int, length: int, onfault: bool = False) -> Path[None]:
    """mlock(), mlock2(). ENOMEM: PROT_NONE, or a hole: what lies before it is locked, not faulted in.

    onfault: MLOCK_ONFAULT, each page is locked when the program touches it.
    """
    end = page_align(start + length)
    start &= PAGE_MASK
    flags = VM_LOCKED_MASK if onfault else VM.LOCKED
    yield from _apply_vma_lock_flags(mm, "mlock", start, end, flags)
    failed = yield from mm_populate(mm, start, end)
    if failed:
        raise KernelError(
            errno.ENOMEM,
            f"mlock: [{start:#x}, {end:#x}) is locked, but holds memory that cannot be read",
        )


@not_in_kernel
def do_munlock(mm: Mm, start: int, length: int) -> Path[None]:
    """munlock(). ENOMEM: a hole; what lies before it is unlocked."""
    yield from _apply_vma_lock_flags(
        mm, "munlock", start & PAGE_MASK, page_align(start + length), 0
    )


@not_in_kernel
def do_mlockall(mm: Mm, flags: int) -> Path[None]:
    """mlockall(): MCL_CURRENT all mappings there are, MCL_FUTURE those to come; MCL_ONFAULT with them.

    EINVAL: neither, or an unknown flag.
    """
    if flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) or flags in (0, MCL_ONFAULT):
        raise KernelError(
            errno.EINVAL,
            f"mlockall: {flags} must have MCL_CURRENT (1) or MCL_FUTURE (2), and may have "
            "MCL_ONFAULT (4); nothing was locked",
        )
    yield from apply_mlockall_flags(mm, flags)
    if flags & MCL_CURRENT:
        yield from mm_populate(mm, 0, mm.machine.geometry.task_size, ignore_errors=True)


@not_in_kernel
def do_munlockall(mm: Mm) -> Path[None]:
    """munlockall(): nothing is locked, and nothing will be."""
    yield from apply_mlockall_flags(mm, 0)


def apply_mlockall_flags(mm: Mm, flags: int) -> Path[None]:
    """Note what mappings to come begin with, and give those there are the same flags."""
    machine = mm.machine
    wanted = VM_LOCKED_MASK if flags & MCL_ONFAULT else VM.LOCKED
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    mm.layout.set_def_flags(wanted if flags & MCL_FUTURE else 0)
    if flags & MCL_CURRENT or not flags:
        for vma in mm.vmas:
            lock = wanted if flags else 0
            yield from mlock_fixup(mm, mm.find_vma(vma.start), vma.start, vma.end, lock)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")


def mlock_fixup(mm: Mm, vma: Vma, start: int, end: int, lock: int) -> Path[None]:
    """One VMA's part gets these of the flags VM_LOCKED and VM_LOCKONFAULT."""
    wanted = (vma.flags & ~VM_LOCKED_MASK) | lock
    if wanted != vma.flags and not vma.hugetlb:  # these pages stay in memory anyway
        yield from vma_modify(mm, "mlock_fixup", vma, start, end, wanted)


def _apply_vma_lock_flags(mm: Mm, call: str, start: int, end: int, lock: int) -> Path[None]:
    machine, done = mm.machine, start
    if end < start:
        raise KernelError(
            errno.EINVAL, f"{call}: length {end - start} is below 0; nothing was done"
        )
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    for vma, first, done in mm.parts(start, end):
        yield from mlock_fixup(mm, vma, first, done, lock)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    if done < end:
        raise KernelError(
            errno.ENOMEM,
            f"{call}: nothing is mapped at {done:#x}; [{start:#x}, {done:#x}) was {call}ed",
        )
