"""move_page_tables(): the tables of a mapping go to another address, as a whole where possible.

Kernel source: mm/mremap.c, move_page_tables(), get_extent(), move_normal_pud(), move_normal_pmd(),
move_ptes(), try_realign_addr() (Linux 6.7). A whole PMD page or PTE page moves by two writes, one to
its old parent and one to its new; its entries are not touched, and neither are its references.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import EntriesSet, Maps, Moved, Place
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, PUD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import count_each, first_of
from ptlab.paths.hugetlb_range import move_hugetlb_page_tables
from ptlab.paths.pieces import chunks
from ptlab.paths.recheck import arrive, vma_start_write
from ptlab.paths.table_alloc import upper_tables, visit
from ptlab.paths.thp import move_huge_pmd, split_huge_pmd
from ptlab.paths.walk import Found, pte_offset_map_lock
from ptlab.state.mm import Mm
from ptlab.state.vma import Vma, find_vma_intersection

U64 = np.uint64


class Extent(NamedTuple):
    """One stretch of a move: `size` bytes from `old` to `new`."""

    old: int
    new: int
    size: int


def move_page_tables(mm: Mm, vma: Vma, old: int, copy: Vma, new: int, length: int) -> Path[None]:
    """Move what is below [old, old + length) to `new`: PMD pages, PTE pages, or entries."""
    if vma.hugetlb:
        yield from move_hugetlb_page_tables(mm, vma, old, new, length)
        return
    end = old + length
    if mm.machine.profile.realign_move:
        old, new = try_realign_addr(mm, vma, old, copy, new, length)
    scheme = mm.machine.scheme
    yield from vma_start_write(mm, vma)
    by_rmap = _needs_rmap_locks(mm, vma, old, new, length)
    if by_rmap and vma.file is not None:  # simplified: once for the whole move
        yield from mm.machine.lock("take_rmap_locks", "i_mmap_rwsem", vma.file.number, "write")
    walk = yield from scheme.walk_begins(mm, old, end)
    new_walk = yield from scheme.walk_begins(mm, new, new + end - old)
    yield from _move_range(mm, old, new, end, new_walk)
    yield from scheme.walk_ends(mm, new_walk)
    yield from scheme.walk_ends(mm, walk)
    if by_rmap:
        yield mm.machine.unlock("drop_rmap_locks", "i_mmap_rwsem")


def _needs_rmap_locks(mm: Mm, vma: Vma, old: int, new: int, length: int) -> bool:
    """Whether a task that comes through the file must be kept out.

    For tables that move whole, always. Entries it finds at their old place or, later, at the new one,
    if the new mapping comes after the old one in the file's tree, which is sorted by address here.
    """
    if vma.file is None or mm.machine.others.lacks(Precaution.RMAP_LOCKS):
        return False
    return new < old or length >= PMD_SIZE


def _move_range(mm: Mm, old: int, new: int, end: int, walk: Any) -> Path[None]:
    """Stretch by stretch; `walk` is the one to the new place."""
    for part in _extents(old, new, end, PUD_SIZE):
        pud = mm.lookup(part.old, Level.PUD)
        slot = part.old >> 30 & 511
        if not pud or not mm.machine.mem.at(pud, slot):
            continue
        new_pud = yield from upper_tables(mm, part.new, walk, Level.PUD)
        if part.size == PUD_SIZE and not mm.machine.mem.at(new_pud, part.new >> 30 & 511):
            here, there = Place(pud, slot), Place(new_pud, part.new >> 30 & 511)
            if (yield from _move_table(mm, "move_normal_pud", here, there)):
                continue
        for piece in _extents(part.old, part.new, part.old + part.size, PMD_SIZE):
            yield from _move_pmd(mm, piece, walk)


def _extents(old: int, new: int, end: int, size: int) -> Iterator[Extent]:
    """get_extent(): up to the next border of `size` bytes, at either end, or the end of the move."""
    while old < end:
        extent = min(size - old % size, size - new % size, end - old)
        yield Extent(old, new, extent)
        old, new = old + extent, new + extent


def _move_pmd(mm: Mm, part: Extent, walk: Any) -> Path[None]:
    """One PMD entry: a huge page, a whole PTE page, or entries one by one."""
    machine, mem = mm.machine, mm.machine.mem
    pmd, slot = mm.lookup(part.old, Level.PMD), part.old >> PMD_SHIFT & 511
    if not pmd or not mem.at(pmd, slot):
        return
    new_pmd = yield from upper_tables(mm, part.new, walk)
    new_slot = part.new >> PMD_SHIFT & 511
    old, new = Place(pmd, slot), Place(new_pmd, new_slot)
    if mm.is_huge(pmd, slot):
        if part.size == PMD_SIZE:
            yield from move_huge_pmd(mm, old, new)
            return
        yield from split_huge_pmd(mm, pmd, slot)
        if not mem.at(pmd, slot):
            return  # a file's huge mapping is not split: its entry is cleared
    elif (
        part.size == PMD_SIZE
        and not mem.at(new_pmd, new_slot)
        and (yield from _move_table(mm, "move_normal_pmd", old, new))
    ):
        return
    done = False
    while not done and mem.at(pmd, slot):  # once, unless another task has freed one of the tables
        theirs = int((yield from visit(mm, new_pmd, new_slot)))
        assert theirs  # nobody maps a huge page at the new place: its VMA is locked
        ours = yield from arrive(mm, pmd, slot)
        done = ours is None
        if ours is not None:
            here, there = Found(pmd, slot, ours), Found(new_pmd, new_slot, theirs)
            done = yield from move_ptes(mm, here, there, part)
            yield from machine.scheme.visitor_leaves(mm, ours)
        yield from machine.scheme.visitor_leaves(mm, theirs)


def _move_table(mm: Mm, fn: str, old: Place, new: Place) -> Path[bool]:
    """move_normal_pud(), move_normal_pmd(): unhook the table here, hook it in there.

    False: a collapse that came through the file has taken it meanwhile (CVE-2024-50066, fixed by
    <20241007-move_normal_pmd-vs-collapse-fix-2-v1-1-5ead9631f2ea@google.com>). A task that comes
    through the file must find it in exactly one place, so take_rmap_locks() keeps such tasks out.
    """
    machine, mem = mm.machine, mm.machine.mem
    seen = int(mem.at(*old))
    name, of, new_of = "pmd_lock", old[0], new[0]
    if fn == "move_normal_pud":
        name, of, new_of = "page_table_lock", mm.id, mm.id
    yield from machine.lock(fn, name, of, "spin")
    if new_of != of:
        yield from machine.lock("spin_lock_nested", name, new_of, "spin")
    table = seen if machine.others.lacks(Precaution.RMAP_LOCKS) else int(mem.at(*old))
    there = bool(table) and not (name == "pmd_lock" and mm.is_huge(*old))
    if there:
        mem.unhook(table)
        mem.hook(table, *new)
        yield Step(Kind.MOVE, fn, table, 0, 1, Moved(old, new))
        yield from machine.flush("flush_tlb_range", table, 0)
    if new_of != of:
        yield machine.unlock("spin_unlock", name)
    yield machine.unlock("spin_unlock", name)
    return there


def move_ptes(mm: Mm, here: Found, there: Found, part: Extent) -> Path[bool]:
    """Entry by entry, under both PTE locks; none entries are skipped.

    False (-EAGAIN): one of the tables is no longer there. The kernel checks our table again under
    its lock. The other table cannot go: it holds nothing through which another task could find it.
    """
    machine = mm.machine
    ours, theirs = first_of(here.tables), first_of(there.tables)
    first, n = part.old >> PAGE_SHIFT & 511, part.size >> PAGE_SHIFT
    shift = (part.new >> PAGE_SHIFT & 511) - first
    if (yield from pte_offset_map_lock(machine, here)):
        return False
    if not machine.others.still_hooked(*there):
        yield machine.unlock("pte_unmap_unlock", "ptl")
        return False
    yield from machine.lock("pte_offset_map_rw_nolock", "ptl", theirs, "spin")
    moved = 0
    for some in chunks(machine.grain, slice(first, first + n)):
        target = slice(some.start + shift, some.stop + shift)
        moved += yield from _move_entries(mm, ours, some, theirs, target)
    flush_locked = not machine.others.lacks(Precaution.FLUSH_LOCKED)
    if moved:
        yield from machine.scheme.entries_mapped(mm, theirs, moved)
        if flush_locked:
            yield from machine.flush("flush_tlb_range", ours, 0)
    yield machine.unlock("spin_unlock", "ptl")
    yield machine.unlock("pte_unmap_unlock", "ptl")
    if moved and not flush_locked:  # until eb66ae030829 (4.19)
        yield from machine.flush("flush_tlb_range", ours, 0)
    if moved:
        yield from machine.scheme.entries_unmapped(mm, ours, moved)
    return True


def _move_entries(mm: Mm, ours: int, some: slice, theirs: int, target: slice) -> Path[int]:
    """Move the entries `some` of our table to `target` of the other; returns how many there were."""
    mem, scheme = mm.machine.mem, mm.machine.scheme
    words = mem.entries[ours, some].copy()
    filled = words != 0
    moved = int(count_each(ours, filled))
    if moved:
        words[pte.is_present(words)] |= U64(pte.SOFT_DIRTY)
        mem.write(ours, some, 0)
        mem.write(theirs, target, np.where(filled, words, mem.entries[theirs, target]))
        zero = int(np.count_nonzero(pte.is_zero_page(words)))
        scheme.entries_changed(mm, ours, -moved, -zero)
        scheme.entries_changed(mm, theirs, moved, zero)
        yield Step(Kind.SET, "move_ptes", theirs, moved, 1, EntriesSet(target, Maps.MOVED))
    return moved


def try_realign_addr(
    mm: Mm, vma: Vma, old: int, copy: Vma, new: int, length: int
) -> tuple[int, int]:
    """Round a move down to whole PTE pages, if nothing else is mapped below at either end (6.7)."""
    offset = old % PMD_SIZE
    if not offset or offset != new % PMD_SIZE or length < PMD_SIZE - offset:
        return old, new
    for start, address in ((vma.start, old), (copy.start, new)):
        below = find_vma_intersection(mm.vmas, address - offset, start)
        if start != address or below is not None:
            return old, new
    return old - offset, new - offset
