"""`ptlab measure`: lists, tables, JSON and a picture."""

import json

import pytest

from ptlab import SCHEMES
from ptlab.cli import main
from ptlab.costs.workloads import WORKLOADS
from tests.support.command import ptlab, unwrapped


def test_measure_without_a_name_lists_what_there_is(capsys):
    status, out, _ = ptlab(capsys, "measure")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [*WORKLOADS, "and"]


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
    assert "pt_reclaim: Saves nothing" in told and "over time" in told
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
    assert wrong in unwrapped(capsys.readouterr().err)


def test_measure_looks_at_the_target_before_the_work(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("ptlab.cli.measure.measure", lambda *_, **__: pytest.fail("it ran"))
    picture = tmp_path / "no" / "x.svg"
    assert main(["measure", "halves", "--svg", str(picture)]) == 2
    assert f"--svg: {picture} cannot be written: there is no folder" in unwrapped(
        capsys.readouterr().err
    )


def test_the_tables_fit_80_columns_and_cut_nothing(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["measure", "one-page-tables", "--schemes", "unmap_only,pt_rwsem,percpu_ref"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "…" not in told and "1\u202f536" in told
    for word in ("design", "tables", "atomics", "scanned", "freed", "flushes", "grace"):
        assert word in told
    assert SCHEMES["percpu_ref"].fate in told


def test_names_may_have_blanks_and_come_twice_but_not_be_missing(capsys):
    spaced = ["measure", "life-of-a-pte-page", "--schemes", " pt_reclaim, unmap_only,pt_reclaim "]
    assert main([*spaced, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["measure", "life-of-a-pte-page", "--schemes", " ,"]) == 2
    assert "--schemes names no design; there are unmap_only" in unwrapped(capsys.readouterr().err)
