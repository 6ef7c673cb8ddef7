"""The workloads, the comparison of all designs, and a design of one's own in it."""

import ast
import functools
import json
import re
from pathlib import Path

import pytest

from ptlab import SCHEMES, Process, compare, scenario, story
from ptlab.cli import main
from ptlab.costs.findings import locks
from ptlab.costs.measure import measure
from ptlab.costs.workloads import WORKLOADS, workload
from ptlab.draw.chart import Chart, Series, thinned, ticks

DOC = Path(__file__).parents[2] / "docs" / "own_scheme.md"
SMALL = [name for name in WORKLOADS if name not in ("cover-letter", "sparse-terabytes")]


@functools.cache
def own_scheme():
    """The class on the page of the docs, and the value of every other block there."""
    space = {"shown": []}
    for block in re.findall(r"```python\n(.*?)```", DOC.read_text(), re.S):
        tree = ast.parse(block)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, str(DOC), "exec"), space)
        if last is not None:
            space["shown"].append(
                eval(compile(ast.Expression(last.value), str(DOC), "eval"), space)
            )
    return space


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


def ends(name, *schemes):
    return {m.scheme: m.end_kb for m in measure(name, *schemes)}


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
    columns = {column.heading: [column.cell(m) for m in measured] for column in locks(measured)}
    assert columns["pt_rwsem write"] == ["0", "1"]
    assert columns["pmd_lock"] == ["2", "2"]
    assert columns["page_table_lock"] == ["2", "2"]


def test_what_the_simulator_does_not_model_is_not_judged():
    text = "file d 1M disk\nmmap s0 1M file:d\ntouch r s0 4K"
    (measured,) = measure(text, "pt_reclaim")
    assert measured.unsupported == "touch r s0 4K"


def test_all_processors_come_to_the_same():
    alone, together = (measure("full-table", parallel=parallel) for parallel in (False, True))
    assert [m.as_dict() for m in alone] == [m.as_dict() for m in together]


def test_a_scenario_of_the_lab_and_a_text_can_be_compared_too():
    assert ends("life-of-a-pte-page", "unmap_only", "pt_reclaim") == {
        "unmap_only": 12,
        "pt_reclaim": 8,
    }
    assert ends("mmap s0 2M\ntouch w s0 4K", "pt_reclaim") == {"pt_reclaim": 12}


def test_measure_prints_one_json_object_a_line_for_each_design(capsys):
    assert main(["measure", "full-table", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["scheme"] for line in lines] == list(SCHEMES)
    for line in lines:
        assert line["workload"] == "full-table" and line["kernel"] == "6.18"
        assert {"peak_kb", "end_kb", "pud", "pmd", "pte", "atomics_local", "locks"} <= line.keys()
        assert line["peak_kb"] >= line["end_kb"] >= 4 * line["pte"]


def test_measure_shows_every_design_and_its_verdict(capsys):
    assert main(["measure", "halves", "--schemes", "unmap_only,pt_reclaim"]) == 0
    told = capsys.readouterr().out
    assert "pt_reclaim: Saves nothing" in told and "VmPTE over time" in told
    assert "pte_refcount" not in told


def test_measure_writes_a_picture(tmp_path, capsys):
    picture = tmp_path / "vmpte.svg"
    assert main(["measure", "halves", "--schemes", "pt_reclaim", "--svg", str(picture)]) == 0
    assert "<title>VmPTE during halves</title>" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["halves", "--schemes", "pt_reclame"], "pt_reclaim"),
        (["halfs"], "halfs"),
        (["halves", "full-table", "--svg", "x.svg"], "one picture"),
        (["halves", "--schemes", "pt_reclaim", "--svg", "no/such/dir.svg"], "no/such/dir.svg"),
    ],
)
def test_measure_names_what_is_wrong(arguments, wrong, capsys):
    assert main(["measure", *arguments]) == 2
    assert wrong in capsys.readouterr().err


def test_measure_looks_at_the_target_before_the_work(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("ptlab.cli.measure.measure", lambda *_, **__: pytest.fail("it ran"))
    picture = tmp_path / "no" / "x.svg"
    assert main(["measure", "halves", "--svg", str(picture)]) == 2
    assert f"--svg: {picture} cannot be written: there is no folder" in capsys.readouterr().err


def test_a_workload_is_close_to_what_is_neither_workload_nor_scenario():
    with pytest.raises(ValueError, match=r"'halvs': did you mean halves\?"):
        measure("halvs")
    with pytest.raises(ValueError, match="did you mean life-of-a-pte-page"):
        measure("life-of-a-pte")


def test_the_scheme_of_the_docs_is_compared_stepped_and_priced_like_any_other():
    space = own_scheme()
    own = space["SecondLook"]
    side_by_side, measured, _, _, _, changes = space["shown"][:6]
    assert [pane["name"] for pane in side_by_side.payload()["panes"]] == [
        "pt_reclaim",
        "second_look",
    ]
    assert [m.scheme for m in measured] == ["unmap_only", "pt_reclaim", "second_look"]
    assert "second_look" in measured._repr_html_()
    assert all(change < 0 for change in changes)
    told = story(space["program"], own)
    unhooked = [step for step in told.steps if step.fn == "second_look" and step.event]
    assert [told.operations[step.op] for step in unhooked] == ["madvise DONTNEED s0 2M"]
    assert unhooked[0].op == 3  # the second of the two


def test_the_scheme_of_the_docs_races_and_its_careless_sister_is_caught():
    space = own_scheme()
    failures, found, race = space["shown"][2:5]
    results = space["results"]
    assert failures == [] and all(result.result == "exhausted" for result in results)
    assert repr(found[0]) in DOC.read_text()  # the page quotes it
    assert race.verdict.headline == found[0][1]


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_the_scheme_of_the_docs_frees_at_the_second_empty_look_only(grain):
    p = Process(own_scheme()["SecondLook"], grain=grain)
    heap = p.mmap(8 << 20)
    for left in (4, 0):
        p.touch(heap, 4096) if left else None
        p.touch(heap, stride=2 << 20) if left else None
        p.madvise(heap, "DONTNEED")
        assert p.counters.pte == left
        p.check()
    p.journal.seek(0)
    assert not any(p.scheme.was_empty.values())  # remembered through the store: time runs back


def test_two_own_schemes_can_be_stepped_together():
    own = own_scheme()["SecondLook"]
    panes = compare("mmap s0 2M\ntouch w s0 4K", own, "unmap_only").payload()["panes"]
    assert [pane["name"] for pane in panes] == ["second_look", "unmap_only"]


def test_a_chart_keeps_its_peaks_when_it_is_thinned():
    points = [(float(x), 1000.0 if x == 5003 else float(x % 7)) for x in range(10_000)]
    few = thinned(points, 400)
    assert len(few) < 900 and max(y for _, y in few) == 1000.0
    assert (few[0], few[-1]) == (points[0], points[-1])


def test_a_chart_says_in_words_where_its_lines_end():
    svg = Chart("a <title>", "x", "y in kB", [Series("one", [(0, 0), (2, 8)])]).svg()
    assert "a &lt;title&gt;" in svg and "one ends at 8" in svg
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
