"""One table or a run of them: what is asked of a run is what is asked of its tables one by one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab.base import tables

rows = st.lists(st.integers(0, 99), min_size=2, max_size=8, unique=True)


@given(rows=rows, data=st.data())
def test_a_run_is_answered_for_like_its_tables_one_by_one(rows, data):
    run, column = np.array(rows), np.arange(100) % 7
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    words = np.arange(3 * len(rows)).reshape(len(rows), 3) % 4
    assert tables.is_run(run) and not any(map(tables.is_run, rows))
    assert tables.table_count(run) == sum(map(tables.table_count, rows))
    assert tables.first_of(run) == tables.first_of(rows[0]) == rows[0]
    each = [tables.of_each(column, row) for row in rows]
    assert tables.of_each(column, run).tolist() == each
    assert tables.total(run, tables.of_each(column, run)) == sum(each)
    assert tables.every(tables.of_each(column, run)) == all(map(tables.every, each))
    counted = [tables.count_each(row, some) for row, some in zip(rows, words, strict=True)]
    assert tables.count_each(run, words).tolist() == counted
    picked = tables.pick(run, mask)
    one_by_one = [tables.pick(row, yes) for row, yes in zip(rows, mask, strict=True)]
    left = [row for row in one_by_one if row is not None]
    assert left == ([] if picked is None else picked.tolist())


@given(rows=rows, data=st.data())
def test_a_run_is_cut_where_its_tables_differ(rows, data):
    kinds = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    parts = tables.split(np.array(rows), tables.borders(kinds))
    assert np.concatenate([np.ravel(part) for part in parts]).tolist() == rows
    of = dict(zip(rows, kinds.tolist(), strict=True))
    alike = [{of[row] for row in np.ravel(part).tolist()} for part in parts]
    assert all(len(some) == 1 for some in alike)
    assert all(left != right for left, right in pairwise(alike))


def test_one_table_is_a_plain_int_and_stays_whole():
    assert tables.split(7, tables.borders(True)) == [7]
    assert [type(part) for part in tables.split(np.array([3, 4]), [1])] == [int, int]
    assert tables.zero_each(7) == 0 and tables.zero_each(np.array([3, 4])).tolist() == [0, 0]


@pytest.mark.parametrize(("one", "run"), [(0, [3, 0]), (5, [3, 4])])
def test_every_is_false_where_one_is_none(one, run):
    assert tables.every(one) is tables.every(np.array(run)) is bool(one)
