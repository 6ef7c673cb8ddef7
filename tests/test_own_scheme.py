"""A scheme of one's own, and what happens when it has a bug."""

import pytest

from ptlab import KiB, MiB, Process, ReclaimScheme
from ptlab.schemes import UnmapOnly

from .state import everything


def test_a_scheme_that_overrides_nothing_frees_nothing():
    class Plain(ReclaimScheme):
        name, fate, source = "plain", "", ""

    p = Process(Plain)
    heap = p.mmap(2 * MiB)
    p.touch(heap)
    p.madvise(heap, "DONTNEED")
    assert (p.counters.pte, p.counters.present) == (1, 0)


class Broken(UnmapOnly):
    """A scheme with a bug in it, reached in the middle of a fault."""

    name, fate, source = "broken", "", ""

    def entries_mapped(self, mm, tables, n, times=1):
        raise ZeroDivisionError("a bug in the scheme")


def test_a_bug_in_a_scheme_comes_through_and_leaves_no_half_done_call():
    p = Process(Broken)
    heap = p.mmap(2 * MiB)
    before, steps = everything(p), len(p.journal)
    with pytest.raises(ZeroDivisionError, match="a bug in the scheme"):
        p.touch(heap)
    assert everything(p) == before and len(p.journal) == steps
    assert len(p.journal.operations) == 1
    p.check()
    p.munmap(heap)
    assert p.counters.vmas == 0


def test_a_bug_inside_a_group_that_is_caught_there_leaves_no_lock_held():
    p = Process(Broken)
    with p.operation("try"):
        heap = p.mmap(2 * MiB)
        with pytest.raises(ZeroDivisionError):
            p.touch(heap)
    assert p.machine.held[0] == ()
    p.check()


def test_an_error_of_the_kernel_is_part_of_the_story():
    p = Process()
    with pytest.raises(OSError):
        p.munmap(0x1001, 4 * KiB)
    with pytest.raises(OSError):
        p.madvise(0x1000, "DONTNEED", 4 * KiB)
    assert [op.text.split("(")[0] for op in p.journal.operations] == ["munmap", "madvise"]
    assert "0x1001" in p.journal.operations[0].error
    assert "0x1000" in p.journal.operations[1].error
