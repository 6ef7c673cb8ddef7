"""Memory that grows down: its steps. What Linux does is in the recordings O_stack_*."""

import pytest

from ptlab import KiB, MiB, Process, SegmentationFault, TiB

TOP = 16 * TiB + 16 * MiB


@pytest.fixture
def p():
    process = Process()
    process.mmap(64 * KiB, at=TOP - 64 * KiB, growsdown=True)
    return process


def test_a_fault_below_extends_the_mapping_under_mmap_lock_for_write(p):
    p.touch(TOP - MiB, 4 * KiB)
    (stack,) = p.mm.vmas
    assert (stack.start, stack.end) == (TOP - MiB, TOP)
    fns = [step.fn for step in p.journal.steps]
    first = fns.index("mmap_write_lock", fns.index("mmap_write_unlock"))
    grown, downgraded = fns.index("expand_downwards"), fns.index("mmap_write_downgrade")
    assert first < grown < downgraded < fns.index("mmap_read_unlock")
    p.check()


def test_what_lies_too_deep_is_refused_and_no_lock_is_kept(p):
    with pytest.raises(SegmentationFault) as refused:
        p.touch(TOP - 9 * MiB, 4 * KiB)
    assert refused.value.refused == 1 and p.machine.held == [()]
    assert p.touch(TOP - 8 * MiB, 4 * KiB) == 1


def test_the_gap_to_accessible_memory_below_stays_free(p):
    below = p.mmap(4 * KiB, at=TOP - 4 * MiB)
    with pytest.raises(SegmentationFault) as refused:
        p.touch(TOP - 4 * MiB, 2 * MiB)
    assert refused.value.refused == 256  # 1 MiB above its end, of 511 pages above the mapping below
    p.mprotect(below, "none")
    assert p.touch(TOP - 4 * MiB + 4 * KiB, 4 * KiB) == 1


def test_the_kernel_chooses_no_place_in_the_gap():
    p = Process()
    top = p.mmap(4 * KiB)
    p.munmap(top)
    p.mmap(4 * KiB, at=top, growsdown=True)
    assert p.mmap(4 * KiB) == top - MiB - 4 * KiB
