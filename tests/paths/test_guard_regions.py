"""Precaution regions: markers that refuse every access and keep their table.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest

from ptlab import KernelError, KiB, MiB, Process, SegmentationFault, TiB
from ptlab.base.geometry import Level
from ptlab.base.pte import GUARD_MARKER
from tests.support.vectors import vmpte_changes

A = 16 * TiB
GRAINS = ("entry", "table", "range")
MEASURED = {
    "one marker keeps its table": (
        "mmap s0+1G 2M\ntouch w s0+1G 2M\nmadvise GUARD_INSTALL s0+1G+1M 4K\n"
        "madvise DONTNEED s0+1G 2M\nmadvise GUARD_REMOVE s0+1G+1M 4K\nmadvise DONTNEED s0+1G 2M",
        [0, 8, 8, 8, 8, 4],
    ),
    "guarding memory never touched needs tables": (
        "mmap s0+1G 2M\nmadvise GUARD_INSTALL s0+1G 2M\nmunmap s0+1G 2M",
        [0, 8, 0],
    ),
}


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("story", MEASURED)
def test_as_measured(story, grain):
    ops, kilobytes = MEASURED[story]
    assert vmpte_changes(ops, grain=grain) == kilobytes


@pytest.fixture(params=GRAINS)
def p(request):
    """Four pages, all touched; the second one is a guard page."""
    p = Process(grain=request.param)
    p.touch(p.mmap(16 * KiB, at=A))
    p.madvise(A + 4 * KiB, "GUARD_INSTALL", 4 * KiB)
    return p


def guarded(process):
    """Which of the four pages refuse an access."""
    with pytest.raises(SegmentationFault) as refused:
        process.touch(A, 16 * KiB)
    return refused.value.refused, (refused.value.address - A) // (4 * KiB)


def test_an_access_is_refused_and_the_page_below_is_gone(p):
    assert (p.counters.anon_kb, p.counters.swap) == (12, 1)
    table = p.mm.lookup(A, Level.PTE)
    assert p.machine.mem.entries.word(table, 1) == GUARD_MARKER
    assert guarded(p) == (1, 1)


@pytest.mark.parametrize("advice", ["DONTNEED", "DONTNEED_LOCKED", "FREE", "COLD", "GUARD_INSTALL"])
def test_advice_leaves_a_marker_where_it_is(p, advice):
    length = 4 * KiB if advice == "GUARD_INSTALL" else 16 * KiB
    p.madvise(A + (4 * KiB if advice == "GUARD_INSTALL" else 0), advice, length)
    assert p.counters.swap == 1 and guarded(p) == (1, 1)


def test_mprotect_mremap_and_fork_leave_it_too(p):
    p.mprotect(A, "none", 16 * KiB)
    p.mprotect(A, "rw", 16 * KiB)
    assert guarded(p) == (1, 1)
    child = p.fork()
    assert guarded(child) == (1, 1)
    child.exit()
    p.mremap(A, 16 * KiB, to=A + 2 * MiB + 4 * KiB, old_length=16 * KiB)
    p.mremap(A + 2 * MiB + 4 * KiB, 16 * KiB, to=A, old_length=16 * KiB)
    assert guarded(p) == (1, 1)


def test_a_child_gets_the_guards_of_memory_that_was_never_touched():
    p = Process()
    p.mmap(16 * KiB, at=A)
    p.madvise(A + 4 * KiB, "GUARD_INSTALL", 4 * KiB)
    assert guarded(p.fork()) == (1, 1)


def test_removed_it_reads_zero_again(p):
    p.madvise(A, "GUARD_REMOVE", 16 * KiB)
    assert (p.counters.anon_kb, p.counters.swap) == (12, 0)
    assert p.touch(A, 16 * KiB, write=False) == 1 and p.counters.zeropg == 1


def test_populating_over_a_guard_is_efault(p):
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "POPULATE_WRITE", 16 * KiB)
    assert refused.value.name == "EFAULT"


def test_an_mlocked_mapping_takes_no_guards_but_lets_them_go(p):
    p.mlock(A + 8 * KiB, 8 * KiB)
    with pytest.raises(KernelError, match="mlocked") as refused:
        p.madvise(A + 8 * KiB, "GUARD_INSTALL", 4 * KiB)
    assert refused.value.name == "EINVAL"
    p.madvise(A + 8 * KiB, "GUARD_REMOVE", 8 * KiB)


@pytest.mark.parametrize("advice", ["GUARD_INSTALL", "GUARD_REMOVE"])
def test_before_6_13_there_are_no_guards(advice):
    p = Process(kernel="6.12")
    heap = p.mmap(4 * KiB)
    with pytest.raises(KernelError, match=f"6.12.*{advice}") as refused:
        p.madvise(heap, advice)
    assert refused.value.name == "EINVAL" and p.counters.vmpte_kb == 0


def test_a_guard_in_a_huge_page_splits_it():
    p = Process()
    p.mmap(2 * MiB, at=A)
    p.madvise(A, "HUGEPAGE", 2 * MiB)
    p.touch(A, 4 * KiB)
    p.madvise(A + MiB, "GUARD_INSTALL", 4 * KiB)
    assert (p.counters.huge_kb, p.counters.anon_kb, p.counters.swap) == (0, 2044, 1)
    p.check()


def test_references_a_marker_counts_like_any_entry():
    p = Process("pte_refcount", kernel="6.18")
    p.mmap(2 * MiB, at=A)
    p.madvise(A, "GUARD_INSTALL", 8 * KiB)
    table = p.mm.lookup(A, Level.PTE)
    assert p.machine.mem.refcount[table] == 2
    p.touch(A + 8 * KiB, 4 * KiB)
    p.madvise(A, "DONTNEED", 2 * MiB)
    assert p.machine.mem.refcount[table] == 2
    p.madvise(A, "GUARD_REMOVE", 2 * MiB)
    assert p.counters.pte == 0
