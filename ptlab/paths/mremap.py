"""mremap: grow, shrink or move a mapping. A move takes whole tables along where it can.

Kernel source: mm/mremap.c (Linux 6.1, 6.12 and 6.17 where they differ); references as in patch 12 of
the v3 series. Simplified: no userfaultfd, no hugetlb, no special mappings.
"""

from __future__ import annotations

import errno
from dataclasses import replace

from ptlab.base.errors import KernelError
from ptlab.base.facts import VmaKept, VmaMapped
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, page_align
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.mmap import do_vmi_align_munmap
from ptlab.paths.move import move_page_tables
from ptlab.paths.populate import mm_populate
from ptlab.paths.recheck import vma_end_write_all
from ptlab.paths.unmapped_area import get_unmapped_area
from ptlab.paths.vma_change import add_vma, refuse_sealed
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_LOCKED_MASK, Vma, find_vma_intersection, overlapping


def do_mremap(
    mm: Mm,
    old: int,
    old_length: int,
    new_length: int,
    to: int | None = None,
    maymove: bool = False,
    dontunmap: bool = False,
) -> Path[int]:
    """mremap(): returns the address of the mapping. `to` is MREMAP_FIXED.

    EINVAL: unaligned, empty, or overlapping; EFAULT: not one mapping; ENOMEM: no room.
    """
    old_length, new_length = page_align(old_length), page_align(new_length)
    _check(mm, old, old_length, new_length, to, maymove or to is not None, dontunmap)
    machine = mm.machine
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    held = "write"
    try:
        if _moves_many(mm, old, old_length, new_length, to):
            assert to is not None
            result = yield from _remap_move(mm, old, old_length, to, dontunmap)
        else:
            result, held = yield from _remap_one(
                mm, old, old_length, new_length, to, maymove, dontunmap
            )
    except KernelError:
        yield from vma_end_write_all(mm)
        yield machine.unlock("mmap_write_unlock", "mmap_lock")
        raise
    yield from vma_end_write_all(mm)
    yield machine.unlock(f"mmap_{held}_unlock", "mmap_lock")
    vma = mm.find_vma(result)
    if new_length > old_length and vma.flags & VM.LOCKED:
        yield from mm_populate(mm, result + old_length, result + new_length)
    return result


def _check(
    mm: Mm,
    old: int,
    old_length: int,
    new_length: int,
    to: int | None,
    maymove: bool,
    dontunmap: bool,
) -> None:
    """check_mremap_params(): the checks that need no VMA."""

    def refuse(why: str) -> KernelError:
        return KernelError(errno.EINVAL, f"mremap: {why}; nothing was moved")

    for name, length in ("old", old_length), ("new", new_length):
        if length < 0:
            raise refuse(f"the {name} length {length:#x} must not be below 0")
    if old % PAGE_SIZE:
        raise refuse(f"address {old:#x} is not a multiple of {PAGE_SIZE}")
    if not new_length:
        raise refuse("the new length must be above 0")
    if dontunmap and (not maymove or old_length != new_length):
        raise refuse("MREMAP_DONTUNMAP needs MREMAP_MAYMOVE and an unchanged length")
    if to is not None:
        limit = mm.machine.geometry.task_size
        if to % PAGE_SIZE or not 0 <= to <= limit - new_length:
            raise refuse(
                f"the new address {to:#x} must be page aligned and inside the address space"
            )
        if old < to + new_length and to < old + old_length:
            raise refuse("old and new range overlap")


def _moves_many(mm: Mm, old: int, old_length: int, new_length: int, to: int | None) -> bool:
    """Since 6.17 a plain move to a given address may span several VMAs and holes."""
    if not mm.machine.profile.move_many or to is None or old_length != new_length:
        return False
    first = find_vma_intersection(mm.vmas, old, old + PAGE_SIZE)
    return first is not None and first.end < old + old_length


def _remap_move(mm: Mm, old: int, length: int, to: int, dontunmap: bool) -> Path[int]:
    """remap_move(): one VMA after the other. What is at the new place of a gap stays."""
    for vma in overlapping(mm.vmas, old, old + length):
        start, end = max(vma.start, old), min(vma.end, old + length)
        refuse_sealed("mremap", vma)
        new = to + start - old
        part, _ = _align_hugetlb(vma, start, end - start, end - start, new, dontunmap)
        yield from _make_room(mm, new, part)
        yield from move_vma(mm, mm.find_vma(start), start, part, part, new, dontunmap)
    return to


def _remap_one(
    mm: Mm,
    old: int,
    old_length: int,
    new_length: int,
    to: int | None,
    maymove: bool,
    dontunmap: bool,
) -> Path[tuple[int, str]]:
    """One VMA: mremap_to(), shrink_vma(). Returns the address and the lock's mode."""
    vma = find_vma_intersection(mm.vmas, old, old + PAGE_SIZE)
    if vma is None or vma.start > old:
        raise KernelError(errno.EFAULT, f"mremap: nothing is mapped at {old:#x}; nothing was moved")
    refuse_sealed("mremap", vma)
    old_length, new_length = _align_hugetlb(vma, old, old_length, new_length, to, dontunmap)
    checks_first = mm.machine.profile.move_many  # since 6.17 all checks come before any change
    if checks_first and (to is not None or dontunmap or new_length > old_length):
        _check_vma(vma, old, min(old_length, new_length))
    if to is not None:
        yield from _make_room(mm, to, new_length)
        vma = mm.find_vma(old)
    if old_length == new_length and to is None and not dontunmap:
        return old, "write"
    if old_length > new_length and not dontunmap:
        upper, end = old + new_length, old + old_length
        downgraded = yield from do_vmi_align_munmap(mm, upper, end, downgrade=to is None)
        if to is None:
            return old, "read" if downgraded else "write"
        old_length = new_length
        vma = mm.find_vma(old)
    _check_vma(vma, old, old_length)
    if to is not None or dontunmap:
        target = to
        if target is None:
            target = get_unmapped_area(mm, None, new_length, _aligned(mm, vma))
        yield from move_vma(mm, vma, old, old_length, new_length, target, dontunmap)
        return target, "write"
    return (yield from expand_vma(mm, vma, old, old_length, new_length, maymove)), "write"


def _align_hugetlb(
    vma: Vma, old: int, old_length: int, new_length: int, to: int | None, dontunmap: bool
) -> tuple[int, int]:
    """align_hugetlb(): both lengths in whole huge pages. EINVAL: an address inside one; it grows."""
    if not vma.hugetlb:
        return old_length, new_length
    size = vma.hstate.size
    old_length, new_length = -(-old_length // size) * size, -(-new_length // size) * size
    if old % size or (to or 0) % size or new_length > old_length or dontunmap:
        raise KernelError(
            errno.EINVAL,
            f"mremap: {vma} has {vma.hstate}: it moves in whole pages, does not grow, and leaves no "
            "mapping behind; nothing was moved",
        )
    return old_length, new_length


def expand_vma(
    mm: Mm, vma: Vma, old: int, old_length: int, new_length: int, maymove: bool
) -> Path[int]:
    """Grow in place, else move. Returns the address."""
    if old + old_length == vma.end and _room_above(mm, vma, new_length - old_length):
        grown = replace(vma, start=vma.end, end=old + new_length, pgoff=vma.page(vma.end))
        whole = yield from add_vma(mm, grown)
        fact = VmaMapped(grown.span, grown.flags, whole.span)
        yield Step(Kind.VMA, "expand_vma_in_place", None, 1, 1, fact)
        return old
    if not maymove:
        raise KernelError(
            errno.ENOMEM, f"mremap: there is no room above {vma.end:#x}; nothing was moved"
        )
    target = get_unmapped_area(mm, None, new_length, _aligned(mm, vma))
    yield from move_vma(mm, vma, old, old_length, new_length, target, False)
    return target


def _aligned(mm: Mm, vma: Vma) -> bool:
    """Since 6.7 the new place of anonymous memory is aligned as that of a new mapping."""
    return vma.file is None and mm.machine.profile.thp_aligned


def _check_vma(vma: Vma, old: int, old_length: int) -> None:
    """check_prep_vma(), vma_to_resize() before 6.15: whether this one VMA can be moved or grow."""
    if not old_length and not vma.shared:
        raise KernelError(errno.EINVAL, "mremap: the old length is 0; nothing was moved")
    if old + old_length > vma.end:
        raise KernelError(
            errno.EFAULT,
            f"mremap: [{old:#x}, {old + old_length:#x}) is not one mapping; nothing was moved",
        )


def _make_room(mm: Mm, to: int, length: int) -> Path[None]:
    """MREMAP_FIXED unmaps what is at the new place."""
    yield from do_vmi_align_munmap(mm, to, to + length, downgrade=False)


def _room_above(mm: Mm, vma: Vma, delta: int) -> bool:
    """vma_expandable()"""
    end = vma.end + delta
    free = find_vma_intersection(mm.vmas, vma.end, end) is None
    return free and end <= mm.machine.geometry.task_size


def move_vma(
    mm: Mm, vma: Vma, old: int, old_length: int, new_length: int, new: int, dontunmap: bool
) -> Path[None]:
    """copy_vma(), move the tables, then unmap the old range (or keep it, empty)."""
    copy = yield from copy_vma(mm, vma, old, new_length, new)
    yield from move_page_tables(mm, vma, old, copy, new, old_length)
    if dontunmap:
        kept = mm.find_vma(old)
        flags = kept.flags & ~VM_LOCKED_MASK
        alone = kept.start == old and kept.end == old + old_length
        changed = (
            replace(kept, flags=flags, anon_vma=None, chain=0)
            if alone
            else replace(kept, flags=flags)
        )
        mm.replace_vma(changed)
        yield Step(Kind.VMA, "dontunmap_complete", None, 1, 1, VmaKept(changed.span))
    elif old_length:  # with the old length 0 both mappings stay
        if vma.reserved is not None:  # clear_vma_resv_huge_pages(): the promise has moved too
            mm.replace_vma(replace(mm.find_vma(old), reserved=None))
        yield from do_vmi_align_munmap(mm, old, old + old_length, downgrade=False)


def copy_vma(mm: Mm, vma: Vma, old: int, length: int, new: int) -> Path[Vma]:
    """The VMA at the new place, merged with its neighbours there where that is possible.

    An anonymous VMA without pages of its own takes the page offset of its new address.
    """
    pgoff = vma.page(old)
    if vma.file is None and vma.anon_vma is None:
        pgoff = new >> PAGE_SHIFT
    copy = replace(vma, start=new, end=new + length, pgoff=pgoff)
    whole = yield from add_vma(mm, copy)
    yield Step(Kind.VMA, "copy_vma", None, 1, 1, VmaMapped(copy.span, copy.flags, whole.span))
    return whole
