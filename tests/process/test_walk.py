"""The way of an address: where it ends, and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
from ptlab import MADV_DONTNEED, KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from tests.support.strategies import programs, rows

A = 16 * TiB


@pytest.mark.parametrize("levels", [4, 5])
def test_a_walk_reads_one_entry_at_each_level(levels):
    p = Process(levels=levels)
    p.touch(p.mmap(8 * KiB, at=A))
    found = ptlab.walk(p, A + 4 * KiB + 5)
    assert [read.level for read in found.reads] == [level.name for level in p.machine.geometry.path]
    assert found.reads[-1].entry == 1 and found.offset == 5 and found.writable
    assert found.outcome == f"TLB miss, {levels} reads: frame {found.frame:#x} + 0x5"


def test_a_walk_ends_where_an_entry_leads_nowhere():
    p = Process("pt_reclaim")
    heap = p.mmap(4 * MiB, at=A)
    assert ptlab.walk(p, heap).outcome == "TLB miss, 1 read: PGD entry 32 is none: page fault"
    p.touch(heap, 8 * KiB)
    p.touch(heap + 2 * MiB, 4 * KiB, write=False)
    assert ptlab.walk(p, heap + 2 * MiB).outcome.endswith(" + 0x0, a write faults")
    p.mprotect(heap + 2 * MiB, "none", 4 * KiB)
    assert ptlab.walk(p, heap + 2 * MiB).outcome.endswith("allows no access: page fault")
    p.madvise(heap, MADV_DONTNEED, 2 * MiB)
    assert ptlab.walk(p, heap).outcome == "TLB miss, 3 reads: PMD entry 0 is none: page fault"


def test_a_huge_page_takes_21_bits():
    p = Process()
    heap = p.mmap(2 * MiB, at=A)
    p.madvise(heap, "HUGEPAGE")
    p.touch(heap, 1)
    found = ptlab.walk(p, heap + 0x12345)
    assert found.reads[-1].level == "PMD" and found.offset == 0x12345
    assert "huge page, frame" in found.outcome


@pytest.mark.parametrize("address", [-1, 1 << 47, 1 << 64])
def test_an_address_beyond_user_space_is_refused(address):
    with pytest.raises(ValueError, match="user space has addresses 0 to 0x7fffffffefff"):
        ptlab.walk(Process(), address)
    with pytest.raises(TypeError, match="must be a whole number"):
        ptlab.walk(Process(), "heap")


@settings(max_examples=10)
@given(program=programs(longest=5, full=False), page=st.integers(0, 2048))
def test_a_walk_finds_the_tables_that_the_kernel_finds(program, page):
    p = Process()
    rows(p, program)
    found = ptlab.walk(p, A + page * 4 * KiB)
    for read in found.reads:
        assert p.mm.lookup(found.address, Level[read.level]) == read.table
