"""Indices, spans and bases, against addresses worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab.base.geometry import Geometry, GiB, Level, MiB, TiB, page_align

FOUR, FIVE = Geometry(4), Geometry(5)


@pytest.mark.parametrize(
    ("address", "indices"),
    [
        (0x400000, (0, 0, 2, 0)),
        (0x7FFF_FFFF_F000, (255, 511, 511, 511)),
        (0x7F5A_D2C0_0000, (254, 363, 150, 0)),
        (0x1234_5678_9ABC, (36, 209, 179, 393)),
    ],
)
def test_the_indices_of_an_address(address, indices):
    assert tuple(FOUR.index(address, level) for level in FOUR.path) == indices
    assert tuple(FIVE.index(address, level) for level in FIVE.path) == (0, *indices)


def test_the_fifth_level_starts_at_bit_48():
    assert FIVE.index(3 << 48, Level.PGD) == 3
    assert FIVE.index(3 << 48 | 7 << 39, Level.P4D) == 7


def test_what_one_table_spans():
    spans = [FOUR.span(level) for level in (Level.PTE, Level.PMD, Level.PUD)]
    assert spans == [2 * MiB, GiB, 512 * GiB]
    assert FOUR.span(Level.PGD) == 256 * TiB
    assert FIVE.span(Level.P4D) == 256 * TiB
    assert FIVE.span(Level.PGD) == 128 * 1024 * TiB


def test_a_full_tebibyte_costs_two_gibibytes_of_pte_pages():
    assert TiB // FOUR.span(Level.PTE) * 4096 == 2 * GiB
    assert TiB // FOUR.span(Level.PMD) * 4096 == 4 * MiB


def test_user_space_ends_one_page_below_the_hole():
    assert FOUR.task_size == 0x7FFF_FFFF_F000
    assert FIVE.task_size == 0xFF_FFFF_FFFF_F000


@given(address=st.integers(0, (1 << 56) - 1), levels=st.sampled_from([4, 5]))
def test_the_indices_give_the_address_back(address, levels):
    geometry = Geometry(levels)
    address &= (1 << (47 if levels == 4 else 56)) - 1
    parts = [geometry.index(address, level) << geometry.shift(level) for level in geometry.path]
    assert sum(parts) == address & ~0xFFF


@given(address=st.integers(0, (1 << 47) - 1), level=st.sampled_from(FOUR.path))
def test_a_base_is_the_start_of_the_span_around_an_address(address, level):
    base = FOUR.base(address, level)
    assert base % FOUR.span(level) == 0
    assert base <= address < base + FOUR.span(level)


@pytest.mark.parametrize("levels", [3, 6, 0])
def test_other_numbers_of_levels_are_refused(levels):
    with pytest.raises(ValueError, match=rf"levels={levels}.*4 .*5"):
        Geometry(levels)


@pytest.mark.parametrize(("length", "pages"), [(0, 0), (1, 1), (4096, 1), (4097, 2)])
def test_lengths_are_rounded_up_to_pages(length, pages):
    assert page_align(length) == pages * 4096
