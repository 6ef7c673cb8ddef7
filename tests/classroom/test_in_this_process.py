"""Practice with an answer that is code, where no process can be started; and nothing but practice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ptlab.classroom import box, find, practice, sandbox, seeds, student
from ptlab.classroom.ask import check, graded
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.student_code import Code

CODE = ("walk-4", "scheme-1", "scheme-2", "scheme-3")
LIKE_A_BROWSER = Path(__file__).parents[1] / "like_a_browser.py"


@pytest.fixture
def no_processes(monkeypatch):
    """As in a browser: and whoever tries to start one fails the test."""

    def started(*args, **kwargs):
        pytest.fail("a process was to be started")

    monkeypatch.setattr(sandbox, "starts_processes", lambda: False)
    monkeypatch.setattr(sandbox, "started", started)
    monkeypatch.setattr(box.subprocess, "Popen", started)
    monkeypatch.setattr(seeds, "_claimed", "")


def told(report):
    """Its text without the breaks of its lines."""
    return " ".join(str(report).split())


def problem(name):
    return find(name).pose(seeds.own(name, "practice 0"))


@pytest.mark.parametrize("name", CODE)
def test_practice_is_judged_in_this_process(no_processes, name):
    practice(0)
    right = check(name, find(name).solve(problem(name)))
    assert float(right) == find(name).points, right
    assert ("is not seen here" in told(right)) == (name == "scheme-2")
    for wrong in find(name).wrong(problem(name))[:2]:
        report = check(name, wrong.answer)
        assert float(report) <= wrong.keeps < find(name).points, report


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def tables(pages):\n    return 1 / 0\n", "line 2 of the cell: division by zero"),
        ("import numpy.no\ndef tables(pages):\n    return 0\n", "line 1 of the cell: No module"),
        ("import os\ndef tables(pages):\n    return 0\n", "os"),
    ],
)
def test_what_goes_wrong_is_told_with_its_line(no_processes, text, says):
    practice(0)
    assert says in told(check("walk-4", Code("function", "tables", text)))


def test_a_class_that_raises_does_not_end_the_notebook(no_processes):
    practice(0)
    text = (
        "from ptlab import ReclaimScheme\nclass Mine(ReclaimScheme):\n"
        "    name = 'mine'\n"
        "    def entries_changed(self, *args, **kwargs):\n        raise KeyError('x')\n"
    )
    report = check("scheme-1", Code("class", "Mine", text))
    assert float(report) == 0 and "KeyError in line 5 of the cell" in told(report)


@pytest.mark.parametrize("name", CODE)
def test_graded_work_never_falls_back(no_processes, name):
    answer = find(name).solve(problem(name))
    student("amy7")
    assert "was not judged" in told(check(name, answer))
    with pytest.raises(GraderFault, match="process of its own"):
        graded(name, answer, "amy7", "amy7")
    practice(0)
    with seeds.graded_with("a secret"), pytest.raises(GraderFault, match="process of its own"):
        graded(name, answer, "amy7", "practice 0")


def test_in_a_notebook_of_a_python_like_a_browsers(tmp_path):
    cells = [
        "import ptlab; ptlab.practice(0)",
        "def tables(pages):\n    return (len({page >> 18 for page in pages}), 0, 0)",
        "report = ptlab.check('walk-4', tables)",
        "assert 'of 20 lists are wrong' in str(report), str(report)",
    ]
    notebook = tmp_path / "practice.ipynb"
    notebook.write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells]})
    )
    ran = subprocess.run(
        [sys.executable, LIKE_A_BROWSER, notebook], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "1 notebooks ran\n", ran.stdout + ran.stderr
