"""process_madvise of a process on itself."""

import pytest

from ptlab import KernelError, KiB, Process, TiB

HOLE = 16 * TiB


def test_it_stops_at_the_first_range_that_fails_and_says_how_far_it_came():
    p = Process()
    heap = p.mmap(64 * KiB)
    p.touch(heap)
    ranges = [(heap, 8 * KiB), (HOLE, 4 * KiB), (heap, 64 * KiB)]
    assert p.process_madvise(ranges, "DONTNEED") == 8 * KiB
    assert p.counters.present == 14
    with pytest.raises(KernelError, match="nothing is mapped"):
        p.process_madvise(ranges[1:], "DONTNEED")


def test_before_6_13_only_advice_for_others_is_allowed():
    p = Process(kernel="6.12")
    heap = p.mmap(64 * KiB)
    p.touch(heap)
    assert p.process_madvise([(heap, 64 * KiB)], "COLD") == 64 * KiB
    with pytest.raises(KernelError, match="not DONTNEED") as refused:
        p.process_madvise([(heap, 64 * KiB)], "DONTNEED")
    assert refused.value.name == "EINVAL"
