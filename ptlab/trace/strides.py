"""Rows of pages that were touched one after another, played together.

A program that uses a byte here and a byte there has a row for each. Single pages at equal distances
become one row, and the engine serves all in one step. Faults of anonymous memory between two calls
commute: their order changes no table. So the engine gets the other pages of a batch by tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PMD_SHIFT
from ptlab.observe.pagemap import GUARD, HUGE
from ptlab.trace.rows import Op, Row, Trace

Pages = NDArray[np.int64]
Together = tuple[int, Row, Pages | None]

_FAR = 32 * PAGE_SIZE  # at such a distance a table has few pages: better many tables in one step
_MANY = 8  # pages at an equal distance


def together(trace: Trace, borders: Collection[int]) -> Iterator[Together]:
    """The rows in their order: (number, row, None), or the pages that several rows of TOUCH stand for.

    The number is that of the last row of the trace that has been given with this one. In a row of
    TOUCH that stands for several, `z` is the distance of the pages in bytes. Pages are page numbers,
    ascending, of the row's process. No row after one of `borders` is joined to one before it.
    """
    rows = trace.rows
    anonymous = (rows["op"] == Op.TOUCH) & (rows["x"] == 0)
    new = np.ones(len(rows), np.bool_)
    new[1:] = (anonymous[1:] != anonymous[:-1]) | (rows["who"][1:] != rows["who"][:-1])
    new[[at + 1 for at in borders if at + 1 < len(rows)]] = True
    for start, stop in pairwise([*np.flatnonzero(new).tolist(), len(rows)]):
        if anonymous[start] and stop - start > 1:
            yield from _batch(rows[start:stop], start, stop - 1)
        else:
            yield from _strides(map(Row._make, rows[start:stop].tolist()), start)


def _batch(rows: NDArray[np.void], first: int, last: int) -> Iterator[Together]:
    """Touches of anonymous memory: large ranges and long strides first, then all other pages."""
    at, length = rows["at"].copy(), rows["length"].copy()
    left = at >> PMD_SHIFT == (at + length - 1) >> PMD_SHIFT
    large = [Row._make(row) for row in rows[~left].tolist()]
    for start, stop, distance in _far_apart(at, length):
        row = Row._make(rows[start].tolist())
        large.append(row._replace(length=(stop - start - 1) * distance + PAGE_SIZE, z=distance))
        left[start:stop] = False
    some = bool(left.any())
    for number, row in enumerate(large, 1):
        yield (last if number == len(large) and not some else first), row, None
    if some:
        yield last, Row._make(rows[-1].tolist()), _pages(at[left], length[left])


def _far_apart(at: Pages, length: Pages) -> Iterator[tuple[int, int, int]]:
    """Where many single pages follow each other, far apart and at one distance: [start, stop)."""
    distances = np.diff(at)
    distances[(length[1:] != PAGE_SIZE) | (length[:-1] != PAGE_SIZE)] = 0
    borders = np.flatnonzero(np.diff(distances, prepend=-1, append=-1))
    long = np.flatnonzero(np.diff(borders) >= _MANY - 1)
    begin = 0
    for start, stop in zip(borders[long].tolist(), borders[long + 1].tolist(), strict=True):
        start = max(start, begin)
        if stop - start >= _MANY - 1 and distances[start] >= _FAR:
            yield start, stop + 1, int(distances[start])
            begin = stop + 1


def _pages(at: Pages, length: Pages) -> Pages:
    """The numbers of all pages of these ranges, ascending."""
    starts, counts = at >> PAGE_SHIFT, length >> PAGE_SHIFT
    before = np.cumsum(counts) - counts
    pages = np.repeat(starts - before, counts) + np.arange(counts.sum(), dtype=np.int64)
    ascending = bool((pages[1:] > pages[:-1]).all())  # the pages of one look are
    return pages if ascending else np.unique(pages)


def _strides(rows: Iterator[Row], first: int) -> Iterator[Together]:
    """Other rows; single pages at an equal distance become one."""
    held: Row | None = None
    for number, row in enumerate(rows, first):
        if held is not None:
            distance = _distance(held, row)
            if distance:
                held = held._replace(length=row.at + PAGE_SIZE - held.at, z=distance)
                continue
            yield number - 1, held, None
            held = None
        if row.op == Op.TOUCH and row.length == PAGE_SIZE and not row.x & (GUARD | HUGE):
            held = row
        else:
            yield number, row, None
    if held is not None:
        yield number, held, None


def _distance(held: Row, row: Row) -> int:
    """How far the page lies from the last one of `held`, if it goes on in the same way; else 0."""
    alike = row.op == held.op and row.who == held.who and row.x == held.x
    if not alike or row.length != PAGE_SIZE:
        return 0
    distance = row.at - (held.at + held.length - PAGE_SIZE)
    return distance if distance == held.z or (distance > 0 and not held.z) else 0
