"""async_scan: when it scans, and what it leaves."""

from ptlab import GiB, KiB, MiB, Process, TiB

HEAP = 16 * TiB


def heap(scheme, length=4 * MiB, grain="table"):
    p = Process(scheme, kernel="6.18", grain=grain)
    return p, p.mmap(length, at=HEAP)


def test_async_scan_waits_for_its_time_and_scans_whole_vmas():
    p, memory = heap("async_scan", 1 * GiB, "range")
    p.touch(memory, 64_000 * 4 * KiB - 4 * KiB)
    p.madvise(memory, "DONTNEED")
    assert p.counters.pte == 125
    p.touch(memory, 4 * KiB)  # the 64 000th fault: 100 ms have passed
    assert p.counters.pte == 1
    assert any(step.fn == "freept_pmd_entry" for step in p.journal.steps)


def test_async_scan_leaves_tables_that_two_vmas_share():
    p = Process("async_scan", kernel="6.18", grain="table")
    memory = p.mmap(1 * MiB, at=HEAP)
    other = p.mmap(1 * MiB, at=HEAP + 1 * MiB, prot="r")
    p.touch(memory)
    p.madvise(memory, "DONTNEED")
    p.background()
    assert p.counters.pte == 1
    p.munmap(other)
    p.background()
    assert p.counters.pte == 1  # still not 2 MiB in one VMA
