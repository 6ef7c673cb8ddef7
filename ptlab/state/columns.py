"""Columns that grow: an array with a row for each page, where rows that nobody has set are 0."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)


def longer(column: NDArray[T], rows: int) -> NDArray[T]:
    """The column with so many rows; the new ones are 0."""
    grown = np.zeros(rows, column.dtype)
    grown[: len(column)] = column
    return grown


def of_rows(column: Any, rows: NDArray[np.int64]) -> Any:
    """What the column says of each of `rows`, 0 for those that it has no place for."""
    if not len(column):
        return np.zeros(rows.shape, np.bool_)
    if rows.size and rows.min() >= 0 and rows.max() < len(column):
        return column[rows]
    known = (rows >= 0) & (rows < len(column))
    there = column[rows[known]]
    found = np.zeros(rows.shape, there.dtype)
    found[known] = there
    return found
