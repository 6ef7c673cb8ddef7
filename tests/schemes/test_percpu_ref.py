"""percpu_ref: how a count is kept between MADV_FREE and MADV_DONTNEED."""

from ptlab import KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from tests.support.snapshot import live_tables

HEAP = 16 * TiB


def heap(scheme, length=4 * MiB, grain="table"):
    p = Process(scheme, kernel="6.18", grain=grain)
    return p, p.mmap(length, at=HEAP)


def test_percpu_ref_stays_atomic_after_madv_free_and_frees_at_the_next_dontneed():
    p, memory = heap("percpu_ref", 2 * MiB)
    p.touch(memory)
    p.madvise(memory, "FREE")
    (table,) = live_tables(p, Level.PTE)
    assert p.scheme.atomic[table] and p.counters.pte == 1
    p.madvise(memory, "DONTNEED", 4 * KiB)  # not empty: switched back
    assert not p.scheme.atomic[table]
    p.madvise(memory, "DONTNEED")
    assert p.counters.pte == 0
