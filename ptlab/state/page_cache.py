"""Files and shared memory: struct address_space, the page cache of one file.

Kernel source: mm/shmem.c, mm/filemap.c (Linux 6.12). Simplified: the page cache holds single pages
(the only large folios are those that MADV_COLLAPSE makes) and never loses one to reclaim; a hole in
a file on disk is not modelled, because readahead would decide what an access brings in.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.errors import NotModelled
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PTRS_PER_TABLE, page_align
from ptlab.state.machine import Machine

T = TypeVar("T", bound=np.generic)


def known(call: str, file: object, machine: Machine) -> File:
    """`file`, if it is one of `machine`; TypeError: not a file; ValueError: another machine's."""
    if not isinstance(file, File):
        raise TypeError(f"{call}: file must be what Process.file() returns, not {file!r}")
    if file.machine is not machine:
        raise ValueError(f"{call}: {file} is on another machine: make one with this process")
    return file


def new_file(machine: Machine, size: int, kind: str, filled: bool) -> File:
    """A file of `size` bytes; `kind` as in File."""
    file = File(machine, len(machine.files), size, kind, filled)
    machine.store.put(machine, "_files", 0, (*machine.files, file))
    return file


class File:
    """A file: `kind` is "memfd" (tmpfs), "shm" (shared anonymous memory) or "disk".

    size   i_size in bytes
    cache  frame of each cached page by page offset, 0 for none
    blank  whether each cached page waits for its first access: fallocate() takes pages without
           zeroing them (PG_uptodate is not set)
    order  of each page, how large its folio is: 9 for a huge page of 2^9 pages, 0 for a page alone
    """

    def __init__(self, machine: Machine, number: int, size: int, kind: str, filled: bool) -> None:
        self.machine, self.number, self.kind = machine, number, kind
        self._size = [size]
        self.cache: NDArray[np.int64] = np.zeros(0, np.int64)
        self.blank: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.order: NDArray[np.int8] = np.zeros(0, np.int8)
        self.reserve(page_align(size) >> PAGE_SHIFT)
        if filled:
            # Content that a file has from the start is not an event: written past the store,
            # it is there at every moment, those before the file was made included.
            self.cache += np.arange(self.pages) + machine.frames(self.pages) + pte.FILE_FRAME

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
                longer = _longer(self.cache, pages), _longer(self.blank, pages)
            except (MemoryError, ValueError):  # ValueError: numpy cannot even count its bytes
                size = pages << PAGE_SHIFT
                message = f"a file of {size} bytes: its page cache does not fit in memory here"
                raise NotModelled(message) from None
            self.cache, self.blank = longer
            self.order = _longer(self.order, pages)

    def bring(self, page: int) -> None:
        """An access to `page`: it is in the cache afterwards, with its content."""
        if not self.frame(page):
            self._take(np.array([page]))
        if self.blank[page]:
            self.machine.store.put(self, "blank", page, False)

    def allocate(self, first: int, count: int) -> None:
        """Take pages [first, first + count) into the cache, blank; those that are there are zeroed."""
        missing = np.flatnonzero(self.cache[first : first + count] == 0) + first
        self.machine.store.put(self, "blank", slice(first, first + count), False)
        if len(missing):
            self._take(missing)
            self.machine.store.put(self, "blank", missing, True)

    def _take(self, pages: NDArray[np.int64]) -> None:
        frames = self.machine.frames(len(pages)) + pte.FILE_FRAME
        self.machine.store.put(self, "cache", pages, np.arange(len(pages)) + frames)

    def drop(self, first: int, count: int) -> None:
        """Take pages [first, first + count) out of the cache."""
        store = self.machine.store
        store.put(self, "cache", slice(first, first + count), 0)
        store.put(self, "blank", slice(first, first + count), False)
        store.put(self, "order", slice(first, first + count), 0)

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

    def ready(self, page: int) -> bool:
        """Whether fault-around may map `page`: it is cached, with its content, and in the file."""
        return page < self.pages and bool(self.frame(page)) and not self.blank[page]

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"{self.kind} file {self.number} ({self.size // PAGE_SIZE} pages)"


def _longer(column: NDArray[T], size: int) -> NDArray[T]:
    grown = np.zeros(size, column.dtype)
    grown[: len(column)] = column
    return grown
