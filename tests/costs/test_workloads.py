"""The workloads, the comparison of all designs, and a design of one's own in it."""

import pytest

from ptlab import SCHEMES, Process, scenario
from ptlab.costs import workloads
from ptlab.costs.findings import locks
from ptlab.costs.measure import measure
from ptlab.costs.workloads import WORKLOADS, workload

BIG = ("cover-letter", "sparse-terabytes", "production-snapshot", "postgresql")
SMALL = [name for name in WORKLOADS if name not in BIG]


def ends(name, *schemes):
    return {m.scheme: m.end_kb for m in measure(name, *schemes)}


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_the_same_for_the_same_seed(name):
    one, two = workload(name).scenario(7), workload(name).scenario(7)
    assert one == two and one.name == name and one.description == WORKLOADS[name].description


@pytest.mark.parametrize("name", ["jemalloc-decay", "tcmalloc-hugepages"])
def test_another_seed_is_another_program(name):
    assert workload(name).scenario(1) != workload(name).scenario(2)


@pytest.mark.parametrize("name", SMALL)
def test_every_design_runs_it_and_keeps_the_rules(name):
    for scheme in SCHEMES:
        p = Process(scheme, kernel="6.18", grain="range", record=False)
        for row in scenario.play(p, workload(name).scenario()):
            assert row["err"] is None and not row["sig"]
        p.check()


def test_nobody_wins_when_one_page_stays_in_every_two_mib():
    assert len(set(ends("one-live-page").values())) == 1


def test_ranges_below_a_table_are_lost_on_pt_reclaim_only():
    left = ends("jemalloc-decay", "unmap_only", "pte_refcount", "pt_reclaim")
    assert left["pt_reclaim"] == left["unmap_only"] == 264
    assert left["pte_refcount"] == 8


def test_whole_hugepages_are_what_pt_reclaim_frees():
    left = ends("tcmalloc-hugepages", "unmap_only", "pte_refcount", "pt_reclaim")
    assert left["pt_reclaim"] == left["pte_refcount"] < left["unmap_only"]


def test_only_a_count_of_zero_pages_frees_tables_full_of_them():
    left = ends("zero-page-reads")
    assert left.pop("mapped_count") == 8
    assert set(left.values()) == {520}


def test_madv_free_frees_no_table_anywhere():
    assert set(ends("full-table-free").values()) == {12}


def test_each_backend_has_tables_of_its_own_for_the_memory_that_all_share(monkeypatch):
    monkeypatch.setattr(workloads, "POSTGRESQL", (3, 1))
    left = {m.scheme: m for m in measure("postgresql", "unmap_only", "pte_refcount", "pt_reclaim")}
    assert {(m.peak_kb, m.costs.faults) for m in left.values()} == {
        (4 * (4 * 512 + 4 + 4), 512 * 512 + 3 * 512 * 512 // 16)
    }
    assert (left["unmap_only"].pte, left["pt_reclaim"].pte) == (4 * 512, 4 * 512)
    assert left["pte_refcount"].pte == 4 * 256


def test_what_works_in_the_background_works_in_all_processes(monkeypatch):
    monkeypatch.setattr(workloads, "POSTGRESQL", (3, 1))
    for m in measure("postgresql", "mapped_count", "async_scan"):
        assert m.before_background_kb == 4 * (4 * 512 + 4 + 4)
        assert m.pte == 4 * 256


def test_verdicts_say_what_the_numbers_say():
    measured = measure("halves")
    told = measured.verdicts()
    assert told["unmap_only"] == (
        "Frees nothing before munmap: 1\u202f032 kB at the peak, 1\u202f032 kB at the end."
    )
    assert told["pt_reclaim"].startswith("Saves nothing: 1\u202f032 kB at the end.")
    assert told["pte_refcount"].startswith("Frees 99.2 % of what unmap_only keeps, down to 8 kB")
    assert "+3.01 local atomics" in told["pte_refcount"]
    assert "+2.02 shared atomics" in told["pt_rwsem"]
    assert "mmap_lock for write 512 times more" in told["write_scan"]
    assert "only in the background, 1\u202f032 kB to 8 kB" in told["mapped_count"]


@pytest.mark.parametrize(
    "base, other", [("pte_refcount", "pt_reclaim"), ("every_level", "pt_rwsem")]
)
def test_without_unmap_only_the_first_is_the_measure_and_is_not_said_to_free_nothing(base, other):
    measured = measure("halves", base, other)
    told = measured.verdicts()
    assert measured.base.scheme == base
    assert told[base].startswith("The measure for the others") and "Frees nothing" not in told[base]
    if other == "pt_reclaim":
        assert "Saves nothing: 1\u202f032 kB at the end; pte_refcount keeps 8 kB." in told[other]


def test_the_tables_say_how_often_each_lock_was_taken_by_mode():
    measured = measure(
        "mmap s0 4M\ntouch w s0 4M\nmadvise DONTNEED s0 4M", "unmap_only", "pt_rwsem"
    )
    columns = {
        column.heading: [column.cell(m.costs) for m in measured] for column in locks(measured)
    }
    assert columns["pt_rwsem write"] == ["0", "1"]
    assert columns["pmd_lock"] == ["2", "2"]
    assert columns["page_table_lock"] == ["2", "2"]


def test_a_workload_is_close_to_what_is_neither_workload_nor_scenario():
    with pytest.raises(ValueError, match=r"'halvs': did you mean halves\?"):
        measure("halvs")
    with pytest.raises(ValueError, match="did you mean life-of-a-pte-page"):
        measure("life-of-a-pte")


def test_the_server_of_the_mail_is_as_large_as_the_mail_says():
    first, *windows, last = [op.text for op in workload("production-snapshot").scenario().ops]
    assert first == "mmap s0 55T noreserve" and last.endswith(" 590G")
    assert [line.split()[-2:] for line in windows[::2]] == [["16G", "2M"]] * (55 * 1024 // 16)
    assert [line.split()[-1] for line in windows[1::2]] == ["16G"] * (55 * 1024 // 16)
