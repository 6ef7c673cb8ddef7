"""Files and shared memory: struct address_space, the page cache of one file.

Kernel source: mm/shmem.c, mm/filemap.c (Linux 6.12). Simplified: the page cache holds single pages
(no large folios but those that MADV_COLLAPSE makes) and never loses one to reclaim; a hole in a file
on disk is not modelled, because readahead would decide what an access brings in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.geometry import PAGE_SHIFT, PAGE_SIZE, page_align

if TYPE_CHECKING:
    from ptlab.machine import Machine


class File:
    """A file: `kind` is "memfd" (tmpfs), "shm" (shared anonymous memory) or "disk".

    size   one element: i_size in bytes
    cache  frame of each cached page by page offset, 0 for none
    huge   whether each 2 MiB of the cache is one huge page
    """

    def __init__(self, machine: Machine, number: int, size: int, kind: str, filled: bool) -> None:
        self.machine, self.number, self.kind = machine, number, kind
        self.size = [size]
        self.cache: NDArray[np.int64] = np.zeros(0, np.int64)
        self.huge: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._reserve(size)
        if filled:
            self.fill(0, self.pages)

    @property
    def pages(self) -> int:
        """How many pages the file has, the last one perhaps in part."""
        return page_align(self.size[0]) >> PAGE_SHIFT

    def _reserve(self, size: int) -> None:
        pages = page_align(size) >> PAGE_SHIFT
        if pages > len(self.cache):
            self.cache = np.concatenate([self.cache, np.zeros(pages - len(self.cache), np.int64)])
            self.huge = np.concatenate(
                [self.huge, np.zeros((pages + 511) // 512 - len(self.huge), np.bool_)]
            )

    def fill(self, first: int, count: int) -> None:
        """Bring pages [first, first + count) into the cache; those that are there stay."""
        missing = np.flatnonzero(self.cache[first : first + count] == 0) + first
        if len(missing):
            frames = self.machine.frames(len(missing)) + pte.FILE_FRAME
            self.machine.store.put(self, "cache", missing, np.arange(len(missing)) + frames)

    def drop(self, first: int, count: int) -> None:
        """Take pages [first, first + count) out of the cache."""
        store = self.machine.store
        store.put(self, "cache", slice(first, first + count), 0)
        store.put(self, "huge", slice(first >> 9, (first + count + 511) >> 9), False)

    def resize(self, size: int) -> None:
        """Set i_size."""
        self._reserve(size)
        self.machine.store.put(self, "size", 0, size)

    def frame(self, page: int) -> int:
        """The cached frame of `page`, 0 if it is not in the cache."""
        return int(self.cache[page]) if page < len(self.cache) else 0

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"{self.kind} file {self.number} ({self.size[0] // PAGE_SIZE} pages)"
