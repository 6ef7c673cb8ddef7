"""How far one step reaches: the grain cuts a walk into pieces. What is done to a piece stays the same.

A piece is a rectangle: the same columns (entries) of one PTE page, or of a run of PTE pages below
one PMD page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ptlab.base.geometry import PAGE_SHIFT, PTRS_PER_TABLE
from ptlab.base.tables import Columns, Slots, spanned


class Piece(NamedTuple):
    """Entries `columns` of the PTE page (or pages) at `slots` of the PMD page that maps `first`.

    `first` is the address of the first entry, `tables` the number of PTE pages. `columns` is one
    entry or a slice. Of one PTE page it may also be an index array, ascending: entries here and there.
    """

    first: int
    slots: Slots
    columns: Columns
    tables: int = 1

    @property
    def entries(self) -> int:
        """How many entries the piece has in all."""
        _, _, columns, tables = self
        if isinstance(columns, int):
            return tables
        if not isinstance(columns, slice):
            return len(columns)
        each: int = (columns.stop - columns.start - 1) // (columns.step or 1) + 1
        return each * tables

    @property
    def span(self) -> slice:
        """`columns` as a slice."""
        return spanned(self.columns)

    def part(self, start: int, stop: int) -> Piece:
        """Its entries in columns [start, stop); `start` is one of them."""
        span = self.span
        first = self.first + ((start - span.start) << PAGE_SHIFT)
        return self._replace(first=first, columns=slice(start, stop, span.step or 1))


_new: Any = tuple.__new__
piece_of: Callable[[tuple[int, Slots, Columns, int]], Piece] = partial(_new, Piece)
"""A piece of all its fields; a NamedTuple's own __new__ takes twice as long."""


def cut(grain: str, start: int, count: int, step: int = 1) -> Iterator[Piece]:
    """Pieces of `count` pages from address `start` on, `step` pages apart.

    Pieces come in the order of their addresses.
    """
    page = start >> PAGE_SHIFT
    if grain == "entry":
        for k in range(page, page + count * step, step):
            yield piece_of((k << PAGE_SHIFT, k >> 9 & 511, k & 511, 1))
        return
    last = page + (count - 1) * step
    while page <= last:
        column = page & 511
        if page >> 9 == last >> 9:  # all that is left lies in one table
            yield Piece(page << PAGE_SHIFT, page >> 9 & 511, slice(column, (last & 511) + 1, step))
            return
        if step > 511:
            columns, following = slice(column, column + 1), page + step
        else:
            here = (511 - column) // step + 1
            stop = column + (here - 1) * step + 1
            columns, following = slice(column, stop, step), page + here * step
        slot = page >> 9 & 511
        slots: Slots = slot
        tables = 1
        if grain == "range" and following <= last and following & 511 == column:
            # the same columns repeat every `stride` tables: go on to the end of this PMD page
            stride = (following >> 9) - (page >> 9)
            room = (511 - slot) // stride + 1
            whole = (last - (columns.stop - 1 - column) - page) // (stride * 512) + 1
            tables = max(1, min(room, whole))
            if tables > 1:
                slots = np.arange(slot, slot + tables * stride, stride, dtype=np.int64)
                following = page + tables * stride * 512
        yield Piece(page << PAGE_SHIFT, slots, columns, tables)
        page = following


def chunks(grain: str, columns: slice) -> Iterator[slice]:
    """The columns one step of a walk within a table covers: one entry, or all of them."""
    if grain == "entry":
        for column in range(*columns.indices(PTRS_PER_TABLE)):
            yield slice(column, column + 1)
    else:
        yield columns
