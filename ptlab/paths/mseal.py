"""mseal: a mapping that can no longer be unmapped, moved, or given other rights.

Kernel source: mm/mseal.c, do_mseal(); mm/vma.h, can_modify_vma(); mm/madvise.c, can_madvise_modify()
(Linux 6.18; mseal exists since 6.10). What would change a sealed mapping fails with EPERM.
"""

from __future__ import annotations

import errno

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_SIZE, page_align
from ptlab.base.steps import Path
from ptlab.paths.mmap import vma_modify
from ptlab.paths.recheck import vma_end_write_all
from ptlab.state.mm import Mm
from ptlab.state.vma import VM


def do_mseal(mm: Mm, start: int, length: int) -> Path[None]:
    """mseal(). EINVAL: unaligned. ENOMEM: a hole; nothing is sealed then. ENOSYS before 6.10."""
    if not mm.machine.profile.mseal:
        name = mm.machine.profile.name
        raise KernelError(errno.ENOSYS, f"mseal: Linux {name} does not have it; nothing was done")
    end = start + page_align(length)
    if start % PAGE_SIZE or length < 0 or not 0 <= start <= end < 1 << 64:
        raise KernelError(
            errno.EINVAL,
            f"mseal: [{start:#x}, {end:#x}) must begin at a multiple of {PAGE_SIZE} and not wrap "
            "around; nothing was sealed",
        )
    if start == end:
        return
    machine = mm.machine
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    mapped = max((last for _, _, last in mm.parts(start, end)), default=start)
    if mapped == end:
        for vma, first, last in mm.parts(start, end):
            if not vma.flags & VM.SEALED:
                yield from vma_modify(mm, "mseal_apply", vma, first, last, vma.flags | VM.SEALED)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    if mapped < end:
        raise KernelError(
            errno.ENOMEM, f"mseal: nothing is mapped at {mapped:#x}; nothing was sealed"
        )
