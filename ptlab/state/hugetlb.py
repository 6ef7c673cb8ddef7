"""hugetlb: the machine's pools of huge pages, and who has a promise of one.

Kernel source: mm/hugetlb.c, struct hstate and struct resv_map (Linux 6.18). A mapping reserves its
pages at mmap(), so that no fault of its owner fails later. Simplified: one NUMA node, no surplus pages
(nr_overcommit_hugepages is 0), no subpools (mounts with a size), no cgroups.
"""

from __future__ import annotations

from collections.abc import Iterable

from ptlab.base.geometry import PAGE_SHIFT, PMD_SIZE, PUD_SIZE, Level
from ptlab.base.store import Store

_NR, _FREE, _RESERVED = range(3)


class Hstate:
    """struct hstate: the pool of the huge pages of one size.

    size   bytes of one huge page: 2 MiB or 1 GiB
    pages  the same in pages of 4 KiB
    level  of the table whose entry maps one: PMD or PUD
    """

    def __init__(self, store: Store, size: int, level: Level) -> None:
        self._store, self.size, self.level = store, size, level
        self.pages = size >> PAGE_SHIFT
        self._counts = [0, 0, 0]

    @property
    def nr_huge_pages(self) -> int:
        """How many pages the pool has, those in use too (HugePages_Total)."""
        return self._counts[_NR]

    @property
    def free_huge_pages(self) -> int:
        """How many of them nobody uses (HugePages_Free)."""
        return self._counts[_FREE]

    @property
    def resv_huge_pages(self) -> int:
        """How many of the free ones are promised to somebody (HugePages_Rsvd)."""
        return self._counts[_RESERVED]

    @property
    def available(self) -> int:
        """available_huge_pages(): free, and promised to nobody."""
        return self.free_huge_pages - self.resv_huge_pages

    def resize(self, pages: int) -> None:
        """Have `pages` in the pool from now on (nr_hugepages); the caller knows that it can be done."""
        delta = pages - self.nr_huge_pages
        self._add(_NR, delta)
        self._add(_FREE, delta)

    def take(self, reserved: bool) -> None:
        """A free page is used from now on; `reserved`: by whom it was promised to."""
        self._add(_FREE, -1)
        if reserved:
            self.reserve(-1)

    def give_back(self, reserved: bool) -> None:
        """Nobody uses this page any more; `reserved`: it is promised again."""
        self._add(_FREE, 1)
        if reserved:
            self.reserve(1)

    def reserve(self, pages: int) -> None:
        """Promise so many pages more, or fewer below 0."""
        self._add(_RESERVED, pages)

    def _add(self, which: int, delta: int) -> None:
        if delta:
            self._store.put(self, "_counts", which, self._counts[which] + delta)

    def __str__(self) -> str:
        return f"{'2 MiB' if self.size == PMD_SIZE else '1 GiB'} pages"


class ResvMap:
    """struct resv_map: some indexes of huge pages in a file or a mapping.

    Of a file: the pages that are promised, or there. Of a private mapping: those whose promise is used
    up.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._inside: list[frozenset[int]] = [frozenset()]

    def count(self, indexes: Iterable[int]) -> int:
        """region_count(): how many of these are in the map."""
        return len(self._inside[0].intersection(indexes))

    def add(self, indexes: Iterable[int]) -> None:
        """region_add()"""
        self._put(self._inside[0].union(indexes))

    def delete(self, indexes: Iterable[int]) -> int:
        """region_del(): returns how many were in the map."""
        gone = self.count(indexes)
        self._put(self._inside[0].difference(indexes))
        return gone

    def above(self, first: int) -> frozenset[int]:
        """Those from `first` on."""
        return frozenset(index for index in self._inside[0] if index >= first)

    def _put(self, inside: frozenset[int]) -> None:
        if inside != self._inside[0]:
            self._store.put(self, "_inside", 0, inside)


class HugeTlb:
    """The pools of a machine by the size of a page, and the pages that are promised again when freed.

    restore  frames with HPageRestoreReserve
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.hstates = {
            size: Hstate(store, size, level)
            for size, level in ((PMD_SIZE, Level.PMD), (PUD_SIZE, Level.PUD))
        }
        self._restore: list[frozenset[int]] = [frozenset()]

    def restores(self, frame: int) -> bool:
        """folio_test_hugetlb_restore_reserve()"""
        return frame in self._restore[0]

    def set_restore(self, frame: int, on: bool) -> None:
        """folio_set_hugetlb_restore_reserve() and folio_clear_hugetlb_restore_reserve()"""
        change = self._restore[0].union if on else self._restore[0].difference
        self._store.put(self, "_restore", 0, change([frame]))
