"""Swap: a page leaves, its entry stays."""

import pytest

from ptlab import SCHEMES, MiB, Process
from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from ptlab.paths.madvise import MADV_PAGEOUT, do_madvise


def paged_out(scheme="pte_refcount", grain="entry"):
    p = Process(scheme, grain=grain, swap=True)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 3 * 4096)
    p.touch(heap + 4 * 4096, 4096, write=False)
    p.madvise(heap, "PAGEOUT")
    return p, heap


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_a_swapped_out_page_keeps_its_entry_and_its_table(scheme, grain):
    p, _ = paged_out(scheme, grain)
    c = p.counters
    assert (c.rss_kb, c.swap, c.zeropg, c.pte) == (0, 3, 1, 1)
    p.check()


def test_no_reference_changes_when_pages_go_out():
    p, _ = paged_out()
    table = p.mm.lookup(p.mm.vmas[0].start, Level.PTE)
    assert (p.machine.mem.refcount[table], p.machine.mem.nonnone[table]) == (4, 4)


@pytest.mark.parametrize("write", [True, False])
def test_an_access_brings_the_page_back_by_a_major_fault(write):
    p, heap = paged_out()
    before = p.counters
    p.touch(heap, 4096, write=write)
    c = p.counters
    assert (c.swap, c.rss_kb, c.majflt, c.minflt) == (2, 4, 1, before.minflt)
    p.check()


def test_dontneed_and_free_forget_swapped_pages_and_the_last_put_frees_the_table():
    for advice, left in (("DONTNEED", 0), ("FREE", 1)):
        p, heap = paged_out()
        p.madvise(heap, advice)
        assert (p.counters.swap, p.counters.zeropg, p.counters.pte) == (0, left, left)
        p.check()


def test_a_genuine_swap_entry_does_not_keep_pt_reclaim_from_the_table():
    p, heap = paged_out("pt_reclaim")
    p.madvise(heap, "DONTNEED")
    assert p.counters.pte == 0


def test_without_a_swap_device_pageout_leaves_anonymous_pages():
    p = Process()
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4096)
    p.madvise(heap, "PAGEOUT")
    assert (p.counters.rss_kb, p.counters.swap) == (4, 0)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_pageout_drops_what_madv_free_has_given_up_and_nobody_wrote_since(grain, swap):
    """Without swap: measured on Linux 6.18.44, where 1 of 2 MiB was left after such a PAGEOUT."""
    p = Process("pte_refcount", grain=grain, swap=swap)
    heap = p.mmap(2 * MiB)
    p.touch(heap)
    p.madvise(heap, "FREE", MiB)
    p.touch(heap, 4096)
    p.madvise(heap, "PAGEOUT", MiB)
    table = p.mm.lookup(heap, Level.PTE)
    assert p.machine.mem.refcount[table] == p.machine.mem.nonnone[table] == 257
    assert (p.counters.rss_kb, p.counters.swap) == ((1024, 1) if swap else (1028, 0))
    p.check()
    p.madvise(heap, "FREE")
    p.madvise(
        heap, "PAGEOUT"
    )  # the last entries go, and under reference counts the table with them
    assert (p.counters.present, p.counters.swap, p.counters.pte) == (0, 0, 0)
    p.check()


def test_a_page_that_was_read_back_is_no_page_given_up():
    p, heap = paged_out()
    p.mprotect(heap, "r")
    p.touch(heap, 4096, write=False)
    p.madvise(heap, "PAGEOUT")
    assert (p.counters.swap, p.counters.rss_kb) == (3, 0)


def test_a_child_shares_what_was_swapped_out_and_gets_pages_of_its_own():
    p, heap = paged_out()
    child = p.fork()
    child.touch(heap, 4096)
    assert (child.counters.swap, child.counters.rss_kb, p.counters.swap) == (2, 4, 3)
    p.check()
    child.check()


@pytest.mark.parametrize("grain", ("entry", "table", "range"))
def test_pageout_takes_each_tables_lock_once_in_every_grain(grain):
    p = Process(grain=grain, swap=True)
    heap = p.mmap(8 * MiB)
    p.touch(heap)
    steps = do_madvise(p.mm, heap, 8 * MiB, MADV_PAGEOUT)
    locks = [s for s in steps if isinstance(s.fact, Lock) and s.fact.name == "ptl"]
    for kind in Kind.LOCK, Kind.UNLOCK:
        assert sum(step.times for step in locks if step.kind == kind) == 4
