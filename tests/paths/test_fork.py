"""fork and exit: which tables a child gets, and who may write to the pages they share.

The numbers are VmPTE in kB as measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import numpy as np
import pytest

from ptlab import GiB, KiB, MiB, Process, SegmentationFault, TiB
from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from tests.support.snapshot import check_all, everything, live_tables

A = 16 * TiB
GRAINS = ("entry", "table", "range")


@pytest.fixture(params=GRAINS)
def p(request):
    return Process("unmap_only", kernel="6.18", grain=request.param)


def word(process, address):
    """The PTE page's word for `address`."""
    table = process.mm.lookup(address, Level.PTE)
    return process.machine.mem.entries.word(table, address >> 12 & 511)


def test_a_child_gets_the_emptied_tables_of_anonymous_memory_too(p):
    heap = p.mmap(8 * MiB, at=A)
    p.touch(heap)
    p.madvise(heap, "DONTNEED")
    assert (p.counters.pte, p.counters.present) == (4, 0)
    child = p.fork()
    assert (child.counters.pte, child.counters.present) == (4, 0)
    assert child.counters.vmpte_kb == 4 * (4 + 2)  # and a PMD and a PUD page


def test_zero_pages_are_not_copied_until_one_page_is_the_processs_own(p):
    heap = p.mmap(8 * MiB, at=A)
    p.touch(heap, write=False)
    assert p.fork().counters.vmpte_kb == 0  # no anon_vma: a fault would bring them back
    p.touch(heap, 4 * KiB)
    child = p.fork()
    assert (child.counters.pte, child.counters.zeropg, child.counters.rss_kb) == (4, 2047, 4)


def test_shared_memory_is_not_copied_a_fault_finds_the_same_page(p):
    heap = p.mmap(16 * MiB, at=A, shared=True)
    p.touch(heap)
    child = p.fork()
    assert child.counters.vmpte_kb == child.counters.present == 0
    assert child.touch(heap, 4 * KiB) == 1
    assert pte.pfn(word(child, heap)) == pte.pfn(word(p, heap))


def test_a_child_gets_a_pmd_page_whose_tables_are_all_a_neighbours(p):
    p.mmap(GiB + 4 * KiB, at=A, noreserve=True)
    p.madvise(A, "SEQUENTIAL", 2 * MiB)  # from here on a VMA of its own
    p.touch(A + GiB, 4 * KiB)
    p.touch(A, 4 * KiB, write=False)  # builds the first GiB's PMD page
    child = p.fork()
    assert (child.counters.pmd, child.counters.pte, child.counters.vmpte_kb) == (2, 1, 16)


def test_both_sides_map_the_same_page_read_only_and_the_second_writer_keeps_it(p):
    p.touch(p.mmap(4 * KiB, at=A), 4 * KiB)
    before = word(p, A)
    child = p.fork()
    assert word(p, A) == word(child, A) == before & ~pte.RW
    assert child.touch(A, 4 * KiB) == 1
    assert (pte.pfn(word(p, A)) == pte.pfn(before)) and word(child, A) & pte.RW
    assert pte.pfn(word(child, A)) != pte.pfn(before)
    assert p.touch(A, 4 * KiB) == 1  # nobody shares it any more: no copy
    assert word(p, A) == before
    fns = [step.fn for step in p.journal.steps if step.kind is Kind.CHANGE]
    assert fns == ["wp_page_copy", "wp_page_reuse"]


def test_after_the_childs_exit_the_parent_has_its_pages_to_itself(p):
    heap = p.mmap(2 * MiB, at=A)
    p.touch(heap)
    p.fork().exit()
    assert not p.machine.pages.shares.any() and len(p.machine.mms) == 1
    frame = pte.pfn(word(p, A))
    assert p.touch(heap) == 512
    assert pte.pfn(word(p, A)) == frame


def test_a_read_needs_no_fault_in_the_child(p):
    heap = p.mmap(2 * MiB, at=A)
    p.touch(heap)
    assert p.fork().touch(heap, write=False) == 0


def test_prot_none_pages_and_guards_go_along(p):
    p.touch(p.mmap(8 * KiB, at=A), 8 * KiB)
    p.madvise(A + 4 * KiB, "GUARD_INSTALL", 4 * KiB)
    p.mprotect(A, "none", 4 * KiB)
    child = p.fork()
    assert (child.counters.anon_kb, child.counters.swap) == (4, 1)
    with pytest.raises(SegmentationFault) as fault:
        child.touch(A, 8 * KiB)
    assert fault.value.refused == 2
    child.mprotect(A, "rw", 4 * KiB)
    assert child.touch(A, 4 * KiB) == 1 and p.counters.anon_kb == 4


def test_dontfork_keeps_a_mapping_from_the_child_and_wipeonfork_its_pages(p):
    p.touch(p.mmap(2 * MiB, at=A), 4 * KiB)
    p.touch(p.mmap(2 * MiB, at=A + GiB), 4 * KiB)
    p.madvise(A, "DONTFORK", 2 * MiB)
    p.madvise(A + GiB, "WIPEONFORK", 2 * MiB)
    child = p.fork()
    assert (child.counters.vmas, child.counters.vmpte_kb) == (1, 0)
    assert child.mm.vmas[0].start == A + GiB and child.touch(A + GiB, 4 * KiB) == 1


def test_a_locked_vma_is_not_locked_in_the_child(p):
    heap = p.mmap(8 * KiB, at=A)
    p.mlock(heap)
    child = p.fork()
    child.madvise(heap, "DONTNEED")
    assert (child.counters.present, p.counters.present) == (0, 2)


def test_exit_leaves_no_table_not_even_the_pgd(p):
    child = p.fork()
    child.touch(child.mmap(8 * MiB, at=A))
    child.exit()
    assert live_tables(p) == [p.mm.pgd] and child.counters.vmpte_kb == 0


@pytest.mark.parametrize("grain", GRAINS)
def test_references_a_visitor_on_both_tables_and_one_per_entry_for_the_child(grain):
    p = Process("pte_refcount", grain=grain)
    p.touch(p.mmap(2 * MiB, at=A), 12 * KiB)
    start, ours = len(p.journal), p.mm.lookup(A, Level.PTE)
    child = p.fork()
    theirs = child.mm.lookup(A, Level.PTE)
    told = [
        (s.fn, int(np.ravel(s.tables)[0]) == theirs, s.n, s.times)
        for s in p.journal.steps[start:]
        if s.kind in (Kind.GET, Kind.PUT)
    ]
    assert told == [
        ("pte_ref_init", True, 1, 1),
        ("pte_try_get", False, 1, 1),
        ("pte_get", True, 3, 3),  # each copied entry on its own
        ("pte_put", False, 1, 1),
        ("pte_put", True, 1, 1),
    ]
    mem = p.machine.mem
    assert mem.refcount[ours] == mem.refcount[theirs] == 3 and not mem.visitors.any()


def test_references_a_vma_without_entries_leaves_the_child_no_table():
    p = Process("pte_refcount")
    p.mmap(MiB, at=A, prot="r")
    p.touch(p.mmap(MiB, at=A + MiB), 4 * KiB)
    p.touch(p.mmap(2 * MiB, at=A + 2 * MiB, prot="r", noreserve=True), write=False)
    child = p.fork()
    assert (child.counters.pte, child.counters.present) == (1, 1)


def test_each_child_has_a_number_of_its_own_whoever_exits_first():
    p = Process()
    p.touch(p.mmap(2 * MiB, at=A), 4 * KiB)
    first, second = p.fork(), p.fork()
    first.exit()
    third = p.fork()
    assert len({p.mm.id, second.mm.id, third.mm.id}) == 3
    check_all(p)


def test_stepping_back_over_a_fork_takes_the_child_away_and_forward_brings_it_back():
    p = Process()
    p.touch(p.mmap(2 * MiB, at=A), 4 * KiB)
    before, here = everything(p), len(p.journal)
    child = p.fork()
    child.touch(A, 4 * KiB)
    after = everything(p)
    p.journal.seek(here)
    assert everything(p) == before and p.machine.mms == (p.mm,)
    p.journal.seek(len(p.journal))
    assert everything(p) == after and p.machine.mms == (p.mm, child.mm)


def test_a_process_that_has_exited_calls_nothing():
    p = Process()
    p.exit()
    with pytest.raises(ValueError, match="mmap: this process has exited"):
        p.mmap(2 * MiB)
