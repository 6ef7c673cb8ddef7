"""Tables counted by numpy against the same counted entry by entry."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptlab.observe.pagemap import FILE, GUARD, HUGE, PFNZERO, PRESENT, RUN, SWAPPED
from ptlab.observe.tables import hidden, tables

MiB, GiB = 1 << 20, 1 << 30
KINDS = (PRESENT, PRESENT | FILE, SWAPPED, GUARD, PRESENT | PFNZERO)


def runs(*rows):
    return np.array(list(rows), RUN)


def count(*rows, hugetlb=0):
    seen = tables(runs(*rows), np.full(len(rows), hugetlb))
    return len(seen.pud), len(seen.pmd), len(seen.pte), seen.deposited


@st.composite
def places(draw):
    """Runs in order, with gaps, near borders of 2 MiB, 1 GiB and 512 GiB."""
    rows, page = [], draw(st.sampled_from([0, 500, (1 << 18) - 3, (1 << 27) - 5]))
    for _ in range(draw(st.integers(0, 6))):
        page += draw(st.integers(0, 1500))
        pages = draw(st.integers(1, 1200))
        rows.append((page << 12, page + pages << 12, draw(st.sampled_from(KINDS))))
        page += pages
    return rows


@given(places())
def test_small_pages(rows):
    pages = [page for start, end, _ in rows for page in range(start >> 12, end >> 12)]
    seen = tables(runs(*rows), np.zeros(len(rows), np.int64))
    slots = sorted({page >> 9 for page in pages})
    assert seen.pte.tolist() == slots
    assert seen.filled.tolist() == [sum(page >> 9 == slot for page in pages) for slot in slots]
    assert seen.pmd.tolist() == sorted({page >> 18 for page in pages})
    assert seen.pud.tolist() == sorted({page >> 27 for page in pages})
    assert seen.total == len(slots) + len(seen.pmd) + len(seen.pud)


def test_anonymous_huge_pages_have_a_deposited_table_each():
    assert count((0, 4 * MiB, PRESENT | HUGE)) == (1, 1, 0, 2)
    assert count((0, 4 * MiB, PRESENT | HUGE | PFNZERO)) == (1, 1, 0, 2)
    assert count((0, 4 * MiB, PRESENT | HUGE | FILE)) == (1, 1, 0, 0)


def test_hugetlb_pages_need_no_table_beneath_their_entry():
    assert count((0, 4 * MiB, PRESENT | HUGE), hugetlb=2 * MiB) == (1, 1, 0, 0)
    assert count((0, 2 * GiB, PRESENT | HUGE), hugetlb=GiB) == (1, 0, 0, 0)


def test_memory_that_nothing_shows_may_have_tables_where_none_was_seen():
    seen = tables(runs((GiB, GiB + 4096, PRESENT)), np.zeros(1, np.int64))
    cases = {(GiB, GiB + 2 * MiB): 0, (GiB, GiB + 3 * MiB): 1, (2 * GiB, 2 * GiB + 1): 2}
    for (start, end), most in {**cases, (1 << 40, (1 << 40) + 5 * MiB): 5}.items():
        assert hidden(seen, np.array([start]), np.array([end])) == most
