"""The entries of the page-table pages: 512 words for each table that has any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.base.tables import Tables, count_each, total
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
        self.runs = EntryRuns()
        self.slab: NDArray[np.int32] = np.zeros(64, np.int32)
        self.nonnone: NDArray[np.int32] = np.zeros(64, np.int32)
        self._free = list(range(_FIRST - 1, 0, -1))

    def __getitem__(self, key: tuple[Tables, Any]) -> Any:
        tables, columns = key
        if isinstance(tables, int):
            slab = self.slab.item(tables)
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
        slab = self.slab.item(table)
        if slab < 0:
            return int(self[table, index])
        return self.words.item(slab, index)

    def __setitem__(self, key: tuple[Tables, Any], words: Any) -> None:
        tables, columns = key
        if isinstance(tables, np.ndarray):
            self._set_run(tables, columns, words)
            return
        slab = self.slab.item(tables)
        if slab < 0:
            if isinstance(columns, slice) and self._shorten(tables, columns, words):
                return
            self._spell_out(np.array([tables]))
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
            if some and isinstance(columns, slice) and columns.stop == columns.start + 1:
                return int(self.word(tables, columns.start) != 0)
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
            self._free.extend(range(2 * have - 1, have - 1, -1))
        taken = self._free[-count:]
        del self._free[-count:]
        return taken
