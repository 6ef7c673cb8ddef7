"""mlock, munlock and populating: memory that is faulted in before anybody touches it."""

import pytest

from ptlab import KernelError, KiB, MiB, Process, TiB

A = 16 * TiB


@pytest.mark.parametrize("advice", ["DONTNEED", "FREE"])
def test_an_mlocked_vma_stops_the_call_after_what_came_before_it(advice):
    p = Process()
    p.mmap(6 * MiB, at=A)
    p.touch(A, 6 * MiB, stride=2 * MiB)
    p.mlock(A + 2 * MiB, 4 * KiB)
    with pytest.raises(KernelError, match=f"{A + 2 * MiB:#x}.*mlocked") as refused:
        p.madvise(A, advice, 6 * MiB)
    assert refused.value.name == "EINVAL"
    assert (p.counters.present, p.counters.pte) == ((2, 2) if advice == "DONTNEED" else (3, 3))
    p.check()


def test_dontneed_locked_takes_mlocked_pages_too():
    p = Process()
    heap = p.mmap(2 * MiB)
    p.mlock(heap, 8 * KiB)
    assert p.counters.present == 2
    p.madvise(heap, "DONTNEED_LOCKED")
    assert p.counters.present == 0


def test_mlock_of_prot_none_locks_but_says_enomem():
    p = Process()
    heap = p.mmap(8 * KiB, prot="none")
    with pytest.raises(KernelError) as refused:
        p.mlock(heap)
    assert refused.value.name == "ENOMEM" and p.counters.present == 0
    with pytest.raises(KernelError, match="mlocked"):
        p.madvise(heap, "DONTNEED")


def test_mlocked_memory_that_becomes_writable_gets_pages_of_its_own():
    p = Process()
    heap = p.mmap(16 * KiB, prot="r")
    p.mlock(heap)
    assert (p.counters.zeropg, p.counters.rss_kb) == (4, 0)
    p.mprotect(heap, "rw")  # mprotect_fixup() populates a private VM_LOCKED VMA
    assert (p.counters.zeropg, p.counters.rss_kb) == (0, 16)


def test_populate_stops_at_a_hole():
    p = Process()
    p.mmap(4 * KiB, at=A)
    p.mmap(4 * KiB, at=A + 8 * KiB)
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "POPULATE_WRITE", 12 * KiB)
    assert refused.value.name == "ENOMEM" and p.counters.present == 1
    assert "the mapped parts were" not in str(refused.value)


def test_populate_write_of_read_only_memory_is_refused():
    p = Process()
    heap = p.mmap(4 * KiB, prot="r")
    with pytest.raises(KernelError) as refused:
        p.madvise(heap, "POPULATE_WRITE")
    assert refused.value.name == "EINVAL" and p.counters.pte == 0


def test_munlock_lets_dontneed_in_again():
    p = Process()
    heap = p.mmap(2 * MiB)
    p.mlock(heap)
    assert p.counters.present == 512
    p.munlock(heap)
    p.madvise(heap, "DONTNEED")
    assert (p.counters.present, p.counters.pte) == (0, 0)


@pytest.mark.parametrize(("prot", "zero", "rss"), [("rw", 0, 8), ("r", 2, 0)])
def test_mlock_writes_where_it_may_and_reads_where_it_may_not(prot, zero, rss):
    p = Process()
    p.mlock(p.mmap(8 * KiB, prot=prot))
    assert (p.counters.zeropg, p.counters.rss_kb, p.counters.minflt) == (zero, rss, 2)


def test_mlock_rounds_outward_to_pages():
    p = Process()
    heap = p.mmap(16 * KiB)
    p.mlock(heap + 100, 4 * KiB)
    assert p.counters.present == 2


@pytest.mark.parametrize(
    ("prot", "present", "zero"), [("rw", 512, 0), ("r", 512, 512), ("none", 0, 0)]
)
def test_map_populate_faults_everything_in_that_it_can(prot, present, zero):
    p = Process()
    p.mmap(2 * MiB, prot=prot, populate=True)
    assert (p.counters.present, p.counters.zeropg) == (present, zero)


def test_on_fault_nothing_is_faulted_in_but_it_is_locked():
    p = Process()
    heap = p.mmap(8 * KiB)
    p.mlock(heap, onfault=True)
    assert p.counters.present == 0
    with pytest.raises(KernelError, match="mlocked"):
        p.madvise(heap, "DONTNEED")


def test_mlockall_takes_what_is_there_and_what_comes():
    p = Process()
    p.mmap(8 * KiB)
    p.mlockall(current=True, future=True)
    later = p.mmap(8 * KiB)
    assert p.counters.present == 4
    p.munlockall()
    p.madvise(later, "DONTNEED")
    p.mmap(8 * KiB)
    assert p.counters.present == 2


@pytest.mark.parametrize("flags", [{}, {"onfault": True}])
def test_mlockall_of_neither_is_refused(flags):
    with pytest.raises(KernelError, match="MCL_CURRENT") as refused:
        Process().mlockall(current=False, **flags)
    assert refused.value.name == "EINVAL"
