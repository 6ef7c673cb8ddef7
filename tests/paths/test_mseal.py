"""mseal. What Linux does is in the recordings O_mseal_*; here are versions, errors and messages."""

import pytest

from ptlab import KernelError, KiB, Process


@pytest.fixture
def sealed():
    p = Process()
    heap = p.mmap(64 * KiB)
    p.touch(heap)
    p.mseal(heap)
    return p, heap


@pytest.mark.parametrize(
    "call",
    [
        lambda p, heap: p.munmap(heap),
        lambda p, heap: p.mprotect(heap, "r"),
        lambda p, heap: p.mremap(heap, 4 * KiB),
        lambda p, heap: p.mmap(4 * KiB, at=heap, over=True),
        lambda p, heap: p.mremap(p.mmap(4 * KiB), 4 * KiB, to=heap),
    ],
)
def test_sealed_memory_stays_as_it_is(sealed, call):
    p, heap = sealed
    with pytest.raises(KernelError, match="is sealed") as refused:
        call(p, heap)
    assert refused.value.name == "EPERM" and p.machine.held == [()]
    assert p.counters.present == 16
    p.check()


def test_writable_memory_may_be_emptied_though_it_is_sealed(sealed):
    p, heap = sealed
    p.madvise(heap, "DONTNEED")
    assert p.counters.present == 0


def test_older_kernels_do_not_have_it():
    p = Process(kernel="6.1")
    with pytest.raises(KernelError, match=r"Linux 6\.1 does not have it") as refused:
        p.mseal(p.mmap(4 * KiB))
    assert refused.value.name == "ENOSYS"


def test_over_a_hole_nothing_is_sealed():
    p = Process()
    heap = p.mmap(8 * KiB)
    with pytest.raises(KernelError, match="nothing was sealed") as refused:
        p.mseal(heap, 12 * KiB)
    assert refused.value.name == "ENOMEM"
    p.munmap(heap)
