"""The grain says how much one step tells, never what happens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import SCHEMES, KiB, MiB, Process, SegmentationFault, TiB
from ptlab.base.steps import Kind
from tests.support.snapshot import check_all, outcome
from tests.support.strategies import programs, rows

GRAINS = ("entry", "table", "range")
few = settings(max_examples=max(5, settings.default.max_examples // 4))


@pytest.mark.parametrize("scheme", SCHEMES)
@few
@given(program=programs(), levels=st.sampled_from([4, 5]))
def test_all_grains_come_to_the_same_end(scheme, program, levels):
    ends = []
    for grain in GRAINS:
        process = Process(scheme, levels=levels, grain=grain, record=False)
        told = rows(process, program)
        check_all(process)
        ends.append((told, outcome(process)))
    for grain, end in zip(GRAINS[1:], ends[1:], strict=True):
        assert end == ends[0], f"grain {grain} differs from grain entry"


@given(program=programs())
def test_the_kernel_version_does_not_make_grains_differ(program):
    ends = [outcome(p) for p in _on_61_with_reclaim(program)]
    assert ends[0] == ends[1] == ends[2]


def _on_61_with_reclaim(program):
    for grain in GRAINS:
        process = Process("pt_reclaim", kernel="6.1", grain=grain, record=False)
        rows(process, program)
        yield process


@pytest.mark.parametrize("grain", GRAINS)
def test_data_pages_are_taken_in_the_order_of_their_addresses(grain):
    ends = []
    for one in ("entry", grain):
        p = Process(grain=one)
        heap = p.mmap(8 * KiB)
        p.touch(heap, 4 * KiB, write=False)
        p.touch(heap)  # copies the zero page first, then fills the second entry
        ends.append(outcome(p))
    assert ends[0] == ends[1]


def steps(grain):
    p = Process("pte_refcount", grain=grain)
    heap = p.mmap(8 * MiB, at=16 * TiB)
    with pytest.raises(SegmentationFault):
        p.touch(heap, 10 * MiB)
    p.madvise(heap, "DONTNEED")
    return p.journal.steps


def test_coarser_grains_tell_the_same_in_fewer_steps():
    entry, table, whole = (len(steps(grain)) for grain in GRAINS)
    assert entry > 100 * table > 100 * whole


@pytest.mark.parametrize("kind", [Kind.SET, Kind.CLEAR, Kind.ALLOC, Kind.UNHOOK, Kind.REFUSED])
def test_every_grain_tells_of_as_many_entries_and_tables(kind):
    def told(grain):
        mine = [step for step in steps(grain) if step.kind is kind]
        if kind in (Kind.ALLOC, Kind.UNHOOK):
            return sum(1 if isinstance(step.tables, int) else len(step.tables) for step in mine)
        return sum(step.n for step in mine)

    assert told("entry") == told("table") == told("range") > 0


@pytest.mark.parametrize("grain", GRAINS)
def test_a_vma_gets_one_anon_vma_however_many_entries_a_step_covers(grain):
    p = Process(grain=grain)
    heap = p.mmap(8 * KiB)
    p.touch(heap + 4 * KiB, 4 * KiB, write=False)
    p.touch(heap)  # fills the first entry and copies the zero page of the second
    assert [vma.anon_vma for vma in p.mm.vmas] == [1]
    assert sum(step.fn == "__anon_vma_prepare" for step in p.journal.steps) == 1
