"""Touching memory: what a fault builds, and what it does not."""

import pytest

from ptlab import GiB, KiB, MiB, Process, SegmentationFault, TiB
from ptlab.base.steps import Kind
from tests.support.vectors import vmpte_changes

A = 16 * TiB


def kinds(process, *wanted):
    return [
        (step.kind, step.fn) if step.kind in wanted else None
        for step in process.journal.steps
        if step.kind in wanted
    ]


def test_the_first_touch_builds_three_tables_top_down():
    p = Process()
    p.touch(p.mmap(2 * MiB), 4 * KiB)
    assert [fn for _, fn in kinds(p, Kind.INSTALL)] == [
        "__pud_alloc",
        "__pmd_alloc",
        "pmd_populate",
    ]
    assert (p.counters.pud, p.counters.pmd, p.counters.pte) == (1, 1, 1)


def test_five_levels_build_a_p4d_page_too():
    p = Process(levels=5)
    p.touch(p.mmap(2 * MiB), 4 * KiB)
    assert kinds(p, Kind.INSTALL)[0][1] == "__p4d_alloc"
    assert p.counters.vmpte_kb == 12


def test_a_new_512_gib_slot_costs_12_kb_as_measured():
    assert vmpte_changes("mmap s1 2M\ntouch w s1 4K") == [0, 12]


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
@pytest.mark.parametrize(
    ("offset", "length", "stride", "faults"),
    [
        (0, 2 * MiB, 4096, 512),
        (0, 2 * MiB, 1, 512),
        (0, 2 * MiB, 1000, 512),
        (0, 2 * MiB, 5000, 420),  # 2 MiB / 5000, each in a page of its own
        (0, 8 * MiB, 2 * MiB, 4),
        (100, 4096, 4096, 1),
        (100, 4096, 4000, 2),
        (4 * KiB, 6 * MiB, 2 * MiB + 4 * KiB, 3),
        (0, 1, 4096, 1),
        (0, 0, 4096, 0),
    ],
)
def test_a_fault_for_each_page_that_an_access_falls_on(offset, length, stride, faults, grain):
    p = Process(grain=grain)
    p.mmap(8 * MiB, at=A)
    assert p.touch(A + offset, length, stride=stride) == faults
    assert p.counters.minflt == p.counters.present == faults
    assert p.touch(A + offset, length, stride=stride) == 0


def test_a_read_maps_the_zero_page_and_a_write_then_copies_it():
    p = Process()
    heap = p.mmap(8 * KiB)
    assert p.touch(heap, write=False) == 2
    assert (p.counters.zeropg, p.counters.rss_kb, p.counters.vmpte_kb) == (2, 0, 12)
    assert p.touch(heap, write=False) == 0
    assert p.touch(heap, 4 * KiB) == 1
    assert (p.counters.zeropg, p.counters.rss_kb, p.counters.present) == (1, 4, 2)
    assert ("change", "wp_page_copy") in kinds(p, Kind.CHANGE)


def test_a_read_gives_a_vma_no_anon_vma_and_a_write_does():
    p = Process()
    heap = p.mmap(8 * KiB)
    p.touch(heap, write=False)
    assert p.mm.vmas[0].anon_vma is None
    p.touch(heap)
    assert p.mm.vmas[0].anon_vma is not None


def test_a_page_made_read_only_and_writable_again_needs_no_fault():
    p = Process()
    heap = p.mmap(4 * KiB)
    p.touch(heap)
    p.mprotect(heap, "r")
    p.mprotect(heap, "rw")
    assert p.touch(heap) == 0


def test_mprotect_never_makes_the_zero_page_writable():
    p = Process()
    heap = p.mmap(8 * KiB, prot="r")
    p.touch(heap, write=False)
    p.mprotect(heap, "rw")
    assert (p.touch(heap), p.counters.zeropg, p.counters.rss_kb) == (2, 0, 8)


@pytest.mark.parametrize(("prot", "write"), [("none", False), ("none", True), ("r", True)])
def test_a_refused_access_builds_no_table(prot, write):
    p = Process()
    heap = p.mmap(2 * MiB, prot=prot)
    with pytest.raises(SegmentationFault) as fault:
        p.touch(heap, write=write)
    assert (fault.value.refused, fault.value.faults) == (512, 0)
    assert p.counters.vmpte_kb == p.counters.minflt == 0


def test_sparse_memory_needs_two_tables_for_each_page():
    p = Process()
    p.touch(p.mmap(16 * GiB, at=A), stride=GiB)
    assert (p.counters.pmd, p.counters.pte, p.counters.rss_kb) == (16, 16, 64)


@pytest.mark.parametrize(
    ("kernel", "lock"), [("6.1", "mmap_read_lock"), ("6.18", "lock_vma_under_rcu")]
)
def test_since_6_4_a_fault_takes_the_vma_lock(kernel, lock):
    p = Process(kernel=kernel)
    heap = p.mmap(4 * KiB)
    start = len(p.journal)
    p.touch(heap)
    assert p.journal.steps[start].fn == lock


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "6.18"])
@pytest.mark.parametrize("scheme", ["unmap_only", "pte_refcount", "pt_reclaim"])
def test_what_is_locked_is_unlocked(kernel, scheme):
    p = Process(scheme, kernel)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 16 * KiB)
    p.madvise(heap, "DONTNEED")
    p.munmap(heap)
    taken = sum(step.kind is Kind.LOCK for step in p.journal.steps)
    dropped = sum(step.kind is Kind.UNLOCK for step in p.journal.steps)
    assert taken == dropped > 0 and p.machine.held[0] == ()
