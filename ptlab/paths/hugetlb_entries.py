"""hugetlb: one entry that maps a huge page, of a PMD page (2 MiB) or of a PUD page (1 GiB).

Kernel source: mm/hugetlb.c, hugetlb_walk(), huge_pte_lock(), make_huge_pte(),
__unmap_hugepage_range() (Linux 6.18).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import EntriesCleared, EntriesSet, Maps, Place
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.hugetlb_pool import free_huge_folio, index_of, restore_reservation
from ptlab.paths.hugetlb_share import after_shared, huge_pmd_unshare
from ptlab.state.mm import Count, Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.shared_tables import places
from ptlab.state.vma import Vma

U64 = np.uint64


def hugetlb_walk(mm: Mm, vma: Vma, address: int) -> Place | None:
    """The entry for `address`, of a PMD page or a PUD page; None where the table is missing."""
    level = vma.hstate.level
    table = mm.lookup(address, level)
    return Place(table, mm.machine.geometry.index(address, level)) if table else None


def lock_huge_pte(mm: Mm, place: Place, nested: bool = False) -> Path[bool]:
    """huge_pte_lock(): the lock of the PMD page, or for a PUD entry page_table_lock."""
    fn = "spin_lock_nested" if nested else "huge_pte_lock"
    return mm.machine.lock(fn, *_lock_of(mm, place), "spin")


def unlock_huge_pte(mm: Mm, place: Place) -> Step:
    """The other end of lock_huge_pte()."""
    return mm.machine.unlock("spin_unlock", _lock_of(mm, place)[0])


def _lock_of(mm: Mm, place: Place) -> tuple[str, int]:
    by_table = mm.machine.mem.level[place.table] == Level.PMD
    return ("pmd_lock", place.table) if by_table else ("page_table_lock", mm.id)


def word_at(mm: Mm, place: Place) -> int:
    """The entry."""
    return mm.machine.mem.entries.word(place.table, place.slot)


def columns(place: Place) -> slice:
    """The entry, as a step names it."""
    return slice(place.slot, place.slot + 1)


def is_anon(word: int) -> bool:
    """Whether a huge entry maps a process's own page, not one of the page cache."""
    return int(pte.pfn(word)) < pte.FILE_FRAME


def frame_of(word: int) -> Any:
    """The first frame of a huge entry's page, which stands for the page; an array of one."""
    return np.array([pte.pfn(word)], U64)


def set_huge_pte(mm: Mm, vma: Vma, place: Place, word: int, fn: str) -> Step:
    """Map a huge page where nothing is, and count it (hugetlb_count_add())."""
    mm.machine.others.smp_wmb()
    mm.machine.mem.write(place.table, place.slot, word)
    _count(mm, place, vma.hstate.pages)
    return Step(Kind.SET, fn, place.table, 1, 1, EntriesSet(columns(place), Maps.HUGE))


def _count(mm: Mm, place: Place, pages: int) -> None:
    """hugetlb_count_add(): who maps a page counts it; all that share the table have it."""
    mem = mm.machine.mem
    mm.count(Count.HUGETLB, pages)
    mms = {one.id: one for one in mm.machine.mms}
    for parent, _ in places(mem, place.table):
        mms[mem.mm.item(parent)].count(Count.HUGETLB_SEEN, pages)


def clear_huge_pte(mm: Mm, vma: Vma, place: Place, fn: str) -> Step:
    """Unmap a huge page; the caller says what becomes of it."""
    mm.machine.mem.write(place.table, place.slot, 0)
    _count(mm, place, -vma.hstate.pages)
    return Step(Kind.CLEAR, fn, place.table, 1, 1, EntriesCleared(columns(place)))


def put_anon_page(mm: Mm, vma: Vma, word: int) -> None:
    """One process less maps an anonymous huge page; the last one gives it back to the pool."""
    pages, frame = mm.machine.pages, frame_of(word)
    if pages.shared(frame).any():
        pages.unshare(pte.anon_entry(frame, False))
    else:
        free_huge_folio(mm.machine, vma, int(frame[0]))


def unmap_hugepage_range(mm: Mm, vma: Vma, start: int, end: int, only: int = 0) -> Path[int]:
    """__unmap_hugepage_range(): clear the entries of [start, end); no table goes. Returns how many.

    `only`: those that map the page of this entry.
    """
    h, gone, following = vma.hstate, 0, start
    while following < end:
        address, following = following, following + h.size
        if (yield from huge_pmd_unshare(mm, vma, address)):
            gone, following = gone + 1, after_shared(address)
        place = hugetlb_walk(mm, vma, address)
        if place is None or not word_at(mm, place):
            continue
        word = word_at(mm, place)
        if only and pte.pfn(word) != pte.pfn(only):
            continue
        yield from lock_huge_pte(mm, place)
        yield clear_huge_pte(mm, vma, place, "__unmap_hugepage_range")
        if is_anon(word):
            restore_reservation(mm.machine, vma, index_of(vma, address), int(pte.pfn(word)))
            put_anon_page(mm, vma, word)
        gone += 1
        yield unlock_huge_pte(mm, place)
    return gone


@not_in_kernel
def unmap_hugetlb(mm: Mm, tlb: MmuGather, vma: Vma, start: int, end: int) -> Path[None]:
    """The same for a zap that flushes when it has collected all."""
    gone = yield from unmap_hugepage_range(mm, vma, start, end)
    if gone:
        tlb.reach(start, end)
        tlb.add_pages(gone)
