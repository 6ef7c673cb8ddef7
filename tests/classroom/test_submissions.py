"""What a class has handed in: each file is either graded or listed with a reason."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import pytest

from ptlab.classroom import questions, seeds
from ptlab.classroom.gradebook import Run, cautions
from ptlab.classroom.misconceptions import IDEAS, in_words
from ptlab.classroom.report import MIME, VERSION
from ptlab.classroom.submissions import NotGraded, collect
from ptlab.classroom.summary import Summary
from ptlab.cli import main

SOURCE = Path(__file__).parents[2] / "exercises/source"
CHECK = {"nbgrader": {"grade_id": "walk-1-check", "grade": True}}
REPORT = {
    "version": VERSION, "student": "amy", "question": "walk-1",
    "score": 1.0, "points": 2, "minutes": None,
    "findings": [
        {"ok": False, "misconception": "no-mask"},
        {"ok": True, "misconception": None},
        {"ok": False, "misconception": None},
    ],
}  # fmt: skip


def notebook(metadata=None, **report):
    outputs = [{"data": {MIME: REPORT | report}}] if report else []
    return json.dumps({"cells": [{"metadata": metadata or {}, "outputs": outputs}]})


GOOD = notebook(CHECK)
OLD = json.dumps(json.loads(GOOD) | {"metadata": {"ptlab": {"version": 0}}})
HANDED_IN = {
    # what lies in submitted/: the text of the file, and why it has no report
    "bob/ps1/ps1.ipynb": ("", "could not be read: the file is empty"),
    "cyd/ps1/ps1.ipynb": (GOOD[:40], "could not be read: broken off or damaged at line 1 of 1"),
    "dee/ps1/ps1.ipynb": ("{}", "could not be read: it is not a notebook, because it has no cells"),
    "eve/ps1/ps1.ipynb": (b"\xff\xfe\x00", "could not be read: it is not text"),
    "fay/ps1/my ps1.ipynb": (
        GOOD,
        "no notebook of this name in the problem set; expected ps1.ipynb",
    ),
    "gil/ps1/ps1.zip": (b"PK", "an archive: unpack it; expected ps1.ipynb"),
    "hal/ps1/sub/ps1.ipynb": (GOOD, "lies too deep; expected ps1.ipynb in ps1 itself"),
    "ida/ps1/ps1.ipynb": (notebook(), "none of the set's cells is in it"),
    "jon/ps1/ps1.ipynb": (GOOD, "not graded; nbgrader autograde ps1 says why"),
    "ken/ps1/ps1.ipynb": (
        OLD,
        "it was made from version 0 of the problems, and this ptlab has version 3",
    ),
    "kim/ps1.ipynb": (GOOD, "lies in no problem set's folder; expected in submitted/kim/SET/"),
    "ps1.ipynb": (GOOD, "lies in no student's folder"),
}
FOLDERS = {
    # that are told of as a whole
    "lea/set one": ("ps1.ipynb", "no problem set of this name; expected ps1"),
    "max/ps1": ("notes.txt", "no notebook in the folder; expected ps1.ipynb"),
}


def lay_out(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def course(tmp_path):
    """Amy's notebook was graded, with another one beside it; nobody else's could be."""
    lay_out(
        tmp_path,
        {
            "source/ps1/ps1.ipynb": GOOD,
            "submitted/amy/ps1/ps1.ipynb": GOOD,
            "submitted/amy/ps1/copy.ipynb": GOOD,
            "submitted/amy/ps1/.ipynb_checkpoints/ps1.ipynb": GOOD,
            "autograded/amy/ps1/ps1.ipynb": notebook(CHECK, score=1.5),
            **{f"submitted/{name}": content for name, (content, _) in HANDED_IN.items()},
            **{f"submitted/{place}/{file}": "" for place, (file, _) in FOLDERS.items()},
        },
    )
    return tmp_path


def test_each_file_is_graded_or_has_a_reason(course):
    graded, without, _ = collect(course)
    assert [(g.student, g.question, g.score, g.ideas) for g in graded] == [
        ("amy", "walk-1", 1.5, ("no-mask",))
    ]
    beside = NotGraded("amy", "ps1", "copy.ipynb", "was not looked at: ps1.ipynb beside it counts")
    assert beside in without
    assert len(without) == 1 + len(HANDED_IN | FOLDERS)
    told = {"/".join(filter(None, (n.student, n.problem_set, n.file))): n.why for n in without}
    for name, (_, why) in (HANDED_IN | FOLDERS).items():
        assert told[name].startswith(why), name


def test_before_any_grading_it_says_what_to_run(course):
    (course / "autograded/amy/ps1/ps1.ipynb").unlink()
    graded, without, _ = collect(course)
    assert not graded
    assert ("jon", "ps1.ipynb", "not graded yet; run nbgrader autograde ps1") in [
        (n.student, n.file, n.why) for n in without
    ]


def test_what_a_student_shows_in_a_cell_of_their_own_is_no_report(course):
    lay_out(course, {"autograded/amy/ps1/ps1.ipynb": notebook(score=9.0)})
    assert collect(course)[0] == []


def test_a_report_from_the_students_kernel_does_not_count(course):
    data = {key: value for key, value in REPORT.items() if key != "student"}
    cell = {"metadata": CHECK, "outputs": [{"data": {MIME: data}}]}
    lay_out(course, {"autograded/amy/ps1/ps1.ipynb": json.dumps({"cells": [cell]})})
    graded, without, _ = collect(course)
    assert not graded
    assert any(n.student == "amy" and "nbgrader_config.py" in n.why for n in without)


def test_the_summary_lists_them_for_a_person_and_for_a_spreadsheet(course):
    summary = Summary.of(course)
    assert "Handed in, but not graded" in summary._repr_html_()
    assert "1 student shifted, but did not cut off the bits above an index" in summary._repr_html_()
    table = io.StringIO()
    summary.write_csv(table)
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert [row["mistaken ideas"] for row in rows if row["score"]] == ["no-mask"]
    assert len([row for row in rows if row["not graded"]]) == 1 + len(HANDED_IN | FOLDERS)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_calculates_no_name_that_a_student_has_chosen(name):
    table = io.StringIO()
    Summary([], [NotGraded(name, "ps1", f"{name}.ipynb", "not graded yet")]).write_csv(table)
    (row,) = csv.DictReader(io.StringIO(table.getvalue()))
    assert (row["student"], row["file"]) == (f"'{name}", f"'{name}.ipynb")


def test_two_secrets_are_told_with_how_many_they_graded(tmp_path):
    runs = [Run("amy", "ps1", "ps1.ipynb", (), "limits", (), mark) for mark in ("bb", "aa", "bb")]
    told = {caution.heading: caution for caution in cautions(tmp_path, runs)}
    secrets = told.pop("Graded with different secrets")
    assert secrets.wrong and secrets.lines == ["aa: 1 notebooks", "bb: 2 notebooks"]
    assert list(told) == [caution.heading for caution in cautions(tmp_path, runs[:1])]


@pytest.mark.skipif(sys.platform != "linux", reason="there a file may have any bytes for a name")
def test_a_file_with_a_name_that_is_no_text_stops_nobody(tmp_path, capsys):
    folder = tmp_path / "submitted/amy/ps6"
    folder.mkdir(parents=True)
    Path(os.fsdecode(bytes(folder) + b"/\xff.zip")).touch()
    out = tmp_path / "class.csv", tmp_path / "class.html"
    assert main(["grade", str(tmp_path), "--csv", str(out[0]), "--html", str(out[1])]) == 1
    assert all(
        "\\udcff.zip" in text for text in [capsys.readouterr().out, *(f.read_text() for f in out)]
    )


def test_students_of_whom_the_same_is_to_be_said_share_a_line():
    why = "could not be read: the file is empty"
    summary = Summary([], [NotGraded(who, "ps1", "ps1.ipynb", why) for who in ("bob", "eve")])
    assert summary.missing == [("bob, eve", "ps1", "ps1.ipynb", why)]


def test_the_command_lists_them_and_says_so_by_its_status(course, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["grade", str(course)]) == 1
    told = capsys.readouterr().out
    assert "ps1/ps1.zip of gil: an archive: unpack it; expected ps1.ipynb" in told
    assert max(map(len, told.splitlines())) <= 80


def test_the_command_refuses_a_folder_in_which_nothing_was_handed_in(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 2
    assert "what students hand in goes to submitted/NAME/SET/" in capsys.readouterr().err


def test_every_mistaken_idea_has_words():
    literal = {name: q for name, q in questions().items() if not q.further}  # the others take long
    for name, question in literal.items():
        for k in range(5):
            problem = question.pose(seeds.own(name, f"student {k}"))
            for wrong in question.wrong(problem):
                findings = question.grade(problem, wrong.answer)
                assert {f.misconception for f in findings if f.misconception} <= set(IDEAS), name
    assert max(map(len, IDEAS.values())) <= 60
    assert in_words("no-mask", 2).startswith("2 students shifted")
    assert in_words("something-new", 1) == "1 student had the idea something-new"


@pytest.mark.parametrize("version", [None, VERSION - 1])
def test_a_report_of_another_version_is_listed_and_not_read(tmp_path, version):
    """It has other keys than the reports of today."""
    report = {"version": version, "student": "amy", "marks": 2}
    cell = {"metadata": CHECK, "outputs": [{"data": {MIME: report}}]}
    lay_out(tmp_path, {"autograded/amy/ps1/ps1.ipynb": json.dumps({"cells": [cell]})})
    graded, ((*_, why),), _ = collect(tmp_path)
    assert graded == []
    assert why.startswith("was graded by another version of ptlab")


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*/*.ipynb")), ids=lambda path: path.stem)
def test_every_problem_set_carries_the_version_of_its_problems(path):
    assert json.loads(path.read_text())["metadata"]["ptlab"] == {"version": seeds.VERSION}
