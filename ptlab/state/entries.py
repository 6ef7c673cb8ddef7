"""The entries of the page-table pages: 512 words for each table that has any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.base.tables import Tables, count_each, total

_WHOLE = (slice(0, PTRS_PER_TABLE, 1), slice(0, PTRS_PER_TABLE))


def covers_whole(columns: slice) -> bool:
    """Whether `columns` are all 512 entries of a table."""
    return columns in _WHOLE


class EntryPool:
    """The 512 words of each table that has any, addressed as `pool[tables, columns]`.

    `columns` is an index or slice into the 512 entries. Storage is taken when a table gains its
    first non-none entry and given back when it loses its last. Slab 0 belongs to no table: it stays
    zero, and it is read for every table without storage.
    """

    def __init__(self) -> None:
        self.words: NDArray[np.uint64] = np.zeros((64, PTRS_PER_TABLE), np.uint64)
        self.slab: NDArray[np.int32] = np.zeros(64, np.int32)
        self.nonnone: NDArray[np.int32] = np.zeros(64, np.int32)
        self._free = list(range(63, 0, -1))

    def __getitem__(self, key: tuple[Tables, Any]) -> Any:
        tables, columns = key
        if isinstance(tables, int):
            return self.words[self.slab.item(tables), columns]
        return self.words[self.slab[tables], columns]

    def word(self, table: int, index: int) -> int:
        """One word, as a Python int."""
        return self.words.item(self.slab.item(table), index)

    def __setitem__(self, key: tuple[Tables, Any], words: Any) -> None:
        tables, columns = key
        if isinstance(tables, np.ndarray):
            self._set_run(tables, columns, words)
            return
        slab = self.slab.item(tables)
        if isinstance(columns, int):
            was, now = self.words.item(slab, columns) != 0, words != 0
        else:
            was = self.filled_each(tables, columns)
            if isinstance(words, np.ndarray):
                now = int(np.count_nonzero(words))
            else:
                now = self.words[slab, columns].size if words else 0
        if not slab:
            if not now:
                return
            slab = self.slab[tables] = self._take(1)[0]
        self.words[slab, columns] = words
        if now != was:
            left = self.nonnone[tables] = self.nonnone.item(tables) + now - was
            if not left:
                self.slab[tables] = 0
                self._free.append(slab)

    def filled(self, tables: Tables, columns: Any) -> int:
        """How many of the entries `columns` are not none, in a table or in a run together."""
        each = self.filled_each(tables, columns)
        return total(tables, each)

    def filled_each(self, tables: Tables, columns: Any) -> Any:
        """The same for each table: a number, or an array for a run. Reads no entry where it need not."""
        each: Any
        if isinstance(tables, int):
            some = each = self.nonnone.item(tables)
        else:
            each = self.nonnone[tables]
            some = each.any()
        if not some or (isinstance(columns, slice) and covers_whole(columns)):
            return each
        return count_each(tables, self.words[self.slab[tables], columns])

    def _set_run(self, tables: NDArray[np.int64], columns: Any, words: Any) -> None:
        if isinstance(columns, int):
            columns, words = slice(columns, columns + 1), np.reshape(words, (len(tables), 1))
        width = len(range(*columns.indices(PTRS_PER_TABLE)))
        words = np.broadcast_to(np.asarray(words, np.uint64), (len(tables), width))
        now = count_each(tables, words) if words.any() else np.zeros(len(tables), np.int64)
        bare = (self.slab[tables] == 0) & (now > 0)
        if bare.any():
            self.slab[tables[bare]] = self._take(int(bare.sum()))
        slabs = self.slab[tables]
        stored = slabs > 0
        if not stored.all():  # all none before and after: nothing to write
            tables, slabs, now, words = tables[stored], slabs[stored], now[stored], words[stored]
        was = self.filled_each(tables, columns)
        self.words[slabs, columns] = words
        left = self.nonnone[tables] + (now - was)
        self.nonnone[tables] = left
        empty = left == 0
        if empty.any():
            self._free.extend(self.slab[tables[empty]].tolist())
            self.slab[tables[empty]] = 0

    def _take(self, count: int) -> list[int]:
        while len(self._free) < count:
            have = len(self.words)
            self.words = np.concatenate([self.words, np.zeros_like(self.words)])
            self._free.extend(range(2 * have - 1, have - 1, -1))
        taken = self._free[-count:]
        del self._free[-count:]
        return taken
