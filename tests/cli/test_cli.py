"""The command line: what it prints, where, and with which exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ptlab.cli import lab, main
from ptlab.costs.workloads import WORKLOADS
from ptlab.kernels import recorded


def ptlab(capsys, *args):
    """Exit status, stdout and stderr of one command."""
    try:
        status = main(args)
    except SystemExit as exit_:  # argparse ends this way
        status = exit_.code
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lesson.txt"
    path.write_text(
        "scenario one\nmmap s0 2M\ntouch w s0 4K\n\n"
        "scenario two\nfile f 2M disk filled\nmmap s0 2M file:f\nmadvise PAGEOUT s0 2M\nnop\n"
    )
    return str(path)


def test_json_is_one_object_a_line(capsys, lesson):
    status, out, err = ptlab(capsys, "run", lesson, "--json")
    first, second = map(json.loads, out.splitlines())
    assert status == 0
    assert (first["scenario"], first["kernel"], first["scheme"]) == ("one", "6.18", "pt_reclaim")
    assert [step["pte_kb"] for step in first["steps"]] == [0, 12]
    assert second["steps"][2:] == [{"op": "madvise PAGEOUT s0 2M", "who": "p", "unsupported": True}]
    assert "1 of 2 scenarios ended early" in err


def test_scheme_and_kernel_choose_each_other(capsys, lesson):
    def chosen(*args):
        _, out, _ = ptlab(capsys, "run", lesson, "one", "--json", *args)
        result = json.loads(out)
        return result["kernel"], result["scheme"]

    assert chosen("--kernel", "6.12") == ("6.12", "unmap_only")
    assert chosen("--kernel", "7.3", "--scheme", "unmap_only") == ("7.3", "unmap_only")
    assert chosen("--scheme", "unmap_only") == ("6.1", "unmap_only")


def test_names_choose_scenarios_of_a_file(capsys, lesson):
    _, out, _ = ptlab(capsys, "run", lesson, "two", "one", "--json")
    assert [json.loads(line)["scenario"] for line in out.splitlines()] == ["two", "one"]


def test_a_table_for_people(capsys):
    status, out, _ = ptlab(capsys, "run", "a-refused-access-builds-nothing", "A06_sparse_512G")
    assert status == 0
    assert "a-refused-access-builds-nothing under pt_reclaim on Linux 6.18" in out
    assert "SIGSEGV x1" in out
    assert "A06_sparse_512G under pt_reclaim" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "no/such/file.txt"], "'no/such/file.txt' is not a file"),
        (["run", "."], "'.' is not a file"),
        (["run", "B01_dontned_2M"], "did you mean B01_dontneed_2M"),
        (["run", "LESSON", "three"], "no scenario of LESSON is called 'three'"),
        (["run", "LESSON", "--scheme", "nope"], "invalid choice: 'nope'"),
        (["run", "LESSON", "--kernel", "5.4"], "invalid choice: '5.4'"),
        (["run", "LESSON", "--what"], "unrecognized arguments: --what"),
        (["run", "nosuch"], "is called 'nosuch': `ptlab run` in a terminal lists them all"),
        (["run", "cover-leter"], "did you mean cover-letter? `ptlab run`"),
        (["run", "halves"], "it is a workload; `ptlab measure halves`"),
        (["record", "nosuch"], "`ptlab run` in a terminal lists them all"),
        (["verify", "nosuch"], "`ptlab run` in a terminal lists them all"),
        (["measure", "nosuch"], "no workload or scenario is called 'nosuch': `ptlab measure`"),
        (["measure", "halvs"], "did you mean halves?"),
        (["measure", "halves", "cover-leter"], "did you mean cover-letter?"),
        (["measure", "LESSON", "three"], "is called 'three': there are one, two"),
        (["measure", "halves", "--svg", "."], "--svg: . is a folder"),
        (["grade", "--csv", "no/such.csv"], "--csv: no/such.csv cannot be written: there is no"),
        (["grade", "--html", "no/such.html"], "--html: no/such.html cannot be written"),
        (["record"], "the following arguments are required: FILE|NAME"),
        (["verify", "--kernel", "5.4"], "invalid choice: '5.4'"),
        (["frob"], "invalid choice: 'frob'"),
    ],
)
def test_bad_usage_is_explained(capsys, lesson, args, message):
    args = [lesson if arg == "LESSON" else arg for arg in args]
    status, out, err = ptlab(capsys, *args)
    assert (status, out) == (2, "")
    assert message.replace("LESSON", lesson) in err
    assert "Traceback" not in err and len(err) < 800


def test_a_file_of_many_scenarios_is_not_told_in_full(capsys, tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("".join(f"scenario name-{n}\nnop\n" for n in range(100)))
    _, _, err = ptlab(capsys, "run", str(path), "zzz")
    assert "there are name-0, name-1, " in err and "name-7 and 92 more" in err


def test_run_and_measure_without_a_name_list_what_there_is(capsys):
    status, out, _ = ptlab(capsys, "run")
    assert status == 0
    told = " ".join(out.split())
    assert "life-of-a-pte-page the first touch builds" in told and "B01_dontneed_2M" in told
    assert "R random: R1_0000 to R1_0079" in told
    status, out, _ = ptlab(capsys, "measure")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == [*WORKLOADS, "and"]


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_grade_writes_nothing_if_it_cannot_write_all(capsys, tmp_path, option):
    good, bad = tmp_path / "good", tmp_path / "no" / "such"
    other = {"--csv": "--html", "--html": "--csv"}[option]
    status, _, err = ptlab(capsys, "grade", str(tmp_path), option, str(bad), other, str(good))
    assert (status, good.exists()) == (2, False)
    assert f"{option}: {bad} cannot be written: there is no folder {bad.parent}" in err


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["measure", "halves", "--schemes", "unmap_only"], ["1\u202f032", "522", "256", "2.01"]),
        (["run", "one-entry-keeps-the-page"], ["2048", "512"]),
        (["verify", "--kernel", "6.19"], ["2224", "3144"]),
    ],
)
def test_a_narrow_terminal_cuts_no_number_and_is_told_the_width(capsys, monkeypatch, args, numbers):
    monkeypatch.setenv("COLUMNS", "40")
    status, out, err = ptlab(capsys, *args)
    assert status == 0
    assert "…" not in out
    for number in numbers:
        assert number in out
    width = max(len(line) for line in out.splitlines())
    assert f"the terminal has 40 columns, this table needs {width}" in err


def test_a_bad_scenario_is_explained(capsys, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("mmap s0 2M\ntouch w s0 4Q\n")
    status, _, err = ptlab(capsys, "run", str(path))
    assert status == 2
    assert f"{path}:2:12: found '4Q', expected LEN" in err
    path.write_bytes(b"\xff\xfe")
    status, _, err = ptlab(capsys, "run", str(path))
    assert status == 2
    assert "not a text in UTF-8" in err


def test_no_command_prints_the_help(capsys):
    status, out, _ = ptlab(capsys)
    assert status == 2
    assert "ptlab run cover-letter" in out


@pytest.mark.parametrize("command", ["run", "verify", "lab"])
def test_every_command_has_help_with_examples(capsys, command):
    status, out, _ = ptlab(capsys, command, "--help")
    assert status == 0
    assert f"  ptlab {command}" in out


def test_the_cover_letter_accounts_for_every_kilobyte(capsys):
    status, out, _ = ptlab(capsys, "run", "cover-letter")
    words = " ".join(out.split())
    assert status == 0
    assert "13107200 13107200 13107200" in words
    assert "VmPTE in kB, simulated 102604 204 204" in words
    assert "VmPTE in kB, recorded on Linux 102604 (6.1) - 204 (6.18)" in words
    assert "VmPTE in kB, in the mail 102640 248 -" in words
    assert "102640 kB = 25600 PTE pages x 4 + 50 PMD pages x 4 + 1 PUD page x 4 + 36 kB" in words
    assert "248 kB = 0 PTE pages x 4 + 50 PMD pages x 4 + 1 PUD page x 4 + 44 kB" in words
    assert "20211110105428.32458-1-zhengqi.arch@bytedance.com" in words


def test_verify_tells_ops_compared_and_differing(capsys, monkeypatch):
    monkeypatch.setattr("ptlab.kernels.judge.recorded", only("A02_first_touch", "E01_fork_anon"))
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1")
    assert status == 0
    assert ["6.1", "all", "2", "12", "0", "0"] in [line.split() for line in out.splitlines()]


def test_verify_says_what_differs_and_fails(capsys, monkeypatch):
    monkeypatch.setattr("ptlab.kernels.judge.recorded", only("A02_first_touch", wrong=1))
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1")
    assert status == 1
    assert "op 1, touch w s0 4K: pte is 1, Linux says 2" in out
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1", "--json")
    assert status == 1
    result = json.loads(out)
    assert (result["kernel"], result["scenario"], result["ops"]) == ("6.1", "A02_first_touch", 5)
    assert result["differences"] == [
        {"step": 1, "op": "touch w s0 4K", "field": "pte", "recorded": 2, "simulated": 1}
    ]


def only(*names, wrong=0):
    """A stand-in for `recorded` with few traces; `wrong` is added to their second PTE count."""

    def few(kernel):
        traces = [trace for trace in recorded(kernel) if trace.scenario in names]
        for trace in traces:
            trace.steps[1]["pte"] += wrong
        return traces

    return few


def test_lab_copies_packaged_notebooks_and_keeps_your_work(tmp_path):
    packaged = tmp_path / "site-packages" / "ptlab" / "_notebooks"
    packaged.mkdir(parents=True)
    (packaged / lab.FIRST).write_text("first")
    (packaged / "01.ipynb").write_text("second")
    (packaged / "exercises" / "ps1_the_walk").mkdir(parents=True)
    (packaged / "exercises" / "ps1_the_walk" / "ps1.ipynb").write_text("first set")
    (packaged / "exercises" / "ps1_the_walk" / "other.ipynb").write_text("another")
    here = tmp_path / "here"
    mine = here / "ptlab-notebooks" / "exercises" / "ps1_the_walk"
    mine.mkdir(parents=True)
    (mine / "other.ipynb").write_text("my answers")
    (here / "ptlab-notebooks" / "01.ipynb").write_text("mine")
    folder = lab.notebooks(packaged.parent, here)
    assert folder == here / "ptlab-notebooks"
    assert (folder / lab.FIRST).read_text() == "first"
    assert (folder / "01.ipynb").read_text() == "mine"
    assert (mine / "ps1.ipynb").read_text() == "first set"
    assert (mine / "other.ipynb").read_text() == "my answers"


def test_lab_uses_the_notebooks_of_a_checkout(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / lab.FIRST).write_text("first")
    assert lab.notebooks(tmp_path / "ptlab", tmp_path) == tmp_path / "notebooks"


def test_lab_hands_options_on_to_jupyter(capsys, monkeypatch, tmp_path):
    (tmp_path / lab.FIRST).write_text("first")
    monkeypatch.setattr(lab, "notebooks", lambda package, here: tmp_path)
    calls = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", calls.append)
    assert ptlab(capsys, "lab", "--no-browser", "--port", "9999")[0] == 0
    assert calls == [[str(tmp_path / lab.FIRST), "--no-browser", "--port", "9999"]]


def test_lab_without_notebooks_says_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "_PACKAGE", tmp_path / "ptlab")
    status, _, err = ptlab(capsys, "lab")
    assert status == 2
    assert "please install ptlab again" in err


def test_python_dash_m_and_the_version():
    run = subprocess.run(
        [sys.executable, "-m", "ptlab", "--version"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("ptlab 0.")


def test_observe_prints_one_object_or_says_why_not(capsys):
    if sys.platform != "linux":
        pytest.skip("only Linux can be looked at")
    status, out, _ = ptlab(capsys, "observe", str(os.getpid()), "--json")
    seen = json.loads(out)
    assert status == 0
    assert seen["vmpte_kb"] // 4 >= sum(seen[kind] for kind in ("pud", "pmd", "pte", "deposited"))
    status, out, err = ptlab(capsys, "observe", "4194999")  # above the largest number of a process
    assert (status, out) == (2, "")
    assert "process 4194999: there is none" in err
    assert ptlab(capsys, "observe", "7", "--all")[0] == 2
