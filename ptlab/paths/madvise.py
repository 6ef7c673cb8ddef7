"""madvise: what a program says about a range, and how an allocator gives memory back.

Kernel source: mm/madvise.c (Linux 6.1, 6.12, 6.18). The call goes through the VMAs of the range one
by one; a hole is remembered and reported as ENOMEM at the end, the work on the rest is done.
"""

from __future__ import annotations

import errno
from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.errors import KernelError, NotModelled
from ptlab.base.facts import Change, EntriesChanged
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, page_align
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.access import populate_vma_page_range
from ptlab.paths.collapse import madvise_collapse
from ptlab.paths.guard_regions import madvise_guard_install, madvise_guard_remove
from ptlab.paths.mmap import vma_modify
from ptlab.paths.pieces import chunks
from ptlab.paths.recheck import vma_end_write_all
from ptlab.paths.swap import free_swap_entries, madvise_pageout
from ptlab.paths.thp import is_huge_zero, split_huge_pmd
from ptlab.paths.truncate import do_punch
from ptlab.paths.walk import pte_offset_map_lock, pte_tables
from ptlab.paths.zap import DONTNEED, unmap_page_range
from ptlab.state.memmap import count as table_count
from ptlab.state.memmap import count_each, covers_whole, present
from ptlab.state.mm import Count, Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.scheme import NOTHING
from ptlab.state.vma import VM, Vma, find_vma_intersection, overlapping

MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED = range(5)
MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK = 8, 9, 10, 11
MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WIPEONFORK, MADV_KEEPONFORK = 14, 15, 18, 19
MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 20, 21, 22, 23
MADV_DONTNEED_LOCKED, MADV_COLLAPSE, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE = 24, 25, 102, 103

ADVICE = {name[5:]: value for name, value in list(globals().items()) if name.startswith("MADV_")}
"""Names without MADV_, and their numbers, as in include/uapi/asm-generic/mman-common.h."""

ADVICE_NAMES = {value: name for name, value in ADVICE.items()}

_FLAG_ADVICE = {
    MADV_NORMAL: (0, VM.RAND_READ | VM.SEQ_READ),
    MADV_RANDOM: (VM.RAND_READ, VM.SEQ_READ),
    MADV_SEQUENTIAL: (VM.SEQ_READ, VM.RAND_READ),
    MADV_DONTFORK: (VM.DONTCOPY, 0),
    MADV_DOFORK: (0, VM.DONTCOPY),
    MADV_WIPEONFORK: (VM.WIPEONFORK, 0),
    MADV_KEEPONFORK: (0, VM.WIPEONFORK),
    MADV_HUGEPAGE: (VM.HUGEPAGE, VM.NOHUGEPAGE),
    MADV_NOHUGEPAGE: (VM.NOHUGEPAGE, VM.HUGEPAGE),
}
"""Advice that only sets and clears VMA flags: (set, clear)."""

_ZAPS = (MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE)
_POPULATES = (MADV_POPULATE_READ, MADV_POPULATE_WRITE)
_GUARDS = (MADV_GUARD_INSTALL, MADV_GUARD_REMOVE)
_READS = (
    *_ZAPS,
    *_POPULATES,
    *_GUARDS,
    MADV_COLD,
    MADV_PAGEOUT,
    MADV_REMOVE,
    MADV_COLLAPSE,
    MADV_WILLNEED,
)
"""Advice for which mmap_lock is taken for read (madvise_need_mmap_write); the rest writes VMAs."""


def do_madvise(mm: Mm, start: int, length: int, advice: int) -> Path[None]:
    """madvise(). EINVAL: unaligned, unknown, or not for this VMA; ENOMEM: a hole (work done).

    MADV_REMOVE says EACCES where the mapping is not shared and writable.
    """
    name = ADVICE_NAMES.get(advice, str(advice))
    if start % PAGE_SIZE:
        raise KernelError(
            errno.EINVAL,
            f"madvise({name}): address {start:#x} is not a multiple of {PAGE_SIZE}; nothing done",
        )
    known = advice in ADVICE_NAMES and (advice not in _GUARDS or mm.machine.profile.guard_regions)
    if not known:
        kernel = mm.machine.profile.name
        raise KernelError(
            errno.EINVAL, f"madvise: Linux {kernel} knows no advice {name}; nothing done"
        )
    end = start + page_align(length)
    if length < 0 or not start <= end < 1 << 64:
        raise KernelError(
            errno.EINVAL,
            f"madvise({name}): {length} bytes from {start:#x} wrap around; nothing done",
        )
    if end == start:
        return
    lock, mode, of = _lock(mm, start, end, advice)
    take, drop = _TAKE_AND_DROP[lock, mode]
    yield from mm.machine.lock(take, lock, of, mode)
    try:
        hole = yield from madvise_walk_vmas(mm, start, end, advice, name)
    except KernelError:
        if mode == "write":
            yield from vma_end_write_all(mm)
        yield mm.machine.unlock(drop, lock)
        raise
    if mode == "write":
        yield from vma_end_write_all(mm)
    yield mm.machine.unlock(drop, lock)
    if hole is not None:
        raise KernelError(
            errno.ENOMEM,
            f"madvise({name}): nothing is mapped at {hole:#x}; "
            f"the {'part before it was' if advice in _POPULATES else 'mapped parts were'} advised",
        )


_TAKE_AND_DROP = {
    ("vma_lock", "read"): ("lock_vma_under_rcu", "vma_end_read"),
    ("mmap_lock", "read"): ("mmap_read_lock", "mmap_read_unlock"),
    ("mmap_lock", "write"): ("mmap_write_lock", "mmap_write_unlock"),
}


def _lock(mm: Mm, start: int, end: int, advice: int) -> tuple[str, str, int]:
    """get_lock_mode() and try_vma_read_lock(): the lock, its mode and whose it is."""
    if advice not in _ZAPS:
        return "mmap_lock", "read" if advice in _READS else "write", mm.id
    if mm.machine.scheme.zap_mode == "write":
        return "mmap_lock", "write", mm.id
    vma = find_vma_intersection(mm.vmas, start, start + PAGE_SIZE)
    if mm.machine.profile.vma_lock_zap and vma and vma.start <= start and end <= vma.end:
        return "vma_lock", "read", vma.start
    return "mmap_lock", "read", mm.id


def madvise_walk_vmas(mm: Mm, start: int, end: int, advice: int, name: str) -> Path[int | None]:
    """Each VMA's part of [start, end) in order. Returns the first address of a hole, or None."""
    hole, address = None, start
    for vma in overlapping(mm.vmas, start, end):
        if vma.start > address:
            hole = address if hole is None else hole
            if advice in _POPULATES:
                return hole
        first, last = max(start, vma.start), min(end, vma.end)
        yield from _vma_behavior(mm, vma, first, last, advice, name)
        address = last
    if address < end and hole is None:
        hole = address
    return hole


def _vma_behavior(mm: Mm, vma: Vma, start: int, end: int, advice: int, name: str) -> Any:
    """madvise_vma_behavior(): the path for one VMA's part, or the KernelError that refuses it."""

    def refuse(why: str, number: int = errno.EINVAL) -> KernelError:
        done = f"[{start:#x}, {end:#x}) and what follows is untouched"
        return KernelError(number, f"madvise({name}): {why}; {done}")

    if advice in (MADV_DONTNEED, MADV_DONTNEED_LOCKED):
        if vma.flags & VM.LOCKED and advice == MADV_DONTNEED:
            raise refuse(f"{vma} is mlocked (MADV_DONTNEED_LOCKED would do it)")
        return zap_page_range_single(mm, start, end)
    if advice == MADV_FREE:
        if vma.flags & VM.LOCKED or vma.file is not None:
            raise refuse(f"{vma} is mlocked" if vma.file is None else f"{vma} is not anonymous")
        return age(mm, start, end, "madvise_free_pte_range")
    if advice in (MADV_COLD, MADV_PAGEOUT):
        if vma.flags & VM.LOCKED:
            raise refuse(f"{vma} is mlocked")
        if advice == MADV_COLD:
            return age(mm, start, end, "madvise_cold_or_pageout_pte_range")
        if vma.file is not None and vma.file.kind == "disk":
            raise NotModelled("MADV_PAGEOUT of a disk file: reclaim is not modelled")
        return madvise_pageout(mm, vma, start, end)
    if advice == MADV_REMOVE:
        if vma.flags & VM.LOCKED or vma.file is None:
            raise refuse(f"{vma} is mlocked or not a file's")
        may_write = mm.machine.profile.remove_maywrite or vma.flags & VM.WRITE
        if not (vma.shared and may_write):
            raise refuse(f"{vma} is not shared and writable", errno.EACCES)
        offset = vma.page(start) << PAGE_SHIFT
        return do_punch(mm.machine, vma.file, offset, end - start)
    if advice == MADV_COLLAPSE:
        return madvise_collapse(mm, vma, start, end)
    if advice in _GUARDS:
        if vma.flags & VM.LOCKED and advice == MADV_GUARD_INSTALL:
            raise refuse(f"{vma} is mlocked")
        if advice == MADV_GUARD_INSTALL:
            return madvise_guard_install(mm, vma, start, end)
        return madvise_guard_remove(mm, start, end)
    if advice == MADV_WILLNEED:
        return NOTHING  # no read ahead: a swapped-out page comes back when it is touched
    if advice in _POPULATES:
        write = advice == MADV_POPULATE_WRITE
        if not vma.flags & (VM.WRITE if write else VM.READ):
            raise refuse(f"{vma} does not allow it")
        return _populate(mm, start, end, write, refuse("a page could not be had", errno.EFAULT))
    if advice == MADV_WIPEONFORK and vma.file is not None:
        raise refuse(f"{vma} is not anonymous")
    on, off = _FLAG_ADVICE[advice]
    flags = (vma.flags & ~off) | on
    if flags == vma.flags:
        return NOTHING
    return vma_modify(mm, "madvise_update_vma", vma, start, end, flags)


def _populate(mm: Mm, start: int, end: int, write: bool, refusal: KernelError) -> Path[None]:
    """faultin_page_range(): `refusal` is what it says if a page cannot be had."""
    if (yield from populate_vma_page_range(mm, start, end, write)).refused:
        raise refusal


def zap_page_range_single(mm: Mm, start: int, end: int) -> Path[None]:
    """Zap a part of one VMA for madvise_dontneed_single_vma(), then flush."""
    tlb = MmuGather(mm)
    yield from unmap_page_range(mm, tlb, start, end, DONTNEED)
    yield from tlb_flush_mmu(tlb)


def age(mm: Mm, start: int, end: int, fn: str) -> Path[None]:
    """MADV_FREE: pages become clean and old, and may be dropped later. MADV_COLD: only old.

    No entry goes, no table goes.
    """
    machine, changed = mm.machine, 0
    free = fn == "madvise_free_pte_range"
    how = Change.LAZYFREE if free else Change.OLD
    bits = np.uint64(pte.ACCESSED | pte.DIRTY if free else pte.ACCESSED)
    scheme = machine.scheme
    walk = yield from scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in pte_tables(mm, start, end):
        if isinstance(slots, int) and mm.is_huge(pmd, slots):
            word = machine.mem.entries.word(pmd, slots)
            if is_huge_zero(word):
                continue
            if covers_whole(columns):
                machine.mem.write(pmd, slots, word & ~int(bits))
                part = slice(slots, slots + 1)
                fact = EntriesChanged(part, how)
                yield Step(Kind.CHANGE, fn.replace("pte_range", "huge_pmd"), pmd, 1, 1, fact)
                continue
            yield from split_huge_pmd(mm, pmd, slots)
            if not machine.mem.at(pmd, slots):
                continue
        if (yield from scheme.visitor_arrives(mm, pmd, slots)):
            continue
        tables = machine.mem.at(pmd, slots)
        each: Any = 0 if isinstance(tables, int) else np.zeros(len(tables), np.int64)
        if not present(tables):
            continue  # freed since the walk saw it
        if not (yield from pte_offset_map_lock(machine, tables, table_count(tables))):
            yield from scheme.visitor_leaves(mm, tables)
            continue
        for part in chunks(machine.grain, columns):
            words = machine.mem.entries[tables, part]
            marked = pte.is_present(words) & ((words & np.uint64(pte.SPECIAL)) == 0)
            marked &= (words & bits) != 0
            n = int(np.count_nonzero(marked))
            if n:
                machine.mem.write(tables, part, np.where(marked, words & ~bits, words))
                fact = EntriesChanged(part, how)
                yield Step(Kind.CHANGE, fn, tables, n, 1, fact)
                changed += n
                each = each + count_each(tables, marked)
        freed = None
        if free and mm.counters[Count.SWAP]:
            freed = yield from free_swap_entries(mm, tables, columns)
        yield machine.unlock("pte_unmap_unlock", "ptl", table_count(tables))
        if freed is not None:
            yield from scheme.entries_unmapped(mm, tables, freed)
        yield from scheme.visitor_leaves(mm, tables)
        if free:
            yield from scheme.lazyfreed(mm, tables, each)
    yield from scheme.walk_ends(mm, walk)
    if changed:
        yield from machine.flush("tlb_flush_mmu_tlbonly", None, changed)
