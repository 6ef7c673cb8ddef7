"""What notebooks ask the engine."""

import pytest

from ptlab import KiB, MiB, Process
from ptlab.course import (
    after_loop,
    lock_mode,
    on_linux,
    references,
    references_over_time,
    try_get,
    vmpte_kb,
)

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


def test_the_mode_of_a_lock_is_read_from_the_steps():
    p = Process("unmap_only", kernel="6.1")
    p.munmap(p.mmap(2 * MiB))
    heap = p.mmap(2 * MiB)
    p.madvise(heap, "DONTNEED")
    assert lock_mode(p, "madvise") == "read" and lock_mode(p, "munmap") == "write"
    with pytest.raises(ValueError, match="no call of 'fork' took mmap_lock"):
        lock_mode(p, "fork")
    with pytest.raises(ValueError, match="record=False"):
        lock_mode(Process(record=False), "mmap")


def test_a_visitor_is_answered_as_the_table_is():
    p = Process("pte_refcount", kernel="6.18")
    heap = p.mmap(6 * MiB)
    p.touch(heap, 4 * KiB)
    p.madvise(heap + 2 * MiB, "HUGEPAGE", 2 * MiB)
    p.touch(heap + 2 * MiB, 1)
    answers = [try_get(p, heap + k * 2 * MiB) for k in range(3)]
    assert references(p, heap + 2 * MiB) == 0, "a huge page has no PTE page"
    assert answers == ["TRYGET_SUCCESSED", "TRYGET_FAILED_HUGE_PMD", "TRYGET_FAILED_NONE"]
    with pytest.raises(ValueError, match="unmap_only has no pte_try_get"):
        try_get(Process("unmap_only"), heap)
