"""The reference counts of 2021: a PTE page lives as long as somebody uses it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import KiB, MiB, Process
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from ptlab.schemes import TryGet
from tests.support.snapshot import live_tables
from tests.support.strategies import programs, rows

few = settings(max_examples=max(5, settings.default.max_examples // 2))
grains = st.sampled_from(["entry", "table", "range"])


@few
@given(program=programs(), grain=grains)
def test_pte_refcount_leaves_no_empty_table_and_munmap_finds_none(program, grain):
    p = Process("pte_refcount", grain=grain)
    rows(p, program)
    mem = p.machine.mem
    for table in live_tables(p, Level.PTE):
        assert mem.refcount[table] == mem.nonnone[table] >= 1, f"PTE page {table} is not in use"
        assert mem.visitors[table] == mem.owed[table] == 0
    # The series makes free_pte_range() a BUG(): zapping has freed every PTE page before.
    assert "free_pte_range" not in {s.fn for s in p.journal.steps if s.kind is Kind.UNHOOK}


@few
@given(program=programs(huge=False), grain=grains)
def test_pte_refcount_keeps_exactly_the_tables_that_have_entries(program, grain):
    counted, plain = (Process(scheme, grain=grain) for scheme in ("pte_refcount", "unmap_only"))
    rows(counted, program)
    rows(plain, program)
    mem = plain.machine.mem
    in_use = sum(bool(mem.nonnone[table]) for table in live_tables(plain, Level.PTE))
    assert len(live_tables(counted, Level.PTE)) == in_use
    assert counted.counters.present == plain.counters.present


def test_pte_refcount_frees_with_the_last_entry_however_it_goes():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    p.touch(heap)
    p.madvise(heap, "DONTNEED", 2 * MiB - 4 * KiB)
    (table,) = live_tables(p, Level.PTE)
    assert p.machine.mem.refcount[table] == 1
    p.madvise(heap + 2 * MiB - 4 * KiB, "DONTNEED", 4 * KiB)
    assert (p.counters.pte, p.counters.vmpte_kb) == (0, 8)


def test_the_life_of_a_count():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 8 * KiB)
    p.madvise(heap, "DONTNEED")
    counts = []
    for k in range(1, len(p.journal) + 1):
        p.journal.seek(k)
        step = p.journal.steps[k - 1]
        if step.kind in (Kind.GET, Kind.PUT):
            counts.append((step.fn, int(p.machine.mem.refcount[step.tables])))
    assert counts == [
        ("pte_ref_init", 1),
        ("pte_get", 2),
        ("pte_put", 1),
        ("pte_try_get", 2),
        ("pte_get", 3),
        ("pte_put", 2),
        ("pte_try_get", 3),
        ("pte_put", 2),
        ("pte_put", 1),
        ("pte_put", 0),
    ] or counts[6:] == [("pte_try_get", 3), ("pte_put_many", 1), ("pte_put", 0)]


def test_try_get_has_four_results_and_success_is_zero():
    assert [result.name for result in sorted(TryGet)] == [
        "TRYGET_SUCCESSED",
        "TRYGET_FAILED_ZERO",
        "TRYGET_FAILED_NONE",
        "TRYGET_FAILED_HUGE_PMD",
    ]


def run(path):
    """A kernel path's steps and result."""
    steps = []
    while True:
        try:
            steps.append(next(path))
        except StopIteration as stop:
            return steps, stop.value


def test_try_get_tells_a_missing_table_from_a_dying_one():
    p = Process("pte_refcount")
    heap = p.mmap(4 * MiB)
    p.touch(heap, 4 * KiB)
    pmd, slot = p.mm.lookup(heap, Level.PMD), (int(heap) >> 21) & 511
    assert run(p.scheme.pte_try_get(p.mm, pmd, slot + 1)) == ([], TryGet.TRYGET_FAILED_NONE)
    table = p.mm.lookup(heap, Level.PTE)
    p.machine.mem.refcount[table] = 0  # the window between the last put and the unhook
    steps, result = run(p.scheme.pte_try_get(p.mm, pmd, slot))
    assert result is TryGet.TRYGET_FAILED_ZERO
    assert [step.kind for step in steps] == [Kind.FAIL]
    p.machine.mem.refcount[table] = 1
    assert run(p.scheme.pte_try_get(p.mm, pmd, slot))[1] is TryGet.TRYGET_SUCCESSED
    assert p.machine.mem.refcount[table] == 2
