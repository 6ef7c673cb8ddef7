"""Tables whose entries follow a rule: one run of entries, same flags, consecutive pages.

A page fault on a whole range leaves such tables behind. Three numbers a table say what 512 words would,
so that memory of hundreds of GiB can be mapped on a laptop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SIZE, PTRS_PER_TABLE

Words = NDArray[np.uint64]
Rows = NDArray[np.int32]
_GROWS = np.arange(0, PTRS_PER_TABLE * PAGE_SIZE, PAGE_SIZE, dtype=np.uint64)


class EntryRuns:
    """Entries [first, stop) of a table are `word`, `word` + 4096, ...; the others are none.

    A row is a number from 1 on, which belongs to one table until it is given back.
    """

    def __init__(self) -> None:
        self.word: Words = np.zeros(64, np.uint64)
        self.first: NDArray[np.int16] = np.zeros(64, np.int16)
        self.stop: NDArray[np.int16] = np.zeros(64, np.int16)
        self._free: Rows = np.arange(63, -1, -1, dtype=np.int32)
        self._left = 63  # _free is a stack: so many of it count

    def take(self, words: Words, columns: slice) -> Rows:
        """Rows for tables whose `columns` hold `words`, (tables, entries), each a run."""
        self._have(len(words))
        self._left -= len(words)
        rows = self._free[self._left : self._left + len(words)].copy()
        self.word[rows] = words[:, 0]
        self.first[rows], self.stop[rows] = columns.start, columns.stop
        return rows

    def give_back(self, rows: Rows | list[int]) -> None:
        """These rows belong to no table any more."""
        self._free[self._left : self._left + len(rows)] = rows
        self._left += len(rows)

    def words(self, rows: Rows, columns: Any) -> Words:
        """The words at `columns`, (tables, entries): an array that the caller may keep."""
        if isinstance(columns, slice) and self.common(rows) == columns:
            together: Words = self.word[rows, None] + _GROWS[: columns.stop - columns.start]
            return together
        first, stop = self.first[rows, None], self.stop[rows, None]
        index = np.arange(PTRS_PER_TABLE, dtype=np.int64)[columns]
        # Where the run has not begun yet the difference wraps around; these entries are none.
        words = self.word[rows, None] + (_GROWS[index] - _GROWS[first])
        return np.where((index >= first) & (index < stop), words, np.uint64(0))

    def words_of_one(self, row: int) -> Words:
        """All 512 words of one table."""
        first, stop, word = self.first.item(row), self.stop.item(row), self.word.item(row)
        words = np.zeros(PTRS_PER_TABLE, np.uint64)
        np.add(_GROWS[: stop - first], word, out=words[first:stop])
        return words

    def shorten(self, row: int, columns: slice) -> int | None:
        """Clear `columns` of one table; returns how many entries are left.

        None, and nothing is done: what is left is not one run.
        """
        if not are_neighbours(columns):
            return None
        start, stop = bounds(columns)
        first, end = self.first.item(row), self.stop.item(row)
        if start <= first:
            gone = max(0, min(stop, end) - first)
            self.first[row] = first + gone
            self.word[row] += np.uint64(gone * PAGE_SIZE)
        elif stop >= end:
            gone = max(0, end - start)
            self.stop[row] = end - gone
        else:
            return None
        return end - first - gone

    def within(self, rows: Rows, columns: slice) -> NDArray[np.bool_]:
        """Which of the runs lie in `columns` from end to end."""
        start, stop = bounds(columns)
        inside: NDArray[np.bool_] = (self.first[rows] >= start) & (self.stop[rows] <= stop)
        return inside

    def common(self, rows: Rows) -> slice | None:
        """The columns of all these runs, None if they are not the same."""
        first, stop = self.first[rows], self.stop[rows]
        if (first == first[0]).all() and (stop == stop[0]).all():
            return slice(int(first[0]), int(stop[0]))
        return None

    def filled(self, rows: Rows, columns: slice) -> NDArray[np.int64]:
        """How many of the entries `columns`, which are neighbours, lie in each run."""
        start, stop = bounds(columns)
        lo, hi = np.maximum(self.first[rows], start), np.minimum(self.stop[rows], stop)
        each: NDArray[np.int64] = np.maximum(hi - lo, 0).astype(np.int64)
        return each

    def _have(self, count: int) -> None:
        while self._left < count:
            have = len(self.word)
            for name in ("word", "first", "stop", "_free"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
            self.give_back(np.arange(2 * have - 1, have - 1, -1, dtype=np.int32))


def bounds(columns: slice) -> tuple[int, int]:
    """The first entry of `columns`, and the one behind the last."""
    start, stop, _ = columns.indices(PTRS_PER_TABLE)
    return start, stop


def are_neighbours(columns: Any) -> bool:
    """Whether `columns` are a slice without a stride."""
    return isinstance(columns, slice) and columns.step in (None, 1)


def follow_a_rule(words: Words) -> NDArray[np.bool_]:
    """Which rows of `words` are consecutive pages with the same flags."""
    first = words[:, 0]
    follow: NDArray[np.bool_] = first != 0
    if words.shape[1] > 1:
        last = _GROWS[words.shape[1] - 1]
        follow &= words[:, -1] - first == last  # quick, and mostly enough to say no
        if follow.any():
            follow &= (words == first[:, None] + _GROWS[: words.shape[1]]).all(axis=1)
    return follow
