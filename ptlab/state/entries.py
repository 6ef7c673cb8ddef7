"""The entries of the page-table pages: 512 words for each table that has any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.base.tables import Tables, count_each, total
from ptlab.state.columns import longer
from ptlab.state.entry_runs import EntryRuns, are_neighbours, bounds, follow_a_rule

_FIRST = 16
"""So many tables, one of them slab 0, find room for their words at first."""

_WHOLE = (slice(0, PTRS_PER_TABLE, 1), slice(0, PTRS_PER_TABLE))


def covers_whole(columns: slice) -> bool:
    """Whether `columns` are all 512 entries of a table."""
    return columns in _WHOLE


class EntryPool:
    """The 512 words of each table that has any, addressed as `pool[tables, columns]`.

    `columns` is an index or slice into the 512 entries. Storage is taken when a table gains its
    first non-none entry and given back when it loses its last: `slab` says which, for each table.

    0      none. Slab 0 belongs to no table: it stays zero, and is read for every table without storage
    s > 0  row s of `words`
    s < 0  row -s of `runs`: the entries follow a rule. Only a write to many tables at once makes these,
           and upper tables are written one at a time: their words are in `words` always
    """

    def __init__(self) -> None:
        self.words: NDArray[np.uint64] = np.zeros((_FIRST, PTRS_PER_TABLE), np.uint64)
        self.flat = self.words.reshape(-1).data
        """The same words as `words`. Python reads and writes one number in it, where numpy is slow."""
        self.runs = EntryRuns()
        self.slab: NDArray[np.int32] = np.zeros(0, np.int32)
        self.nonnone: NDArray[np.int32] = np.zeros(0, np.int32)
        self.reserve(64)
        self._free = list(range(_FIRST - 1, 0, -1))

    def reserve(self, tables: int) -> None:
        """Have room for so many tables."""
        self.slab, self.nonnone = longer(self.slab, tables), longer(self.nonnone, tables)
        self.slabs, self._filled = self.slab.data, self.nonnone.data

    def __getitem__(self, key: tuple[Tables, Any]) -> Any:
        tables, columns = key
        if isinstance(tables, int):
            if isinstance(columns, int):
                return self.word(tables, columns)
            slab = self.slabs[tables]
            if slab < 0:
                return self.runs.words_of_one(-slab)[columns]
            return self.words[slab, columns]
        slabs = self.slab[tables]
        return self._read(slabs, columns) if (slabs < 0).any() else self.words[slabs, columns]

    def _read(self, slabs: NDArray[np.int32], columns: Any) -> Any:
        """The words of a run of tables; those of some follow a rule."""
        if isinstance(columns, int):
            return self._read(slabs, slice(columns, columns + 1))[:, 0]
        follow = slabs < 0
        if follow.all():
            return self.runs.words(-slabs, columns)
        words = self.words[np.maximum(slabs, 0), columns]
        words[follow] = self.runs.words(-slabs[follow], columns)
        return words

    def word(self, table: int, index: int) -> int:
        """One word, as a Python int."""
        slab = self.slabs[table]
        if slab < 0:
            return self.runs.words_of_one(-slab).item(index)
        return self.flat[slab << 9 | index]

    def __setitem__(self, key: tuple[Tables, Any], words: Any) -> None:
        tables, columns = key
        if isinstance(tables, np.ndarray):
            self._set_run(tables, columns, words)
            return
        if isinstance(columns, int):
            self.exchange(tables, columns, words)
            return
        slab = self.slabs[tables]
        if slab < 0:
            if self._shorten(tables, columns, words):
                return
            self._spell_out(np.array([tables]))
            slab = self.slabs[tables]
        was = self.filled_each(tables, columns)
        if isinstance(words, np.ndarray):
            now = int(np.count_nonzero(words))
        else:
            now = self.words[slab, columns].size if words else 0
        if not slab:
            if not now:
                return
            slab = self.slabs[tables] = self._take(1)[0]
        self.words[slab, columns] = words
        self._count(tables, slab, now - was)

    def exchange(self, table: int, index: int, word: int) -> int:
        """Set one word; returns what it was. Both are Python's ints."""
        slab = self.slabs[table]
        if slab < 0:
            self._spell_out(np.array([table]))
            slab = self.slabs[table]
        was = self.flat[slab << 9 | index]
        if was:
            self.flat[slab << 9 | index] = word
            if not word:
                self._count(table, slab, -1)
        elif word:
            if not slab:
                slab = self.slabs[table] = self._take(1)[0]
            self.flat[slab << 9 | index] = word
            self._filled[table] += 1
        return was

    def _count(self, table: int, slab: int, more: int) -> None:
        """So many more entries are not none. If none is left, `slab` is given back."""
        if more:
            left = self._filled[table] = self._filled[table] + more
            if not left:
                self.slabs[table] = 0
                self._free.append(slab)

    def filled(self, tables: Tables, columns: Any) -> int:
        """How many of the entries `columns` are not none, in a table or in a run together."""
        if isinstance(columns, int) and isinstance(tables, int):
            return int(self.word(tables, columns) != 0)
        return total(tables, self.filled_each(tables, columns))

    def filled_each(self, tables: Tables, columns: Any) -> Any:
        """The same for each table: a number, or an array for a run. Reads no entry where it need not."""
        each: Any
        if isinstance(tables, int):
            if isinstance(columns, int):
                return int(self.word(tables, columns) != 0)
            some = each = self._filled[tables]
        else:
            each = self.nonnone[tables]
            some = each.any()
        if not some or (isinstance(columns, slice) and covers_whole(columns)):
            return each
        if not isinstance(tables, int) and are_neighbours(columns):
            slabs = self.slab[tables]
            if (slabs < 0).all():
                return self.runs.filled(-slabs, columns)
        return count_each(tables, self[tables, columns])

    def span(self, tables: NDArray[np.int64], columns: slice) -> slice:
        """The part of `columns` that holds all entries which these tables have there."""
        slabs = self.slab[tables]
        if are_neighbours(columns) and (slabs < 0).all():
            common = self.runs.common(-slabs)
            if common is not None:
                start, stop = bounds(columns)
                return slice(max(common.start, start), min(common.stop, stop))
        return columns

    def _set_run(self, tables: NDArray[np.int64], columns: Any, words: Any) -> None:
        if isinstance(columns, int):
            columns, words = slice(columns, columns + 1), np.reshape(words, (len(tables), 1))
        width = len(range(*columns.indices(PTRS_PER_TABLE)))
        words = np.broadcast_to(np.asarray(words, np.uint64), (len(tables), width))
        done = self._set_rules(tables, columns, words)
        if done.all():
            return
        tables, words = tables[~done], words[~done]
        now = count_each(tables, words)
        was = self.filled_each(tables, columns)
        slabs = self.slab[tables]
        if not slabs.all():
            bare = slabs == 0
            slabs[bare] = self.slab[tables[bare]] = self._take(int(bare.sum()))
        self.words[slabs, columns] = words
        left = self.nonnone[tables] + (now - was)
        self.nonnone[tables] = left
        empty = left == 0
        if empty.any():
            self._free.extend(slabs[empty].tolist())
            self.slab[tables[empty]] = 0

    def _set_rules(
        self, tables: NDArray[np.int64], columns: slice, words: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        """Set what needs no row of `words`; returns for which tables all is done.

        These are tables without entries, and those whose run is written over from end to end, if
        what they hold afterwards is nothing, or again a run. Other runs are spelled out.
        """
        slabs = self.slab[tables]
        over: NDArray[np.bool_] = slabs == 0
        if (slabs < 0).any():
            ruled = np.flatnonzero(slabs < 0)
            inside = self.runs.within(-slabs[ruled], columns) & are_neighbours(columns)
            over[ruled[inside]] = True
            self._spell_out(tables[ruled[~inside]])
        if not over.any():
            return over
        runs = over & follow_a_rule(words) if are_neighbours(columns) else np.zeros_like(over)
        done: NDArray[np.bool_] = runs if runs.all() else runs | (over & ~words.any(axis=1))
        freed = slabs[over]
        self.runs.give_back(-freed[freed < 0])
        self.slab[tables[over]] = self.nonnone[tables[over]] = 0
        if runs.any():
            self.slab[tables[runs]] = -self.runs.take(words[runs], columns)
            self.nonnone[tables[runs]] = words.shape[1]
        return done

    def _shorten(self, table: int, columns: slice, words: Any) -> bool:
        """Clear entries at one end of a run; False, and nothing is done, if `words` is anything else."""
        row = -self.slab.item(table)
        left = None if np.any(words) else self.runs.shorten(row, columns)
        if left is None:
            return False
        self.nonnone[table] = left
        if not left:
            self.slab[table] = 0
            self.runs.give_back([row])
        return True

    def _spell_out(self, tables: NDArray[np.int64]) -> None:
        """Give these tables, whose entries follow a rule, rows of `words`."""
        if len(tables):
            rows = -self.slab[tables]
            slabs = self.slab[tables] = self._take(len(tables))
            self.words[slabs] = self.runs.words(rows, slice(None))
            self.runs.give_back(rows)

    def _take(self, count: int) -> list[int]:
        while len(self._free) < count:
            have = len(self.words)
            self.words = np.concatenate([self.words, np.zeros_like(self.words)])
            self.flat = self.words.reshape(-1).data
            self._free.extend(range(2 * have - 1, have - 1, -1))
        taken = self._free[-count:]
        del self._free[-count:]
        return taken
