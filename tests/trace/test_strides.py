"""Rows that are joined touch the same pages as before, and no border lies inside one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.observe.pagemap import FILE, HUGE
from ptlab.trace import carried
from ptlab.trace.playing import play
from ptlab.trace.rows import ROW, Op, Trace
from ptlab.trace.strides import joined

PAGE = 4096


@st.composite
def rows(draw):
    """Touches at a few distances, of one page or two, by two processes, with calls in between."""
    found, at = np.zeros(draw(st.integers(0, 30)), ROW), 1 << 30
    for row in found:
        at += draw(st.sampled_from([-2, 1, 2, 2, 2, 3, 5])) * PAGE
        row["op"] = draw(st.sampled_from([Op.TOUCH] * 9 + [Op.UNMAP]))
        row["who"] = draw(st.sampled_from([0] * 9 + [1]))
        row["x"] = draw(st.sampled_from([0] * 9 + [FILE, HUGE]))
        row["at"], row["length"] = at, draw(st.sampled_from([PAGE] * 9 + [2 * PAGE]))
    return found


@settings(max_examples=60)
@given(rows(), st.sets(st.integers(0, 29), max_size=3))
def test_the_same_pages_in_the_same_order(rows, borders):
    seen, before = [], -1
    for last, row in joined(Trace(rows), borders):
        assert not borders & set(range(before + 1, last))
        count = 1 if not row.z else (row.length - PAGE) // row.z + 1
        assert count == last - before
        for n in range(count):
            one = (row.op, row.who, row.x, row.at + n * row.z, row.length if not row.z else PAGE)
            seen.append(one)
        before = last
    assert seen == rows[["op", "who", "x", "at", "length"]].tolist()


def test_a_recording_comes_to_the_same(monkeypatch):
    trace = Trace(carried("fork-server").rows[:3000])
    fast = play(trace, "pte_refcount")
    monkeypatch.setattr("ptlab.trace.strides._distance", lambda held, row: 0)
    slow = play(trace, "pte_refcount")
    assert len(list(joined(trace, ()))) == len(trace.rows)
    for one, other in zip(fast, slow, strict=True):
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
