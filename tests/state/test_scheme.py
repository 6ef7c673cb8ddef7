"""A scheme of one's own, and what happens when it has a bug."""

import pytest

import ptlab
from ptlab import Corruption, KiB, MiB, Process, ReclaimScheme
from ptlab.costs.measure import designs, measure
from ptlab.schemes import UnmapOnly
from tests.support.snapshot import everything


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


class Forgetful(ReclaimScheme):
    """Takes tables out of the tree, and does not see to it that they are freed."""

    def zapped(self, mm, tables, walk, why, tlb):
        yield mm.unhook_pte(tables, "forgetful")


class Hasty(ReclaimScheme):
    """Takes tables out of the tree that have entries."""

    def entries_mapped(self, mm, tables, n, times=1):
        yield mm.unhook_pte(tables, "hasty")


@pytest.mark.parametrize(
    ("scheme", "told"),
    [(Forgetful, "PTE page 3 has leaked: .* so have 499 more"), (Hasty, "0 pages are mapped")],
)
def test_a_comparison_refuses_numbers_of_a_design_that_breaks_the_tables(scheme, told):
    with pytest.raises(Corruption, match=told):
        measure("full-table", "unmap_only", scheme)


def test_what_has_leaked_is_told_between_operations_and_not_within_one():
    p = Process(Forgetful)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    p.check()
    p.madvise(heap, "DONTNEED")
    with pytest.raises(Corruption, match="PTE page 3 has leaked: it is in no tree and was never"):
        p.check()
    p.journal.back()
    p.check()


def test_a_design_without_a_name_has_that_of_its_class_and_one_without_a_fate_is_yours():
    assert (Hasty.name, Hasty.fate) == ("Hasty", "A design of your own.")
    assert "with Hasty. A design of your own." in str(Process(Hasty))


def test_a_point_that_takes_too_little_is_told_when_the_class_is_made():
    with pytest.raises(
        TypeError, match=r"Short.zapped: .*called with \(self, mm, tables, walk, wh"
    ):

        class Short(ReclaimScheme):
            def zapped(self, mm):
                return ()


class Nothing(ReclaimScheme):
    """A point without a return."""

    def zapped(self, mm, tables, walk, why, tlb):
        pass


class Junk(ReclaimScheme):
    """A point that yields what it likes."""

    def zapped(self, mm, tables, walk, why, tlb):
        yield 42


@pytest.mark.parametrize(
    "run",
    [lambda: ptlab.story("life-of-a-pte-page", scheme=Nothing), lambda: ptlab.races(Nothing)],
    ids=["story", "races"],
)
def test_a_point_that_returns_none_is_told_what_to_return(run):
    with pytest.raises(TypeError) as error:
        run()
    told = [str(error.value), *getattr(error.value, "__notes__", ())]
    assert "returns () where there is nothing to do" in told[-1]


def test_what_is_yielded_has_to_be_a_step_and_changes_nothing():
    p = Process(Junk)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    before = everything(p)
    with pytest.raises(TypeError, match=r"42 was yielded in Junk.zapped, where a Step belongs"):
        p.madvise(heap, "DONTNEED")
    assert everything(p) == before


def test_two_designs_of_one_name_are_refused():
    class PtReclaim(ReclaimScheme):
        name = "pt_reclaim"

    with pytest.raises(
        ValueError, match="2 of the designs are called 'pt_reclaim': each needs its"
    ):
        measure("halves", "pt_reclaim", PtReclaim)
    with pytest.raises(ValueError, match="a design is called 'pt_reclaim' already"):
        designs("halves", PtReclaim)
