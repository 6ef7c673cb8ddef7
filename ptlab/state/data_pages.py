"""What the kernel notes of each data page in its `struct page`: who maps it, and whose it is.

Kernel source: include/linux/page-flags.h, PageAnonExclusive(); mm/memory.c, copy_present_page(),
do_wp_page(); mm/swap.c, folio_mark_lazyfree() (Linux 6.12). Columns by frame, which are empty until the
first fork, or the first MADV_FREE, needs them.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.store import Store
from ptlab.state.columns import longer, of_rows

T = TypeVar("T", bound=np.generic)
Frames = NDArray[np.uint64]
Mask = NDArray[np.bool_]


class DataPages:
    """The data pages of one machine.

    shares    how many processes more than one map the page
    forked    fork has taken PG_anon_exclusive from it
    lazyfree  MADV_FREE has given it up: PG_swapbacked is not set
    blank     it is a part of a huge page that nobody has written to yet: full of zeros
    """

    def __init__(self, store: Store, next_frame: list[int]) -> None:
        self._store, self._next_frame = store, next_frame
        self.shares: NDArray[np.int32] = np.zeros(0, np.int32)
        self.forked: Mask = np.zeros(0, np.bool_)
        self.lazyfree: Mask = np.zeros(0, np.bool_)
        self.blank: Mask = np.zeros(0, np.bool_)

    def share(self, frames: Frames) -> None:
        """fork: one process more maps each of these anonymous pages, and none is exclusive now."""
        index = _index(frames)
        if len(index):
            self.shares, self.forked = self._long(self.shares), self._long(self.forked)
            self._store.add(self, "shares", index, 1)
            self._store.put(self, "forked", index, True)

    def unshare(self, words: Any) -> None:
        """These entries go: one process less maps their anonymous pages. O(entries)."""
        if len(self.shares):
            words = np.atleast_1d(np.asarray(words, np.uint64))
            frames = pte.pfn(words[pte.is_present(words)])
            index = _index(frames[_of(self.shares, frames)])
            if len(index):
                self._store.add(self, "shares", index, -1)

    def shared(self, frames: Frames) -> Mask:
        """Which of these anonymous pages another process maps too."""
        return _of(self.shares, frames)

    def own_and_filed(self, words: Any) -> tuple[list[int], list[int]]:
        """What these entries map: anonymous pages that no other process maps, and pages of files."""
        words = np.atleast_1d(np.asarray(words, np.uint64))
        frames = pte.pfn(words[pte.is_present(words) & ~pte.is_zero_page(words)])
        filed = frames >= pte.FILE_FRAME
        return frames[~filed & ~self.shared(frames)].tolist(), frames[filed].tolist()

    def exclusive(self, frames: Frames) -> Mask:
        """PageAnonExclusive(): anonymous pages that are this process's own beyond doubt.

        Fork takes the flag away. That the child has gone does not bring it back; a write fault that
        reuses the page does.
        """
        own: Mask = (frames >= pte.FIRST_FRAME) & (frames < pte.FILE_FRAME)
        return own & ~_of(self.forked, frames) if len(self.forked) else own

    def reuse(self, frames: Frames) -> None:
        """SetPageAnonExclusive(): a write fault has found nobody else at these pages."""
        forked = _of(self.forked, frames)
        if forked.any():
            self._store.put(self, "forked", _index(frames[forked]), False)

    def give_up(self, frames: Frames) -> None:
        """folio_mark_lazyfree(): MADV_FREE of these anonymous pages."""
        self.lazyfree = self._long(self.lazyfree)
        self._store.put(self, "lazyfree", _index(frames), True)

    def given_up(self, frames: Frames) -> Mask:
        """Which of these pages MADV_FREE has given up."""
        return _of(self.lazyfree, frames)

    def new_huge(self, frames: Frames, blank: Mask | bool = True) -> None:
        """A huge page has been made, of zeros unless `blank` says which parts are."""
        self.blank = self._long(self.blank)
        self._store.put(self, "blank", _index(frames), blank)

    def written(self, frames: Frames) -> None:
        """A program has written to these pages."""
        blank = _of(self.blank, frames)
        if blank.any():
            self._store.put(self, "blank", _index(frames[blank]), False)

    def blank_parts(self, frames: Frames) -> Mask:
        """Which of these pages are parts of a huge page that nobody has written to."""
        return _of(self.blank, frames)

    def _long(self, column: NDArray[T]) -> NDArray[T]:
        """The column with a place for every page there is."""
        pages = self._next_frame[0] - pte.FIRST_FRAME
        if pages <= len(column):
            return column
        return longer(column, 2 * pages)


def _index(frames: Frames) -> NDArray[np.int64]:
    return frames.astype(np.int64) - pte.FIRST_FRAME


def _of(column: NDArray[Any], frames: Frames) -> Mask:
    """Where the column is set, for each of `frames`; not for those that it has no place for."""
    if not len(column):
        return np.zeros(frames.shape, np.bool_)
    found: Mask = of_rows(column, _index(frames)) != 0
    return found
