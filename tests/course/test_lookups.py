"""What notebooks ask the engine."""

import pytest

from ptlab import KiB, MiB, Process
from ptlab.course import after_loop, on_linux, references, references_over_time, vmpte_kb

FULL = "mmap s0 2M\n touch w s0 2M\n madvise DONTNEED s0 2M\n"


def test_vmpte_depends_on_the_design_and_on_the_kernel():
    assert vmpte_kb(FULL, "unmap_only") == 12 and vmpte_kb(FULL, "pt_reclaim") == 8
    assert vmpte_kb(FULL, kernel="6.12") == 12 and vmpte_kb(FULL, kernel="6.18") == 8


def test_references_follow_the_journal():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    assert references(p, heap) == 0
    p.touch(heap, 8 * KiB)
    assert references(p, heap) == 2
    counts = references_over_time(p, heap)
    assert counts[0] == 0 and counts[-1] == 2 and max(counts) == 3
    with pytest.raises(ValueError, match="record=False"):
        references_over_time(Process(record=False), heap)


def test_the_loop_of_the_mail():
    assert after_loop("I01_cover_64M", "unmap_only") == 136
    assert after_loop("I01_cover_64M", "pte_refcount") == 8


def test_a_recording_is_told_or_refused():
    said = on_linux("6.1", "A02_first_touch").splitlines()
    assert said[0].startswith("Linux 6.1") and "12 kB  after  touch" in said[2]
    with pytest.raises(ValueError, match=r"Linux 6\.1 has no recording of 'nothing'"):
        on_linux("6.1", "nothing")
