"""One page-table page or a run of them. Only this module knows the difference; all others call it.

One table is its row in mem_map, a plain int: numpy is slow with single numbers. A run is an index
array, so that one numpy call works on 512 tables. What is counted for each table is likewise one
number, or an array for a run.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

Tables: TypeAlias = int | NDArray[np.int64]
"""One page-table page (its row in mem_map, which is its pfn), or an array of them: a run."""

Slots: TypeAlias = int | NDArray[np.int64]
"""An index into a table, or an array of them: one for each table of a run."""

Columns: TypeAlias = int | slice | NDArray[np.int64]
"""Entries of a table, the same in each table of a run: one, those of a slice, or in one table those
that lie here and there."""


def is_run(tables: Tables | None) -> TypeGuard[NDArray[np.int64]]:
    """Whether `tables` is an array."""
    return isinstance(tables, np.ndarray)


def table_count(tables: Tables) -> int:
    """How many tables there are."""
    return 1 if isinstance(tables, int) else len(tables)


def listed(tables: Tables) -> list[int]:
    """Each of them, as a Python number."""
    return [tables] if isinstance(tables, int) else tables.tolist()


def first_of(tables: Tables) -> int:
    """The only one, or the first of a run."""
    return tables if isinstance(tables, int) else tables.item(0)


def one_or_run(indices: NDArray[np.int64]) -> Tables:
    """An array of one is that one."""
    return indices if len(indices) > 1 else indices.item(0)


def split(tables: Tables, starts: Any) -> list[Tables]:
    """Cut a run in front of each position in `starts`; one table stays whole."""
    if isinstance(tables, int):
        return [tables]
    return [one_or_run(part) for part in np.split(tables, starts) if len(part)]


def borders(each: Any) -> Any:
    """Where to `split` a run so that the tables of a part are alike in what is given for each."""
    return np.flatnonzero(np.diff(each)) + 1 if isinstance(each, np.ndarray) else ()


def pick(tables: Tables, mask: Any) -> Tables | None:
    """The tables for which `mask` holds, None where there is none. A picked run stays a run."""
    if isinstance(tables, int):
        return tables if mask else None
    chosen = tables[mask]
    return chosen if len(chosen) else None


def of_each(column: Any, tables: Tables) -> Any:
    """What a column of mem_map holds for each table: a Python number, or an array for a run."""
    return column.item(tables) if isinstance(tables, int) else column[tables]


def spanned(columns: Columns) -> slice:
    """From the first of them to the last, as a slice."""
    if isinstance(columns, slice):
        return columns
    first, last = (columns, columns) if isinstance(columns, int) else columns[[0, -1]].tolist()
    return slice(first, last + 1)


def first_column(columns: Columns) -> int:
    """The first of them."""
    return columns if isinstance(columns, int) else spanned(columns).start


def zero_each(tables: Tables) -> Any:
    """Nothing has been counted yet for each table."""
    return 0 if isinstance(tables, int) else np.zeros(len(tables), np.int64)


def count_each(tables: Tables, mask: Any) -> Any:
    """How many of the entries in `mask` are set in each table."""
    if isinstance(tables, int):
        return int(np.count_nonzero(mask))
    return (mask != 0).sum(axis=1)


def every(each: Any) -> bool:
    """Whether what is given for each table is true, or not 0: a pfn is 0 where there is no table."""
    return bool(each.all()) if isinstance(each, np.ndarray) else bool(each)


def total(tables: Tables, each: Any) -> int:
    """The sum over the tables; `each` may be one number that holds for every one of them."""
    return int(each.sum()) if isinstance(each, np.ndarray) else int(each) * table_count(tables)
