"""mapped_count: what it frees when a user asks, and under which lock."""

from ptlab import KiB, MiB, Process, TiB
from ptlab.base.steps import Kind

HEAP = 16 * TiB


def heap(scheme, length=4 * MiB, grain="table"):
    p = Process(scheme, kernel="6.18", grain=grain)
    return p, p.mmap(length, at=HEAP)


def test_mapped_count_frees_tables_full_of_the_zero_page_when_asked():
    p, memory = heap("mapped_count")
    p.touch(memory, write=False)
    assert (p.counters.pte, p.counters.zeropg) == (2, 1024)
    p.background()
    assert (p.counters.pte, p.counters.zeropg) == (0, 0)
    p.touch(memory, 4 * KiB)  # one page of its own
    p.touch(memory, write=False)
    p.background()
    assert (p.counters.pte, p.counters.zeropg) == (1, 511)
    p.check()


def test_mapped_count_takes_mmap_lock_for_write_for_every_table():
    p, memory = heap("mapped_count", 8 * MiB)
    p.touch(memory)
    p.madvise(memory, "DONTNEED")
    start = len(p.journal.steps)
    p.background()
    locks = [s.fact.mode for s in p.journal.steps[start:] if s.kind is Kind.LOCK]
    assert locks.count("write") == 4
