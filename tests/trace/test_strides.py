"""Rows that are played together touch the same pages as before, and no border lies inside them."""

from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.observe.pagemap import FILE, HUGE
from ptlab.trace import carried
from ptlab.trace.playing import play
from ptlab.trace.rows import ROW, Op, Row, Trace
from ptlab.trace.strides import together

PAGE = 4096


@st.composite
def rows(draw):
    """Touches at a few distances, of one page or more, by two processes, with calls in between."""
    found, at = np.zeros(draw(st.integers(0, 40)), ROW), 1 << 30
    for row in found:
        at += draw(st.sampled_from([-2, 1, 2, 2, 3, 5, 64, 64, 64, 64, 64])) * PAGE
        row["op"] = draw(st.sampled_from([Op.TOUCH] * 9 + [Op.UNMAP]))
        row["who"] = draw(st.sampled_from([0] * 9 + [1]))
        row["x"] = draw(st.sampled_from([0] * 9 + [FILE, HUGE]))
        row["at"], row["length"] = at, draw(st.sampled_from([PAGE] * 9 + [2 * PAGE, 700 * PAGE]))
    return found


def pages_of(row, pages=None):
    """The numbers of the pages that a row stands for."""
    step = (row.z or PAGE) // PAGE
    first, last = row.at // PAGE, (row.at + row.length - PAGE) // PAGE
    return range(first, last + 1, step) if pages is None else pages.tolist()


@settings(max_examples=50)
@given(rows(), st.sets(st.integers(0, 39), max_size=3))
def test_the_same_pages_between_two_calls_or_borders(rows, borders):
    calls = np.flatnonzero(rows["op"] != Op.TOUCH).tolist()
    ends = sorted({*borders, *calls, *(at - 1 for at in calls)})

    def pages(given):
        """Which pages are touched, or unmapped, in each part of the trace."""
        found, before = {}, -1
        for number, row, several in given:
            assert number >= before
            before = number
            part = found.setdefault(bisect_left(ends, number), set())
            part |= {(row.op, row.who, row.x, page) for page in pages_of(row, several)}
        return found

    assert pages(together(Trace(rows), borders)) == pages(row_by_row(Trace(rows), borders))


@pytest.mark.parametrize("scheme", ["pt_reclaim", "pte_refcount", "percpu_ref"])
@pytest.mark.parametrize("name", ["fork-server", "jemalloc"])
def test_a_recording_comes_to_the_same(monkeypatch, name, scheme):
    trace = Trace(carried(name).rows[:2000])
    fast = play(trace, scheme)
    monkeypatch.setattr("ptlab.trace.playing.together", row_by_row)
    slow = play(trace, scheme)
    for one, other in zip(fast, slow, strict=True):
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def row_by_row(trace, borders):
    return ((number, Row._make(row), None) for number, row in enumerate(trace.rows.tolist()))
