"""Entry words, bit for bit as x86-64 Linux writes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import MiB, Process
from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.base.pte import U64

frames = st.integers(1, (1 << 40) - 1)


def entry(process, address, level=Level.PTE):
    """The word that maps `address`, as a process's own access left it."""
    table = process.mm.lookup(address, level)
    return int(process.machine.mem.entries[table, process.machine.geometry.index(address, level)])


@pytest.fixture
def p():
    # From 6.6 on a read-only dirty entry keeps its dirtiness in bit 58 (_PAGE_SAVED_DIRTY).
    return Process(kernel="6.1")


@pytest.fixture
def heap(p):
    return p.mmap(2 * MiB)


def test_a_written_page_is_young_dirty_and_soft_dirty(p, heap):
    p.touch(heap, 4096)
    assert entry(p, heap) == 0x8000_0001_0000_0867


def test_a_page_that_was_only_read_is_the_zero_page_special_and_read_only(p, heap):
    p.touch(heap, 4096, write=False)
    word = entry(p, heap)
    assert word & 0x8000_0000_0000_0FFF == 0x8000_0000_0000_0225
    assert pte.kind(word) == "zero" and pte.is_zero_page(word)


@pytest.mark.parametrize("level", [Level.PGD, Level.PUD, Level.PMD])
def test_an_entry_for_a_table_has_the_flags_67(p, heap, level):
    p.touch(heap, 4096)
    below = {Level.PGD: Level.PUD, Level.PUD: Level.PMD, Level.PMD: Level.PTE}[level]
    assert entry(p, heap, level) == p.mm.lookup(heap, below) << 12 | 0x67


def test_madv_free_makes_a_page_clean_and_old(p, heap):
    p.touch(heap, 4096)
    p.madvise(heap, "FREE")
    assert entry(p, heap) == 0x8000_0001_0000_0807
    p.touch(heap, 4096)
    assert entry(p, heap) == 0x8000_0001_0000_0867


def test_read_only_keeps_everything_but_the_right_to_write(p, heap):
    p.touch(heap, 4096)
    p.mprotect(heap, "r")
    assert entry(p, heap) == 0x8000_0001_0000_0865
    p.mprotect(heap, "rw")
    assert entry(p, heap) == 0x8000_0001_0000_0867


def test_prot_none_turns_the_frame_number_around(p, heap):
    p.touch(heap, 4096)
    p.mprotect(heap, "none")
    # PAGE_NONE is ACCESSED and PROTNONE only: USER and NX go, DIRTY and SOFT_DIRTY stay.
    assert entry(p, heap) == 0x000F_FFFE_FFFF_F960
    p.mprotect(heap, "rw")
    assert entry(p, heap) == 0x8000_0001_0000_0867


@given(frame=frames, writable=st.booleans())
def test_prot_none_and_back_loses_only_the_right_to_write(frame, writable):
    word = np.array([pte.anon_entry(frame, writable)], U64)
    closed = pte.to_protnone(word)
    assert not closed & U64(pte.PRESENT) and not closed & U64(pte.RW)
    assert pte.pfn(closed)[0] == pte.pfn(int(closed[0])) == frame
    assert int(closed[0]) & pte.PFN_MASK == ~(frame << 12) & pte.PFN_MASK
    assert pte.kind(int(closed[0])) == "protnone" and pte.is_present(closed).all()
    assert pte.from_protnone(closed) == word & U64(~pte.RW & (1 << 64) - 1)


@given(kind=st.integers(0, 31), offset=st.integers(0, (1 << 50) - 2))
def test_a_swap_entry_holds_kind_and_inverted_offset_and_is_not_present(kind, offset):
    word = pte.swap_entry(kind, offset)
    assert word >> 59 == kind
    assert ~(word >> 9) & (1 << 50) - 1 == offset
    assert word & ((1 << 9) - 1) == 0
    assert not pte.is_present(word)
    assert pte.kind(word) == "swap"


def test_a_swap_entry_worked_out_by_hand():
    assert pte.swap_entry(0, 0) == 0x07FF_FFFF_FFFF_FE00
    assert pte.swap_entry(1, 5) == 0x0FFF_FFFF_FFFF_F400


@given(words=st.lists(st.builds(pte.anon_entry, frames, st.booleans()), min_size=1))
def test_arrays_and_numbers_are_decoded_alike(words):
    array = np.array(words, U64)
    assert pte.pfn(array).tolist() == [pte.pfn(word) for word in words]
    assert pte.is_present(array).tolist() == [pte.is_present(word) for word in words]


def test_decoding_spells_an_entry_out():
    assert pte.decode(0) == "0x0000000000000000  none"
    assert pte.decode(0x67) == "0x0000000000000067  table  pfn 0x0  PRESENT RW USER ACCESSED DIRTY"
    assert "pfn" not in pte.decode(pte.swap_entry(1, 5))


def test_the_flag_table_agrees_with_the_constants():
    for name, bit, meaning in pte.FLAGS:
        assert getattr(pte, name) == 1 << bit
        assert meaning, name
    assert pte.flag_names(0x867) == ["PRESENT", "RW", "USER", "ACCESSED", "DIRTY", "SOFT_DIRTY"]
