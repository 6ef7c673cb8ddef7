"""VMAs: where they split, where they merge, and the rule about anon_vma."""

from itertools import pairwise

import pytest
from hypothesis import given

from ptlab import KiB, Process, TiB
from tests.support.strategies import programs, rows

A = 16 * TiB
PAGE = 4 * KiB


def vmas(process):
    """(pages from A, number of pages, rights) of each VMA."""
    return [
        ((vma.start - A) // PAGE, (vma.end - vma.start) // PAGE, vma.prot)
        for vma in process.mm.vmas
    ]


@pytest.fixture
def p():
    p = Process()
    p.mmap(8 * PAGE, at=A)
    return p


def test_neighbours_of_a_kind_merge(p):
    p.mmap(8 * PAGE, at=A + 8 * PAGE)
    assert vmas(p) == [(0, 16, "rw")]


def test_a_gap_is_filled_and_three_become_one(p):
    p.mmap(8 * PAGE, at=A + 16 * PAGE)
    p.mmap(8 * PAGE, at=A + 8 * PAGE)
    assert vmas(p) == [(0, 24, "rw")]


@pytest.mark.parametrize("other", [{"prot": "r"}, {"prot": "none"}, {"noreserve": True}])
def test_neighbours_that_differ_stay_apart(p, other):
    p.mmap(8 * PAGE, at=A + 8 * PAGE, **other)
    assert len(vmas(p)) == 2


def test_mprotect_splits_and_merges_back(p):
    p.mprotect(A + 2 * PAGE, "r", 3 * PAGE)
    assert vmas(p) == [(0, 2, "rw"), (2, 3, "r"), (5, 3, "rw")]
    p.mprotect(A + 2 * PAGE, "rw", 3 * PAGE)
    assert vmas(p) == [(0, 8, "rw")]


def test_mprotect_over_several_vmas_makes_one(p):
    p.mprotect(A + 2 * PAGE, "none", PAGE)
    p.mprotect(A + 5 * PAGE, "r", PAGE)
    p.mprotect(A, "rw", 8 * PAGE)
    assert vmas(p) == [(0, 8, "rw")]


def test_mlock_splits_and_munlock_merges(p):
    p.mlock(A + PAGE, PAGE)
    assert len(vmas(p)) == 3
    p.munlock(A, 8 * PAGE)
    assert vmas(p) == [(0, 8, "rw")]


def test_munmap_in_the_middle_splits(p):
    p.munmap(A + 2 * PAGE, PAGE)
    assert vmas(p) == [(0, 2, "rw"), (3, 5, "rw")]


def test_mapping_over_replaces_a_part(p):
    p.mmap(PAGE, at=A + 2 * PAGE, prot="none", over=True)
    assert vmas(p) == [(0, 2, "rw"), (2, 1, "none"), (3, 5, "rw")]


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "6.18"])
def test_two_written_vmas_have_anon_vmas_of_their_own_and_never_merge(kernel):
    p = Process(kernel=kernel)
    for at in (A, A + 2 * PAGE):
        p.mmap(PAGE, at=at)
        p.touch(at, PAGE)
    p.mmap(PAGE, at=A + PAGE)
    assert vmas(p) == [(0, 2, "rw"), (2, 1, "rw")]


def test_a_copy_of_the_zero_page_gives_an_anon_vma_as_any_page_of_ones_own():
    p = Process()
    for at in (A, A + 2 * PAGE):
        p.mmap(PAGE, at=at)
        p.touch(at, PAGE, write=False)
        p.touch(at, PAGE)
    p.mmap(PAGE, at=A + PAGE)
    assert vmas(p) == [(0, 2, "rw"), (2, 1, "rw")]


def test_a_neighbour_of_other_rights_shares_its_anon_vma_so_that_they_may_merge_one_day():
    p = Process()
    p.mmap(2 * PAGE, at=A, noreserve=True)
    p.mprotect(A, "r", PAGE)
    p.touch(A + PAGE, PAGE)
    p.mprotect(A, "rw", PAGE)
    p.mprotect(A + PAGE, "r", PAGE)
    p.touch(A, PAGE)  # takes the neighbour's anon_vma
    p.mprotect(A + PAGE, "rw", PAGE)
    assert vmas(p) == [(0, 2, "rw")]


@pytest.mark.parametrize(("kernel", "left"), [("6.1", 2), ("6.12", 2), ("6.18", 1)])
def test_before_6_15_a_written_vma_did_not_merge_with_an_unwritten_neighbour(kernel, left):
    p = Process("unmap_only", kernel)
    p.mmap(PAGE, at=A, noreserve=True)
    p.mmap(PAGE, at=A + PAGE, prot="none", noreserve=True)
    p.touch(A, PAGE)
    p.mprotect(A, "none", PAGE)
    assert len(vmas(p)) == left


def test_what_was_written_stays_accounted_and_so_apart():
    p = Process()
    p.mmap(PAGE, at=A)
    p.mmap(PAGE, at=A + PAGE, prot="r")
    p.touch(A, PAGE)
    p.mprotect(A, "r", PAGE)
    assert vmas(p) == [(0, 1, "r"), (1, 1, "r")]


@given(program=programs())
def test_vmas_are_sorted_apart_and_merged_wherever_they_may(program):
    p = Process(record=False)
    rows(p, program)
    seen = p.mm.vmas
    for vma in seen:
        assert vma.start < vma.end and vma.start % PAGE == vma.end % PAGE == 0
    for left, right in pairwise(seen):
        assert left.end <= right.start
