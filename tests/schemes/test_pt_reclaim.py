"""pt_reclaim: what one MADV_DONTNEED frees, the two paths, and the bug of 2025."""

import numpy as np
import pytest
from hypothesis import assume, given, settings

from ptlab import SCHEMES, KiB, MiB, Process
from ptlab.base.facts import Scan
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from ptlab.schemes import PtReclaimUnfixed, scheme_class
from tests.support.snapshot import live_tables, outcome
from tests.support.strategies import programs, rows


def test_the_bug_of_2025_is_there_to_be_switched_on_and_needs_a_race():
    assert "pt_reclaim_unfixed" not in SCHEMES
    assert scheme_class("pt_reclaim_unfixed") is PtReclaimUnfixed
    p = Process("pt_reclaim_unfixed", grain="table")
    memory = p.mmap(40 * MiB)
    p.touch(memory)
    p.madvise(memory, "DONTNEED")
    assert not any(step.kind is Kind.SCAN for step in p.journal.steps)  # no second look
    assert p.counters.pte == 0
    p.check()


few = settings(max_examples=max(5, settings.default.max_examples // 2))


@few
@given(program=programs(huge=False))
def test_pt_reclaim_differs_from_unmap_only_by_whole_tables_dropped_at_once(program):
    without, reclaim = Process("unmap_only", kernel="6.18"), Process("pt_reclaim", kernel="6.18")
    rows(without, program)
    rows(reclaim, program)
    kept, left = outcome(without), outcome(reclaim)
    for same in ("files", "shares"):
        assert left[same] == kept[same]
    assert [mm[:2] for mm in left["mms"]] == [mm[:2] for mm in kept["mms"]]
    assert left["tables"].keys() <= kept["tables"].keys()
    # Upper tables differ only where fork or mremap took an empty table along.
    for key, table in kept["tables"].items():
        if "PTE" in key:
            assert left["tables"].get(key, (0, 0, 0, {})) == table


@pytest.mark.parametrize(
    ("room", "unhooks"), [(None, "try_get_and_clear_pmd"), (1, "try_to_free_pte")]
)
def test_vmpte_falls_when_the_pte_lock_is_dropped_and_before_the_flush(room, unhooks):
    p = Process("pt_reclaim")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 8 * KiB)
    p.machine.gather_pages = room  # where it fills up, the slow path scans the table
    p.madvise(heap, "DONTNEED")
    steps = p.journal.steps
    counted = [step.fn for step in steps].index("free_pte")
    unhooked = [step.kind for step in steps].index(Kind.UNHOOK)
    p.journal.seek(unhooked + 1)
    assert (steps[unhooked].fn, p.counters.vmpte_kb) == (unhooks, 12)
    assert {"ptl", "pmd_lock"} <= {lock.name for lock in p.machine.held[0]}
    p.check()
    p.journal.seek(counted + 1)
    assert p.counters.vmpte_kb == 8
    assert [lock.name for lock in p.machine.held[0]] == ["vma_lock"]
    p.check()
    assert [step.fn for step in steps[counted + 1 :]][:2] == ["tlb_flush_mmu_tlbonly", "call_rcu"]


@few
@given(program=programs())
def test_pt_reclaim_frees_nothing_without_dontneed_of_two_mib(program):
    assume("DONTNEED" not in program)
    p = Process("pt_reclaim")
    rows(p, program)
    assert not {"try_get_and_clear_pmd", "try_to_free_pte"} & {
        s.fn for s in p.journal.steps if s.kind is Kind.UNHOOK
    }


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_a_full_mmu_gather_sends_one_table_the_slow_way(grain):
    p = Process("pt_reclaim", grain=grain)
    heap = p.mmap(40 * MiB)
    assert p.touch(heap) == 10240  # more pages than the 9678 that one mmu_gather holds
    p.madvise(heap, "DONTNEED")
    scans = [step for step in p.journal.steps if step.kind is Kind.SCAN]
    assert [(scan.fn, scan.n, scan.fact) for scan in scans] == [
        ("try_to_free_pte", 512, Scan(0, fallback=True))
    ]
    # 18 tables are 9216 pages; the batch fills up in the 19th.
    (table,) = np.ravel(scans[0].tables)
    assert p.machine.mem.slot[table] == (int(heap) // (2 * MiB) + 18) % 512
    assert (p.counters.pte, p.counters.present, p.counters.vmpte_kb) == (0, 0, 8)
    p.check()


def test_the_slow_path_leaves_a_table_that_somebody_refilled():
    p = Process("pt_reclaim")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    (table,) = live_tables(p, Level.PTE)
    steps = list(p.scheme.try_to_free_pte(p.mm, table))
    assert [step.fact for step in steps if step.kind is Kind.SCAN] == [Scan(1, fallback=True)]
    assert live_tables(p, Level.PTE) == [table] and p.machine.held[0] == ()


@pytest.mark.parametrize(
    ("offset", "length", "freed"),
    [(0, 2 * MiB, 1), (0, 2 * MiB - 4 * KiB, 0), (4 * KiB, 4 * MiB - 4 * KiB, 1), (0, 4 * MiB, 2)],
)
def test_pt_reclaim_frees_the_tables_that_one_call_covers(offset, length, freed):
    p = Process("pt_reclaim")
    heap = p.mmap(4 * MiB)
    p.touch(heap)
    p.madvise(heap + offset, "DONTNEED", length)
    assert p.counters.pte == 2 - freed
    assert p.counters.present == 1024 - length // (4 * KiB)
