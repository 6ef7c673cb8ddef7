"""write_scan: MADV_DONTNEED keeps all other tasks out."""

from ptlab import MiB, Process, TiB
from ptlab.base.steps import Kind

HEAP = 16 * TiB


def heap(scheme, length=4 * MiB, grain="table"):
    p = Process(scheme, kernel="6.18", grain=grain)
    return p, p.mmap(length, at=HEAP)


def test_write_scan_keeps_everybody_out_while_it_zaps():
    p, memory = heap("write_scan", 2 * MiB)
    p.touch(memory)
    start = len(p.journal.steps)
    p.madvise(memory, "DONTNEED")
    held = [s.fact for s in p.journal.steps[start:] if s.kind is Kind.LOCK]
    assert held[0].name == "mmap_lock" and held[0].mode == "write"
    assert not any(lock.name == "vma_lock" for lock in held)
