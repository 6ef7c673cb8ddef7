"""The heap. What Linux does is in the recordings O_brk_*; here are its errors and its steps."""

import pytest

from ptlab import KernelError, KiB, MiB, Process, TiB


def test_a_new_heap_is_one_mapping_without_tables():
    p = Process()
    start = p.mm.layout.start_brk
    p.brk(start + 100)
    p.brk(start + 2 * MiB)
    (heap,) = p.mm.vmas
    assert (heap.start, heap.end, p.mm.layout.brk) == (start, start + 2 * MiB, start + 2 * MiB)
    assert p.counters.pte == 0
    p.touch(start, 2 * MiB)
    p.brk(start)
    assert not p.mm.vmas and p.counters.vmpte_kb == 0
    p.check()


@pytest.mark.parametrize(
    ("break_at", "why"),
    [(-4 * KiB, "the heap begins at"), (MiB, "a page between must stay free")],
)
def test_what_brk_refuses_leaves_the_break_and_no_lock(break_at, why):
    p = Process()
    start = p.mm.layout.start_brk
    p.mmap(4 * KiB, at=start + MiB)
    p.brk(start + 64 * KiB)
    with pytest.raises(KernelError, match=why) as refused:
        p.brk(start + break_at)
    assert refused.value.name == "ENOMEM" and p.mm.layout.brk == start + 64 * KiB
    assert p.machine.held == [()]


def test_a_heap_beyond_the_address_space_is_refused():
    p = Process()
    with pytest.raises(KernelError, match="the address space ends before"):
        p.brk(128 * TiB)


def test_stepping_back_moves_the_break_back():
    p = Process()
    p.brk(p.mm.layout.start_brk + MiB)
    p.journal.seek(0)
    assert p.mm.layout.brk == p.mm.layout.start_brk and not p.mm.vmas
