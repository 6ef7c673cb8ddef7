"""hugetlb: what mprotect, fork and mremap do with a range of huge pages.

Kernel source: mm/hugetlb.c, hugetlb_change_protection(), copy_hugetlb_page_range(),
move_hugetlb_page_tables() (Linux 6.18).
"""

from __future__ import annotations

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import EntriesProtected, EntriesSet, Maps, Moved, Place
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.hugetlb_entries import (
    columns,
    frame_of,
    hugetlb_walk,
    is_anon,
    lock_huge_pte,
    unlock_huge_pte,
    word_at,
)
from ptlab.paths.hugetlb_share import (
    after_shared,
    huge_pmd_unshare,
    i_mmap_lock_write,
    i_mmap_unlock_write,
)
from ptlab.paths.table_alloc import upper_tables
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import Vma

U64 = np.uint64


def hugetlb_change_protection(mm: Mm, vma: Vma, start: int, end: int, prot: int) -> Path[int]:
    """Rewrite the entries of [start, end). Those of a private mapping stay read-only: a write asks.

    Returns how many.
    """
    changed, following = 0, start
    yield from i_mmap_lock_write(mm, vma)
    while following < end:
        address, following = following, following + vma.hstate.size
        if (yield from huge_pmd_unshare(mm, vma, address)):
            changed, following = changed + 1, after_shared(address)
            continue
        place = hugetlb_walk(mm, vma, address)
        if place is None or not word_at(mm, place):
            continue
        yield from lock_huge_pte(mm, place)
        word = np.array([word_at(mm, place)], U64)
        mm.machine.mem.write(
            place.table, place.slot, int(pte.protect(word, prot, not vma.shared)[0])
        )
        fact = EntriesProtected(columns(place), prot if vma.shared else prot & ~2)
        yield Step(Kind.CHANGE, "hugetlb_change_protection", place.table, 1, 1, fact)
        yield unlock_huge_pte(mm, place)
        changed += 1
    yield i_mmap_unlock_write(mm)
    return changed


def copy_hugetlb_page_range(mm: Mm, child: Mm, vma: Vma) -> Path[None]:
    """fork: the child maps the same huge pages, in a private mapping read-only on both sides.

    It gets a table wherever the parent has one, even if the entry is none.
    """
    scheme, h = mm.machine.scheme, vma.hstate
    walk = yield from scheme.walk_begins(child, vma.start, vma.end)
    for address in range(vma.start, vma.end, h.size):
        ours = hugetlb_walk(mm, vma, address)
        if ours is None:
            continue
        table = yield from upper_tables(child, address, walk, h.level)
        theirs = Place(table, ours.slot)
        yield from lock_huge_pte(child, theirs)
        yield from lock_huge_pte(mm, ours, nested=True)
        if word_at(mm, ours):
            yield _copy_entry(mm, child, vma, ours, theirs)
        yield unlock_huge_pte(mm, ours)
        yield unlock_huge_pte(child, theirs)
    yield from scheme.walk_ends(child, walk)


def _copy_entry(mm: Mm, child: Mm, vma: Vma, ours: Place, theirs: Place) -> Step:
    """One page more in two processes."""
    mem, word = mm.machine.mem, word_at(mm, ours)
    if is_anon(word):
        mm.machine.pages.share(frame_of(word))
    word &= ~pte.RW
    mem.write(ours.table, ours.slot, word)
    mem.write(theirs.table, theirs.slot, word)
    child.count(Count.HUGETLB, vma.hstate.pages)
    child.count(Count.HUGETLB_SEEN, vma.hstate.pages)
    fact = EntriesSet(columns(theirs), Maps.HUGE)
    return Step(Kind.SET, "copy_hugetlb_page_range", theirs.table, 1, 1, fact)


def move_hugetlb_page_tables(mm: Mm, vma: Vma, old: int, new: int, length: int) -> Path[None]:
    """mremap: each entry that is not none goes to its new place; no table moves as a whole."""
    scheme, h = mm.machine.scheme, vma.hstate
    walk = yield from scheme.walk_begins(mm, new, new + length)
    following = 0
    yield from i_mmap_lock_write(mm, vma)
    while following < length:
        offset, following = following, following + h.size
        if (yield from huge_pmd_unshare(mm, vma, old + offset)):
            following = after_shared(old + offset) - old
            continue
        here = hugetlb_walk(mm, vma, old + offset)
        if here is None or not word_at(mm, here):
            continue
        table = yield from upper_tables(mm, new + offset, walk, h.level)
        there = Place(table, mm.machine.geometry.index(new + offset, h.level))
        yield from lock_huge_pte(mm, there)
        yield from lock_huge_pte(mm, here, nested=True)
        word = word_at(mm, here)
        mm.machine.mem.write(here.table, here.slot, 0)
        mm.machine.mem.write(there.table, there.slot, word)
        yield Step(Kind.MOVE, "move_huge_pte", there.table, 1, 1, Moved(here, there, huge=True))
        yield unlock_huge_pte(mm, here)
        yield unlock_huge_pte(mm, there)
    yield i_mmap_unlock_write(mm)
    yield from scheme.walk_ends(mm, walk)
    yield from mm.machine.flush("flush_hugetlb_tlb_range", None, 0)
