"""madvise: what a program says about a range, and how an allocator gives memory back.

Kernel source: mm/madvise.c (Linux 6.1, 6.12, 6.18). The call goes through the VMAs of the range one
by one; a hole is remembered and reported as ENOMEM at the end, after the work on the rest.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import NamedTuple

from ptlab.base.errors import KernelError, NotModelled
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, page_align
from ptlab.base.left_out import left_out
from ptlab.base.steps import Path
from ptlab.paths.cold_pages import madvise_cold, madvise_free_single_vma
from ptlab.paths.collapse import madvise_collapse
from ptlab.paths.guard_regions import madvise_guard_install, madvise_guard_remove
from ptlab.paths.mmap import vma_modify
from ptlab.paths.populate import faultin_page_range
from ptlab.paths.recheck import vma_end_write_all
from ptlab.paths.swap import madvise_pageout
from ptlab.paths.truncate import FALLOC_FL_PUNCH_HOLE, vfs_fallocate
from ptlab.paths.vma_change import can_madvise_modify
from ptlab.paths.zap import DONTNEED, unmap_single_vma
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.scheme import NOTHING
from ptlab.state.vma import VM, Vma, find_vma_intersection, overlapping

MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED = range(5)
MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK = 8, 9, 10, 11
MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTDUMP, MADV_DODUMP = 12, 13, 16, 17
MADV_HWPOISON, MADV_SOFT_OFFLINE = 100, 101
MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WIPEONFORK, MADV_KEEPONFORK = 14, 15, 18, 19
MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 20, 21, 22, 23
MADV_DONTNEED_LOCKED, MADV_COLLAPSE, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE = 24, 25, 102, 103

ADVICE = {name[5:]: value for name, value in list(globals().items()) if name.startswith("MADV_")}
"""Names without MADV_, and their numbers, as in include/uapi/asm-generic/mman-common.h."""

ADVICE_NAMES = {value: name for name, value in ADVICE.items()}

_FLAGS = {
    MADV_NORMAL: (0, VM.RAND_READ | VM.SEQ_READ),
    MADV_RANDOM: (VM.RAND_READ, VM.SEQ_READ),
    MADV_SEQUENTIAL: (VM.SEQ_READ, VM.RAND_READ),
    MADV_DONTFORK: (VM.DONTCOPY, 0),
    MADV_DOFORK: (0, VM.DONTCOPY),
    MADV_WIPEONFORK: (VM.WIPEONFORK, 0),
    MADV_KEEPONFORK: (0, VM.WIPEONFORK),
    MADV_MERGEABLE: (VM.MERGEABLE, 0),
    MADV_UNMERGEABLE: (0, VM.MERGEABLE),
    MADV_DONTDUMP: (VM.DONTDUMP, 0),
    MADV_DODUMP: (0, VM.DONTDUMP),
    MADV_HUGEPAGE: (VM.HUGEPAGE, VM.NOHUGEPAGE),
    MADV_NOHUGEPAGE: (VM.NOHUGEPAGE, VM.HUGEPAGE),
}
"""Advice that only sets and clears VMA flags: (set, clear). It takes mmap_lock for write, the rest
for read (madvise_need_mmap_write)."""

_ZAPS = (MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE)
_DISCARDS = (*_ZAPS, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK, MADV_GUARD_INSTALL)
"""is_discard(): advice that takes content away."""
_POPULATES = (MADV_POPULATE_READ, MADV_POPULATE_WRITE)
_GUARDS = (MADV_GUARD_INSTALL, MADV_GUARD_REMOVE)


class MadviseBehavior(NamedTuple):
    """struct madvise_behavior (6.17): one VMA's part [start, end) of a call, and what is advised."""

    mm: Mm
    vma: Vma
    start: int
    end: int
    behavior: int

    def refusal(self, why: str, number: int = errno.EINVAL) -> KernelError:
        """The error that says why nothing is done from here on."""
        call = f"madvise({ADVICE_NAMES[self.behavior]})"
        done = f"[{self.start:#x}, {self.end:#x}) and what follows is untouched"
        return KernelError(number, f"{call}: {why}; {done}")

    def refuse_locked(self) -> None:
        """can_madv_lru_vma(): raise for a VMA that is mlocked, or hugetlb."""
        if self.vma.flags & VM.LOCKED:
            raise self.refusal(f"{self.vma} is mlocked")
        if self.vma.hugetlb:
            raise self.refusal(f"{self.vma} is hugetlb")


def do_madvise(mm: Mm, start: int, length: int, advice: int) -> Path[None]:
    """madvise(). EINVAL: unaligned, unknown, or not for this VMA; ENOMEM: a hole (work done).

    MADV_REMOVE says EACCES where the mapping is not shared and writable.
    """
    end = _end(mm, start, length, advice)
    if end == start:
        return
    lock, mode, of = _lock(mm, start, end, advice)
    take, drop = _TAKE_AND_DROP[lock, mode]
    yield from mm.machine.lock(take, lock, of, mode)
    failed, hole = None, None
    try:
        hole = yield from madvise_walk_vmas(mm, start, end, advice)
    except KernelError as error:
        failed = error
    if mode == "write":
        yield from vma_end_write_all(mm)
    yield mm.machine.unlock(drop, lock)
    if failed is not None:
        raise failed
    if hole is not None:
        raise KernelError(
            errno.ENOMEM,
            f"madvise({ADVICE_NAMES[advice]}): nothing is mapped at {hole:#x}; "
            f"the {'part before it was' if advice in _POPULATES else 'mapped parts were'} advised",
        )


def _end(mm: Mm, start: int, length: int, advice: int) -> int:
    """Where the range ends, once the arguments have been checked (madvise_should_skip(), 6.17)."""
    name, kernel = ADVICE_NAMES.get(advice, str(advice)), mm.machine.profile
    if start % PAGE_SIZE:
        raise KernelError(
            errno.EINVAL,
            f"madvise({name}): address {start:#x} is not a multiple of {PAGE_SIZE}; nothing done",
        )
    if advice in (MADV_HWPOISON, MADV_SOFT_OFFLINE):
        raise left_out(f"MADV_{name}")
    if advice not in _BEHAVIORS or (advice in _GUARDS and not kernel.guard_regions):
        raise KernelError(
            errno.EINVAL, f"madvise: Linux {kernel.name} knows no advice {name}; nothing done"
        )
    end = start + page_align(length)
    if length < 0 or not start <= end < 1 << 64:
        raise KernelError(
            errno.EINVAL,
            f"madvise({name}): {length} bytes from {start:#x} wrap around; nothing done",
        )
    return end


_TAKE_AND_DROP = {
    ("vma_lock", "read"): ("lock_vma_under_rcu", "vma_end_read"),
    ("mmap_lock", "read"): ("mmap_read_lock", "mmap_read_unlock"),
    ("mmap_lock", "write"): ("mmap_write_lock", "mmap_write_unlock"),
}


def _lock(mm: Mm, start: int, end: int, advice: int) -> tuple[str, str, int]:
    """get_lock_mode() and try_vma_read_lock(): the lock, its mode and whose it is."""
    if advice in _FLAGS:
        return "mmap_lock", "write", mm.id
    if advice in _ZAPS and mm.machine.scheme.zap_mode == "write":
        return "mmap_lock", "write", mm.id
    zaps, guards = mm.machine.profile.vma_lock_zap, mm.machine.profile.vma_lock_guard
    if (advice in _ZAPS and zaps) or (advice in _GUARDS and guards):
        vma = find_vma_intersection(mm.vmas, start, start + PAGE_SIZE)
        alone = vma and vma.start <= start and end <= vma.end
        prepares = advice == MADV_GUARD_INSTALL and vma and not (vma.file or vma.anon_vma)
        if vma and alone and not prepares:  # is_vma_lock_sufficient()
            return "vma_lock", "read", vma.start
    return "mmap_lock", "read", mm.id


def madvise_walk_vmas(mm: Mm, start: int, end: int, advice: int) -> Path[int | None]:
    """Each VMA's part of [start, end) in order. Returns the first address of a hole, or None."""
    hole, address = None, start
    for vma in overlapping(mm.vmas, start, end):
        if vma.start > address:
            hole = address if hole is None else hole
            if advice in _POPULATES:
                return hole
        first, last = max(start, vma.start), min(end, vma.end)
        if advice in _DISCARDS:
            can_madvise_modify(vma)
        yield from _BEHAVIORS[advice](MadviseBehavior(mm, vma, first, last, advice))
        address = last
    if address < end and hole is None:
        hole = address
    return hole


def _dontneed(part: MadviseBehavior) -> Path[None]:
    """madvise_dontneed_free() and, in it, madvise_dontneed_single_vma()."""
    if part.vma.flags & VM.LOCKED and part.behavior == MADV_DONTNEED:
        raise part.refusal(f"{part.vma} is mlocked (use MADV_DONTNEED_LOCKED)")
    end = part.end
    if part.vma.hugetlb:
        size = part.vma.hstate.size
        if part.start % size:
            raise part.refusal(f"{part.start:#x} is inside a huge page of {part.vma}")
        end = max(part.start, end & -size)  # a huge page that is covered in part stays
    return zap_page_range_single(part.mm, part.vma, part.start, end)


def zap_page_range_single(mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
    """Zap a part of one VMA, then flush."""
    tlb = MmuGather(mm)
    yield from unmap_single_vma(mm, tlb, vma, start, end, DONTNEED)
    yield from tlb_flush_mmu(tlb)


def _free(part: MadviseBehavior) -> Path[None]:
    if part.vma.file is not None:
        raise part.refusal(f"{part.vma} is not anonymous")
    part.refuse_locked()
    return madvise_free_single_vma(part.mm, part.vma, part.start, part.end)


def _cold(part: MadviseBehavior) -> Path[None]:
    part.refuse_locked()
    return madvise_cold(part.mm, part.vma, part.start, part.end)


def _pageout(part: MadviseBehavior) -> Path[None]:
    part.refuse_locked()
    if part.vma.file is not None and part.vma.file.kind == "disk":
        raise NotModelled("MADV_PAGEOUT of a disk file: reclaim is not modelled")
    return madvise_pageout(part.mm, part.vma, part.start, part.end)


def _remove(part: MadviseBehavior) -> Path[None]:
    """madvise_remove()"""
    machine, vma = part.mm.machine, part.vma
    if vma.flags & VM.LOCKED or vma.file is None:
        raise part.refusal(f"{vma} is mlocked or not a file's")
    may_write = machine.profile.remove_maywrite or vma.flags & VM.WRITE
    if not (vma.shared and may_write):
        raise part.refusal(f"{vma} is not shared and writable", errno.EACCES)
    offset = vma.page(part.start) << PAGE_SHIFT
    return vfs_fallocate(machine, vma.file, FALLOC_FL_PUNCH_HOLE, offset, part.end - part.start)


def _collapse(part: MadviseBehavior) -> Path[None]:
    if part.vma.hugetlb:
        raise part.refusal(f"{part.vma} is hugetlb")
    return madvise_collapse(part.mm, part.vma, part.start, part.end)


def _guard_install(part: MadviseBehavior) -> Path[None]:
    part.refuse_locked()
    return madvise_guard_install(part.mm, part.vma, part.start, part.end)


def _guard_remove(part: MadviseBehavior) -> Path[None]:
    return madvise_guard_remove(part.mm, part.start, part.end)


def _willneed(part: MadviseBehavior) -> Path[None]:
    """No read ahead: a swapped-out page comes back when it is touched."""
    return NOTHING  # type: ignore[no-any-return]


def _populate(part: MadviseBehavior) -> Path[None]:
    """madvise_populate(), faultin_page_range()"""
    write = part.behavior == MADV_POPULATE_WRITE
    if not part.vma.flags & (VM.WRITE if write else VM.READ):
        raise part.refusal(f"{part.vma} does not allow it")
    if (yield from faultin_page_range(part.mm, part.start, part.end, write)).refused:
        raise part.refusal("a page could not be faulted in", errno.EFAULT)


def _update_flags(part: MadviseBehavior) -> Path[None]:
    """Advice that only sets and clears flags of the VMA."""
    if part.behavior == MADV_WIPEONFORK and part.vma.file is not None:
        raise part.refusal(f"{part.vma} is not anonymous")
    if part.behavior == MADV_MERGEABLE and (part.vma.shared or part.vma.hugetlb):
        return  # vma_ksm_compatible() says no, and the call says nothing
    on, off = _FLAGS[part.behavior]
    flags = (part.vma.flags & ~off) | on
    if flags != part.vma.flags:
        yield from vma_modify(part.mm, "madvise_update_vma", part.vma, part.start, part.end, flags)


_BEHAVIORS: dict[int, Callable[[MadviseBehavior], Path[None]]] = {
    MADV_DONTNEED: _dontneed,
    MADV_DONTNEED_LOCKED: _dontneed,
    MADV_FREE: _free,
    MADV_COLD: _cold,
    MADV_PAGEOUT: _pageout,
    MADV_REMOVE: _remove,
    MADV_COLLAPSE: _collapse,
    MADV_GUARD_INSTALL: _guard_install,
    MADV_GUARD_REMOVE: _guard_remove,
    MADV_WILLNEED: _willneed,
    MADV_POPULATE_READ: _populate,
    MADV_POPULATE_WRITE: _populate,
    **dict.fromkeys(_FLAGS, _update_flags),
}
"""madvise_vma_behavior(): what is done for each advice with one VMA's part of the range."""
