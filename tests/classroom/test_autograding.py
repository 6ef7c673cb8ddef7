"""Grading a class: what is pending, in which processes, and whose turn it is by nbgrader's log."""

import sys

import pytest

from ptlab.classroom import autograding, before_grading
from ptlab.classroom.autograding import Work, autograde, pending
from ptlab.classroom.before_grading import prepared
from ptlab.cli import main

NBGRADER = """
import pathlib, sys
_, problem_set, tested, whom = sys.argv
assert tested == "--HandIn.self_test=False"
print(sys.stdin.readline().strip(), file=open("typed", "a"))
if whom.startswith("--student="):
    names = [whom.split("=")[1]]
else:
    out = set(whom.split("=")[1].split(","))
    names = sorted(p.name for p in pathlib.Path("submitted").iterdir() if p.name not in out)
pathlib.Path("gradebook.db").touch()
print("[AutogradeApp | INFO] Routine")
for name in names:
    print(f"[AutogradeApp | INFO] Copying /x/submitted/{name}/{problem_set}/. -> autograded")
    print("  a warning of Python, which is routine")
    if name == "bad":
        print("[AutogradeApp | ERROR] it is no notebook")
        print(f"    ValidationError: '/x/submitted/cleo/{problem_set}' is not of type 'object'")
        print(f"[AutogradeApp | ERROR] Notebook JSON is invalid: '/amy2/{problem_set}'")
        print("[AutogradeApp | ERROR] Traceback (most recent call last):")
        continue
    done = pathlib.Path("autograded", name, problem_set)
    done.mkdir(parents=True)
    (done / "ps.ipynb").write_text("")
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    for name in ("ps1", "ps2"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for student in ("amy", "amy2", "bad", "ben", "cleo"):
            (tmp_path / "submitted" / student / name).mkdir(parents=True)
    (tmp_path / "submitted/amy/another").mkdir()
    (tmp_path / "autograded/ben/ps2").mkdir(parents=True)
    (tmp_path / "nbgrader.py").write_text(NBGRADER)
    command = autograding._command

    def ours(folder, batch):
        real = command(folder, batch)
        assert real[:3] == [sys.executable, "-m", "nbgrader"]
        return [sys.executable, "nbgrader.py", *real[4:]]

    monkeypatch.setattr(autograding, "_command", ours)
    monkeypatch.setattr("ptlab.classroom.before_grading.prepared", lambda folder: None)
    return tmp_path


def test_only_what_is_handed_in_and_not_graded_is_pending(course):
    works = pending(course)
    assert len(works) == 9 and Work("ps2", "ben") not in works
    assert {work.problem_set for work in works} == {"ps1", "ps2"}


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_is_told_once_with_what_was_said_of_it(course, jobs):
    works = pending(course)
    found = list(autograde(course, works, jobs))
    assert sorted(done.work for done in found) == sorted(works)
    assert {done.work.student for done in found if not done.graded} == {"bad"}
    said = {done.work.student: done.said for done in found if done.said}
    words = "error: it is no notebook", "error: Notebook JSON is invalid: '/amy2/{}'"
    sets = {done.work.problem_set for done in found}
    assert {one[0] for one in said.values()} == {words[0]} and said.keys() == {"bad"}
    assert said["bad"][1] in map(words[1].format, sets)
    assert pending(course) == [Work("ps1", "bad"), Work("ps2", "bad")]


def test_a_name_with_a_comma_is_graded_once(course):
    (course / "submitted/Last, First/ps1").mkdir(parents=True)
    names = [done.work.student for done in autograde(course, pending(course), 2) if done.graded]
    assert names.count("Last, First") == 1 and names.count("amy") == 2


def test_the_command_goes_on_where_it_was(course, capsys):
    assert main(["autograde", str(course), "--jobs", "2"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("7 graded, 2 not, in ") and told[-1].endswith(" a minute")
    assert sum("not graded" in line for line in told) == 2
    assert main(["autograde", str(course)]) == 1
    assert "0 graded, 2 not" in capsys.readouterr().out
    assert main(["autograde", str(course), "--jobs", "0"]) == 2
    assert main(["autograde", str(course / "source")]) == 2


def test_a_secret_that_is_typed_reaches_every_process_and_no_command_line(course, monkeypatch):
    monkeypatch.setattr(
        "ptlab.classroom.before_grading.prepared", lambda folder: "typed by a person"
    )
    assert main(["autograde", str(course), "--jobs", "2"]) == 1
    assert set((course / "typed").read_text().splitlines()) == {"typed by a person"}


def test_nothing_is_begun_where_an_honest_answer_fails(course, monkeypatch, capsys):
    def fails(folder):
        raise SystemExit("Nothing was graded, because this machine fails")

    monkeypatch.setattr("ptlab.classroom.before_grading.prepared", fails)
    with pytest.raises(SystemExit, match="Nothing was graded"):
        main(["autograde", str(course)])
    assert not (course / "typed").exists()


def test_the_secret_and_the_test_are_those_of_the_course(course, monkeypatch):
    (course / "nbgrader_config.py").write_text('get_config().HandIn.secret_file = "-"\n')
    hidden = []
    monkeypatch.setattr(before_grading.HandIn, "secret", lambda self: f"from {self.secret_file}")
    monkeypatch.setattr(before_grading, "try_this_machine", hidden.extend)
    assert prepared(course) == "from -" and hidden[0] == course
    (course / "nbgrader_config.py").write_text('get_config().HandIn.secret_file = "x"\n')
    assert prepared(course) is None
