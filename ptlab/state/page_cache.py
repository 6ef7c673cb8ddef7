"""Files and shared memory: struct address_space, the page cache of one file.

Kernel source: mm/shmem.c, mm/filemap.c (Linux 6.12). Simplified: the page cache holds single pages
(the only large folios are those that MADV_COLLAPSE makes) and never loses one to reclaim; a hole in
a file on disk is not modelled, because readahead would decide what an access brings in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.errors import NotModelled
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PTRS_PER_TABLE, page_align
from ptlab.state.columns import longer, of_rows
from ptlab.state.hugetlb import Hstate, ResvMap
from ptlab.state.machine import Machine

_CHUNK = 1 << 16
"""Pages of a file, 256 MiB, of which is noted whether any was ever in the cache."""

_HUGE_ORDER = 9


def known(call: str, file: object, machine: Machine) -> File:
    """`file`, if it is one of `machine`; TypeError: not a file; ValueError: another machine's."""
    if not isinstance(file, File):
        raise TypeError(f"{call}: file must be what Process.file() returns, not {file!r}")
    if file.machine is not machine:
        raise ValueError(f"{call}: {file} is on another machine: make one with this process")
    return file


def new_file(
    machine: Machine,
    size: int,
    kind: str,
    filled: bool,
    hugetlb: int = 0,
    opened: bool = True,
    huge: int = 0,
) -> File:
    """A file of `size` bytes; `kind` as in File. `hugetlb`: its huge pages have this size.

    Of what is `filled` the first `huge` pages are huge ones of 2 MiB.
    """
    file = File(machine, len(machine.files), size, kind, filled, huge)
    if hugetlb:
        file.hstate, file.reserved = machine.hugetlb.hstates[hugetlb], ResvMap(machine.store)
    file.opened = opened
    machine.store.put(machine, "_files", 0, (*machine.files, file))
    return file


class File:
    """A file: `kind` is "memfd" (tmpfs), "shm" (shared anonymous memory), "disk" or "hugetlb".

    size   i_size in bytes
    hstate    of hugetlb: the pool that its pages come from
    reserved  of hugetlb: the huge pages that are promised to it, or there
    opened    a program can still open it: it outlives its mappings
    cache  frame of each cached page by page offset, 0 for none
    blank  whether each cached page waits for its first access: fallocate() takes pages without
           zeroing them (PG_uptodate is not set)
    order  of each page, how large its folio is: 9 for a huge page of 2^9 pages, 0 for a page alone
    """

    def __init__(
        self, machine: Machine, number: int, size: int, kind: str, filled: bool, huge: int = 0
    ) -> None:
        self.machine, self.number, self.kind = machine, number, kind
        self._size = [size]
        self.hstate: Hstate | None = None
        self.reserved: ResvMap | None = None
        self.opened = True
        self.cache: NDArray[np.int64] = np.zeros(0, np.int64)
        self.blank: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.order: NDArray[np.int8] = np.zeros(0, np.int8)
        self._reached: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.reserve(page_align(size) >> PAGE_SHIFT)
        if filled:
            self._reached[:] = True
            # Content that a file has from the start is not an event: written past the store,
            # it is there at every moment, those before the file was made included.
            self.reserve(huge)
            for first in range(0, huge, PTRS_PER_TABLE):
                frames = (
                    np.arange(PTRS_PER_TABLE, dtype=np.int64)
                    + machine.huge_frames()
                    + pte.FILE_FRAME
                )
                self.cache[first : first + PTRS_PER_TABLE] = frames
            self.order[:huge] = _HUGE_ORDER
            small = np.arange(max(self.pages - huge, 0), dtype=np.int64)
            self.cache[huge:] = small + machine.frames(len(small)) + pte.FILE_FRAME

    @property
    def size(self) -> int:
        """i_size in bytes."""
        return self._size[0]

    @property
    def pages(self) -> int:
        """How many pages the file has. The last one may be a partial page."""
        return page_align(self.size) >> PAGE_SHIFT

    def reserve(self, pages: int) -> None:
        """Have a place for so many pages in the cache."""
        if pages > len(self.cache):
            try:
                cache, blank = longer(self.cache, pages), longer(self.blank, pages)
                order = longer(self.order, pages)
            except (MemoryError, ValueError):  # ValueError: numpy cannot even count its bytes
                size = pages << PAGE_SHIFT
                message = f"a file of {size} bytes: its page cache does not fit in memory here"
                raise NotModelled(message) from None
            self.cache, self.blank, self.order = cache, blank, order
            self._reached = longer(self._reached, -(-pages // _CHUNK))

    def bring(self, pages: NDArray[np.int64]) -> None:
        """An access to each of `pages`: they are in the cache afterwards, with their content."""
        missing = pages[self.cache[pages] == 0]
        if len(missing):
            self._take(missing)
        blank = pages[self.blank[pages]]
        if len(blank):
            self.machine.store.put(self, "blank", blank, False)
            if self.order[blank].any():  # a folio has its content as a whole
                for folio in {self.folio(page) for page in blank.tolist()}:
                    self.machine.store.put(self, "blank", slice(folio.start, folio.stop), False)

    def bring_huge(self, first: int) -> None:
        """A huge page of 2 MiB comes into the cache, in place of what was there."""
        pages = slice(first, first + PTRS_PER_TABLE)
        self.reserve(pages.stop)
        self._reached[first // _CHUNK] = True
        frame = self.machine.huge_frames() + pte.FILE_FRAME
        frames = np.arange(frame, frame + PTRS_PER_TABLE, dtype=np.int64)
        self.machine.store.put(self, "cache", pages, frames)
        self.machine.store.put(self, "blank", pages, False)
        self.set_order(range(pages.start, pages.stop), _HUGE_ORDER)

    def allocate(self, first: int, count: int) -> None:
        """Take pages [first, first + count) into the cache, blank; those that are there are zeroed."""
        missing = np.flatnonzero(self.cache[first : first + count] == 0).astype(np.int64) + first
        zeroed = slice(self.folio(first).start, self.folio(first + count - 1).stop)
        self.machine.store.put(self, "blank", zeroed, False)
        if len(missing):
            self._take(missing)
            self.machine.store.put(self, "blank", missing, True)

    def _take(self, pages: NDArray[np.int64]) -> None:
        self._reached[pages // _CHUNK] = True
        frames = self.machine.frames(len(pages)) + pte.FILE_FRAME
        self.machine.store.put(self, "cache", pages, np.arange(len(pages), dtype=np.int64) + frames)

    def put_huge(self, index: int, frame: int) -> None:
        """hugetlb_add_to_page_cache(): a huge page comes into the cache."""
        assert self.hstate is not None
        first, pages = index * self.hstate.pages, self.hstate.pages
        self.reserve(first + pages)
        self._reached[first // _CHUNK : (first + pages - 1) // _CHUNK + 1] = True
        frames = np.arange(frame, frame + pages, dtype=np.int64)
        self.machine.store.put(self, "cache", slice(first, first + pages), frames)

    def drop(self, first: int, count: int) -> None:
        """Take pages [first, first + count) out of the cache."""
        pages = self.cached(first, count)
        if len(pages):
            for column in ("cache", "blank", "order"):
                self.machine.store.put(self, column, pages, 0)

    def cached(self, first: int, count: int) -> NDArray[np.int64]:
        """Which of the pages [first, first + count) are in the cache.

        Only chunks that ever had a page are looked at: a large file that nobody reads costs nothing.
        """
        chunks = np.flatnonzero(self._reached[first // _CHUNK : -(-(first + count) // _CHUNK)])
        found = [np.zeros(0, np.int64)]
        for chunk in (chunks + first // _CHUNK).tolist():
            start, stop = max(chunk * _CHUNK, first), min((chunk + 1) * _CHUNK, first + count)
            found.append(np.flatnonzero(self.cache[start:stop]) + start)
        return np.concatenate(found)

    def folio(self, page: int) -> range:
        """The pages of the folio that `page` is in."""
        size = 1 << int(self.order[page]) if page < len(self.order) else 1
        return range(page & -size, (page & -size) + size)

    def is_huge(self, page: int) -> bool:
        """Whether `page` is in a folio of 2 MiB."""
        return len(self.folio(page)) == PTRS_PER_TABLE

    def set_order(self, pages: range, order: int) -> None:
        """These pages are folios of 2^order pages from now on."""
        self.machine.store.put(self, "order", slice(pages.start, pages.stop), order)

    def split_around(self, page: int) -> None:
        """folio_split(): halve the folio of `page` again and again, until the page stands alone."""
        folio = self.folio(page)
        first, order = folio.start, len(folio).bit_length() - 1
        while order:
            order -= 1
            half = first + (1 << order)
            below = page < half
            rest = range(half, half + (1 << order)) if below else range(first, half)
            self.set_order(rest, order)
            first = first if below else half
        self.set_order(range(page, page + 1), 0)

    def resize(self, size: int) -> None:
        """Set i_size."""
        self.reserve(page_align(size) >> PAGE_SHIFT)
        self.machine.store.put(self, "_size", 0, size)

    def frame(self, page: int) -> int:
        """The cached frame of `page`, 0 if it is not in the cache."""
        return int(self.cache[page]) if page < len(self.cache) else 0

    def frames(self, pages: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same of many pages; of those behind the end of the file 0."""
        frames: NDArray[np.int64] = of_rows(self.cache, pages)
        return frames

    def ready(self, pages: NDArray[np.int64]) -> NDArray[np.int64]:
        """The frames of those that fault-around may map: cached, with content, and in the file."""
        ready: NDArray[np.bool_] = (pages < self.pages) & ~of_rows(self.blank, pages)
        return self.frames(pages) * ready

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"{self.kind} file {self.number} ({self.size // PAGE_SIZE} pages)"
