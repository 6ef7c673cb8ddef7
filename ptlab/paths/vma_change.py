"""How the VMAs of an address space change: under mmap_lock for write, and each VMA's own lock.

Kernel source: mm/vma.c, __split_vma(), commit_merge(), __mmap_new_vma() (Linux 6.12): since 6.4 a VMA
that comes, goes or changes is write-locked first, because a page fault may hold only its lock.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.paths.recheck import vma_start_write
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma, Vmas, merge


@not_in_kernel
def change_vmas(mm: Mm, change: Callable[[Vmas], Vmas]) -> Path[None]:
    """Lock what `change` changes, then change it.

    While this waits for a lock, a page fault may give another VMA its anon_vma. So `change` is
    computed again from the VMAs at that time. A file's tree of mappings changes under i_mmap_rwsem
    (vma_prepare()), so that a truncate finds each mapping.
    """
    others = mm.machine.others
    if others.several and not others.lacks(Precaution.NEW_VMA_LOCKED):
        done: set[int] = set()
        while todo := [vma for vma in _changed(mm.vmas, change(mm.vmas)) if vma.start not in done]:
            done.add(todo[0].start)
            yield from vma_start_write(mm, todo[0])
    files: set[File] = set()
    if others.several:  # alone, nobody waits; and comparing hundreds of VMAs takes long
        changed = _changed(mm.vmas, change(mm.vmas))
        files = {vma.file for vma in changed if vma.file is not None}
    for file in sorted(files, key=lambda file: file.number):
        yield from mm.machine.lock("i_mmap_lock_write", "i_mmap_rwsem", file.number, "write")
    new = change(mm.vmas)
    if new is not mm.vmas:
        mm.set_vmas(new)
    for _ in files:
        yield mm.machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")


def _changed(old: Vmas, new: Vmas) -> tuple[Vma, ...]:
    """The VMAs of only one of the two."""
    return tuple(vma for vma in (*old, *new) if (vma in old) != (vma in new))


@not_in_kernel
def add_vma(mm: Mm, vma: Vma) -> Path[Vma]:
    """Put `vma` among the others, merged where Linux does; returns what covers its range now."""
    unfaulted = mm.machine.profile.merge_unfaulted
    yield from change_vmas(mm, lambda vmas: merge(vmas, vma, unfaulted)[0])
    return mm.find_vma(vma.start)


def refuse_sealed(call: str, vma: Vma) -> None:
    """can_modify_vma(): raise EPERM for a VMA that mseal has sealed."""
    if vma.flags & VM.SEALED:
        raise KernelError(
            errno.EPERM, f"{call}: {vma} is sealed (mseal); it and what follows is untouched"
        )


def can_madvise_modify(vma: Vma) -> None:
    """Advice that discards: what is sealed goes only if the program may write to it, or has a file."""
    if vma.file is None and not vma.flags & VM.WRITE:
        refuse_sealed("madvise", vma)
