"""The list of VMAs in blocks does what a tuple does, however it came to be."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import KiB, Process
from ptlab.state import blocks
from ptlab.state.blocks import Blocks

PAGE = 4 * KiB


class Item(NamedTuple):
    start: int
    end: int


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "MOST", 4)


sizes = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=40)
splices = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 12), st.booleans()), max_size=8)


@given(sizes, splices)
def test_it_is_the_list_that_was_spliced(gaps, changes):
    items, at = [], 0
    for gap, length in gaps:
        items.append(Item(at + gap, at + gap + length))
        at += gap + length
    whole = list(items)
    made = Blocks(items)
    for low, many, back in changes:
        low = min(low, len(items))
        high = min(low + many, len(items))
        span = (items[low - 1].end if low else 0, items[high].start if high < len(items) else at)
        new = [one for one in whole if span[0] <= one.start and one.end <= span[1]] if back else []
        before = tuple(made)
        changed = made.spliced(low, high, new)
        assert tuple(made) == before, "a list that another is made from stays as it is"
        items[low:high], made = new, changed
    assert tuple(made) == tuple(items) and len(made) == len(items)
    assert all(0 < len(block.items) <= blocks.MOST for block in made.blocks)
    for index in range(-len(items), len(items)):
        assert made[index] == items[index]
    assert made[1:-1] == tuple(items[1:-1])
    for address in range(at + 2):
        above = next((k for k, one in enumerate(items) if one.end > address), len(items))
        assert made.index_above(address) == above
        assert made.above(address) == (items[above] if above < len(items) else None)
    assert all(one in made for one in items) and Item(at + 5, at + 6) not in made
    for block in made.blocks:
        gaps_in = [b.start - a.end for a, b in zip(block.items, block.items[1:], strict=False)]
        assert block.widest_gap == max(gaps_in, default=0)


def test_a_mapping_goes_into_the_highest_gap_that_fits_also_where_blocks_are_passed_over():
    p = Process()
    area = p.mmap(60 * PAGE)
    for page in (*range(2, 50, 2), 51, 52):
        p.munmap(area + page * PAGE, PAGE)
    assert len(p.mm.vmas.blocks) > 4
    assert p.mmap(2 * PAGE) == area + 51 * PAGE
    assert p.mmap(PAGE) == area + 48 * PAGE
    assert p.mmap(2 * PAGE) == area - 2 * PAGE
    p.check()
