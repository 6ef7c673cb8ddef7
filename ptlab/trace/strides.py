"""Single pages at equal distances that were touched one after another, as one row.

A program that uses a byte in every 16 KiB has a row for each, and the engine serves all in one step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ptlab.base.geometry import PAGE_SIZE
from ptlab.observe.pagemap import GUARD, HUGE
from ptlab.trace.rows import Op, Row, Trace


def joined(trace: Trace, borders: Collection[int]) -> Iterator[tuple[int, Row]]:
    """The rows in their order, each with the number of the last one that it stands for.

    In a row of TOUCH that stands for several, `z` is the distance of the pages in bytes. No row
    after one of `borders` is joined to one before it.
    """
    held: Row | None = None
    number = -1
    for number, row in enumerate(map(Row._make, trace.rows.tolist())):
        if held is not None:
            distance = _distance(held, row)
            if distance and number - 1 not in borders:
                held = held._replace(length=row.at + PAGE_SIZE - held.at, z=distance)
                continue
            yield number - 1, held
            held = None
        if row.op == Op.TOUCH and row.length == PAGE_SIZE and not row.x & (GUARD | HUGE):
            held = row
        else:
            yield number, row
    if held is not None:
        yield number, held


def _distance(held: Row, row: Row) -> int:
    """How far the page lies from the last one of `held`, if it goes on in the same way; else 0."""
    alike = row.op == held.op and row.who == held.who and row.x == held.x
    if not alike or row.length != PAGE_SIZE:
        return 0
    distance = row.at - (held.at + held.length - PAGE_SIZE)
    return distance if distance == held.z or (distance > 0 and not held.z) else 0
