"""brk: the heap, one mapping that ends at the program break.

Kernel source: mm/mmap.c, brk(); mm/vma.c, do_brk_flags() (Linux 6.12). It grows by extending the
mapping, and shrinks by unmapping its end. Simplified: no RLIMIT_DATA, no ASLR.
"""

from __future__ import annotations

import errno

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.facts import VmaMapped
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, page_align
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.mmap import do_vmi_align_munmap
from ptlab.paths.populate import mm_populate
from ptlab.paths.recheck import vma_end_write_all
from ptlab.paths.unmapped_area import STACK_GUARD_GAP, vm_start_gap
from ptlab.paths.vma_change import change_vmas
from ptlab.state.blocks import Blocks
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, Vma, Vmas, find_vma_intersection, merge


@not_in_kernel
def do_brk(mm: Mm, brk: int) -> Path[None]:
    """brk(): move the program break to `brk`. ENOMEM, and it stays: below the heap, no room, sealed."""
    machine = mm.machine
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    old_end, end, mode = page_align(mm.layout.brk), page_align(brk), "write"
    try:
        _check(mm, brk, old_end, end)
        if end < old_end and (yield from do_vmi_align_munmap(mm, end, old_end, downgrade=True)):
            mode = "read"
        elif end > old_end:
            yield from do_brk_flags(mm, old_end, end)
    except KernelError as error:
        yield from vma_end_write_all(mm)
        yield machine.unlock("mmap_write_unlock", "mmap_lock")
        raise KernelError(errno.ENOMEM, f"brk({brk:#x}): {error.strerror}") from None
    mm.layout.set_brk(brk)
    yield from vma_end_write_all(mm)
    yield machine.unlock(f"mmap_{mode}_unlock", "mmap_lock")
    if end > old_end and mm.layout.def_flags & VM.LOCKED:
        yield from mm_populate(mm, old_end, end, ignore_errors=True)


def _check(mm: Mm, brk: int, old_end: int, end: int) -> None:
    """Below the heap's start, the heap is not mapped any more, or something is in the way."""

    def refusal(why: str) -> KernelError:
        return KernelError(errno.ENOMEM, f"{why}; the break stays at {mm.layout.brk:#x}")

    if brk < mm.layout.start_brk:
        raise refusal(f"the heap begins at {mm.layout.start_brk:#x}")
    if end < old_end and find_vma_intersection(mm.vmas, end, old_end) is None:
        raise refusal("nothing of the heap is mapped there")
    if end > old_end:
        if end > mm.machine.geometry.task_size:
            raise refusal("the address space ends before")
        above = find_vma_intersection(mm.vmas, old_end, end + PAGE_SIZE + STACK_GUARD_GAP)
        if above is not None and end + PAGE_SIZE > vm_start_gap(above):
            raise refusal(f"{above} is in the way: a page between must stay free")


def do_brk_flags(mm: Mm, start: int, end: int) -> Path[None]:
    """Extend the mapping that ends at `start`, if it is the heap's and alike; else make a new one."""
    flags = VM.READ | VM.WRITE | VM.ACCOUNT | mm.layout.def_flags
    new, unfaulted = Vma(start, end, flags, start >> PAGE_SHIFT), mm.machine.profile.merge_unfaulted

    def grown(vmas: Vmas) -> Vmas:
        index = vmas.index_above(start)
        low = index - 1 if index and vmas[index - 1].end > mm.layout.start_brk else index
        heap: Vmas = Blocks(vmas[low:index])
        return vmas.spliced(low, index, merge(heap, new, unfaulted)[0])

    yield from change_vmas(mm, grown)
    whole = mm.find_vma(start)
    yield Step(Kind.VMA, "do_brk_flags", None, 1, 1, VmaMapped(new.span, flags, whole.span))
