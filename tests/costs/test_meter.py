"""The cost report: counted in the steps, and the same at every grain."""

from collections import Counter

import pytest
from hypothesis import given, settings

from ptlab import SCHEMES, GiB, KiB, MiB, Process, scenario
from ptlab.base.facts import Counting
from ptlab.base.steps import Kind
from ptlab.costs.measure import measure
from ptlab.costs.memory_time import FAULT_US
from ptlab.costs.meter import Costs, Meter, by_operation, count
from ptlab.schemes import UnmapOnly
from tests.support.strategies import programs, rows

GRAINS = ("entry", "table", "range")


def metered(scheme, program, grain):
    p = Process(scheme, kernel="6.18", grain=grain, record=False)
    meter = Meter(p)
    rows(p, program)
    p.background()
    return meter


def told(meter):
    return meter.finish().as_dict()


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=12)
@given(program=programs())
def test_costs_are_the_same_at_every_grain(scheme, program):
    entry, table, whole = (told(metered(scheme, program, grain)) for grain in GRAINS)
    assert table == entry
    assert whole == entry


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_journal_and_the_meter_count_the_same(scheme):
    program = "mmap s0 6M\ntouch w s0 6M\nmadvise DONTNEED s0 4M\nmunmap s0 6M"
    p = Process(scheme, kernel="6.18", grain="table")
    rows(p, program)
    meter = metered(scheme, program, "table")
    assert count(p.journal.steps, p.machine.mem).locks <= meter.finish().locks
    assert sum(op.costs.faults for op in by_operation(p)) == meter.finish().faults == 1536


def fault(scheme, kernel="6.1"):
    """The costs of the second fault in a table, under Linux 6.1's mmap_lock."""
    p = Process(scheme, kernel=kernel)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    p.touch(heap + 4 * KiB, 4 * KiB)
    return by_operation(p)[-1].costs


def test_a_page_fault_takes_mmap_lock_and_the_pte_lock():
    costs = fault("unmap_only")
    assert (costs.atomics_local, costs.atomics_shared) == (1, 2)
    assert costs.locks == {"mmap_lock read": 1, "ptl": 1}


@pytest.mark.parametrize(
    ("scheme", "local", "shared", "percpu"),
    [
        ("pte_refcount", 3, 0, 0),  # try_get, get for the entry, put
        ("percpu_ref", 0, 0, 3),
        ("mapped_count", 0, 0, 0),
        ("pt_rwsem", 0, 2, 0),  # taken and dropped
        ("every_level", 3, 4, 0),  # and a get and a put of the PMD and of the PUD page
        ("write_scan", 0, 0, 0),
        ("async_scan", 0, 0, 0),
        ("pt_reclaim", 0, 0, 0),
    ],
)
def test_what_a_design_adds_to_every_fault(scheme, local, shared, percpu):
    plain, costs = fault("unmap_only"), fault(scheme)
    assert costs.atomics_local - plain.atomics_local == local
    assert costs.atomics_shared - plain.atomics_shared == shared
    assert costs.percpu_adds == percpu


def dontneed(scheme, touched=2 * MiB):
    p = Process(scheme, kernel="6.18")
    heap = p.mmap(2 * MiB)
    p.touch(heap, touched)
    p.madvise(heap, "DONTNEED")
    return by_operation(p)[-1].costs


@pytest.mark.parametrize(
    ("scheme", "scanned", "freed"),
    [
        ("unmap_only", 0, 0),
        ("pte_refcount", 0, 1),
        ("percpu_ref", 0, 1),
        ("mapped_count", 0, 0),
        ("pt_rwsem", 3 * 512, 3),  # a PTE, a PMD and a PUD page, each read to the end
        ("every_level", 0, 3),
        ("write_scan", 512, 1),
        ("async_scan", 0, 0),
        ("pt_reclaim", 0, 1),
    ],
)
def test_what_a_dontneed_scans_and_frees(scheme, scanned, freed):
    costs = dontneed(scheme)
    assert (costs.scanned, costs.tables_freed) == (scanned, freed)
    assert costs.locks["mmap_lock write"] == (scheme == "write_scan")
    assert costs.grace_waits == (scheme == "percpu_ref")


def test_a_scan_ends_at_the_first_entry_that_is_not_none():
    p = Process("write_scan")
    heap = p.mmap(2 * MiB)
    p.touch(heap + 40 * KiB, 4 * KiB)
    p.madvise(heap, "DONTNEED", 4 * KiB)
    assert by_operation(p)[-1].costs.scanned == 11


def test_bytes_held_and_for_how_long():
    p = Process("unmap_only", grain="range", record=False)
    meter = Meter(p)
    loop = scenario.find("cover-letter")
    for row in scenario.play(p, loop):
        if row["op"].startswith("cover"):
            peak = row["pte_kb"]
    assert meter.memory.peak_kb == peak == 102604
    assert meter.memory.mean_kb == pytest.approx(
        peak / 2, rel=0.01
    )  # it grows from nothing, evenly
    assert meter.memory.track[-1][1] == 0
    assert meter.finish().faults == 50 * GiB // (4 * KiB)


def test_an_operation_holds_what_it_built_while_it_faults():
    p = Process("pt_reclaim", kernel="6.18", grain="table")
    heap = p.mmap(4 * MiB)
    p.touch(heap)
    p.madvise(heap, "DONTNEED")
    p.touch(heap, 2 * MiB)
    _mmap, touch, dontneed, again = by_operation(p)
    # A PMD page and a PUD page are there from the first fault on, the PTE pages one after the other.
    assert touch.held_kb_ms == pytest.approx((12 * 512 + 16 * 512) * FAULT_US / 1000)
    assert (touch.vmpte_kb, dontneed.vmpte_kb, again.vmpte_kb) == (16, 8, 12)
    assert dontneed.held_kb_ms == 0, "no page fault, no time"
    assert again.held_kb_ms == pytest.approx(12 * 512 * FAULT_US / 1000)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_the_operations_hold_adds_up_to_what_the_run_holds(scheme):
    program = "mmap s0 6M\ntouch w s0 6M\nmadvise DONTNEED s0 4M\ntouch r s0 6M"
    p = Process(scheme, kernel="6.18", grain="entry")
    rows(p, program)
    held = metered(scheme, program, "entry").memory
    assert sum(op.held_kb_ms for op in by_operation(p)) == pytest.approx(held.kb_ms)
    assert held.kb_ms > 0


def test_a_process_with_a_journal_needs_no_meter():
    with pytest.raises(ValueError, match="by_operation"):
        Meter(Process())
    with pytest.raises(ValueError, match="record=True"):
        by_operation(Process(record=False))


class OwnLock(UnmapOnly):
    """A design that invents a lock."""

    name = "own_lock"

    def walk_begins(self, mm, start, end, times=1):
        yield from mm.machine.lock("own_lock", "my_rwlock", mm.id, "read", times)

    def walk_ends(self, mm, walk, times=1, tlb=None):
        yield mm.machine.unlock("own_unlock", "my_rwlock", times)


def test_a_lock_that_a_design_invents_counts_as_a_spinlock_which_all_share():
    plain, own = measure("life-of-a-pte-page", "unmap_only", OwnLock)
    walks = own.costs.locks["my_rwlock read"]
    assert walks > 0
    assert own.costs.atomics_shared - plain.costs.atomics_shared == walks


def test_disabled_interrupts_cost_no_atomic_operation():
    fast_gup = Costs(taken=Counter({("interrupts", "read"): 3}))
    assert (fast_gup.atomics_local, fast_gup.atomics_shared) == (0, 0)


@pytest.mark.parametrize("grain", GRAINS)
def test_fork_counts_each_copied_entry_on_its_own(grain):
    p = Process("pte_refcount", kernel="6.1", grain=grain)
    p.touch(p.mmap(2 * MiB), 64 * KiB)
    p.fork()
    fork, gets = p.journal.operations[-1], Counter()
    for step in p.journal.steps[fork.first : fork.last]:
        gets[step.fn] += step.times * (step.kind is Kind.GET)
    assert (gets["pte_get"], gets["pte_get_many"]) == (16, 0)
    assert by_operation(p)[-1].costs.references[Counting.ATOMIC] >= 16
