"""Points go into what Canvas and Moodle export, and nowhere else."""

import csv
import os
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ZipCollectApp
from traitlets.config.loader import PyFileConfigLoader

from ptlab.classroom.lms import NotFilled, Total, fill, totals
from ptlab.cli import main

EXERCISES = Path(__file__).parents[2] / "exercises"
CANVAS = [
    ["Student", "ID", "SIS Login ID", "Section", "Quiz (3)", "ps1_the_walk (4711)", "Final Score"],
    ["    Points Possible", "", "", "", "5.00", "13.00", "(read only)"],
    ["Miller, Amy", "11", "AMY7", "One", "4", "", "80"],
    ["Smith, Ben", "12", "ben", "One", "", "2", "0"],
    ["Student, Test", "13", "x9", "One", "", "", "0"],
]
MOODLE = [
    ["First name", "Email address", "Assignment: ps1_the_walk (Real)", "Course total (Real)"],
    ["Amy", "amy7@example.org", "-", "-"],
    ["Ben", "Ben@example.org", "-", "-"],
]
TOTALS = {("amy7", "ps1_the_walk"): Total(12.5, 13), ("ben", "ps1_the_walk"): Total(0, 13)}


def test_canvas_gets_its_own_export_with_one_column_filled():
    table, told = fill(CANVAS, TOTALS)
    assert not told
    changed = [
        (was[2], cell)
        for was, now in zip(CANVAS, table, strict=True)
        for old, cell in zip(was, now, strict=True)
        if old != cell
    ]
    assert changed == [("AMY7", "12.5"), ("ben", "0")]


def test_moodle_students_are_found_by_their_address():
    table, told = fill(MOODLE, TOTALS)
    assert not told and [row[2] for row in table[1:]] == ["12.5", "0"]


def test_a_name_for_an_exam_belongs_to_the_login_before_its_code():
    exam = {("amy7-k3qx", "ps1_the_walk"): Total(9, 13), ("ben", "ps1_the_walk"): Total(2, 13)}
    table, told = fill([*CANVAS, ["Nobody", "14", "", "One", "", "", "0"]], exam)
    assert not told and [row[5] for row in table[2:]] == ["9", "2", "", ""]
    both = exam | TOTALS  # what is handed in under the login itself counts
    assert [row[5] for row in fill(CANVAS, both)[0][2:]] == ["12.5", "0", ""]
    known = [*CANVAS, ["Doe", "15", "amy7-k3qx", "One", "", "", "0"]]  # somebody is called so
    assert [row[5] for row in fill(known, exam)[0][2:]] == ["", "2", "", "9"]


def test_what_has_no_place_is_told():
    more = TOTALS | {("cleo", "ps1_the_walk"): Total(1, 13), ("ben", "ps2"): Total(1, 8)}
    rows = [row[:] for row in CANVAS]
    rows[1][5] = "10"
    assert fill(rows, more)[1] == [
        "ps2: no column has this name",
        "ps1_the_walk: the file says 10 points, it has 13",
        "cleo: is graded, and not in the file",
    ]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "empty"),
        ([["Student", "ID"], ["Amy", "1"]], "no column of it has the name of a set"),
        ([["Student", "my_ps1_the_walk_too"], ["Amy", "1"]], "no column of it has the name"),
        ([["Student", "ps1_the_walk (1)"], ["Zoe", ""]], "such as amy7, ben"),
    ],
)
def test_a_file_that_cannot_be_filled_says_why(rows, why):
    with pytest.raises(NotFilled, match=why):
        fill(rows, TOTALS)


@pytest.fixture
def course(tmp_path, monkeypatch):
    # nbgrader runs alembic, which lies beside Python.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        book.add_assignment("ps1_the_walk")
        book.add_notebook("ps1", "ps1_the_walk")
        book.add_grade_cell("check", "ps1", "ps1_the_walk", max_score=13, cell_type="code")
        book.add_student("amy7")
        book.add_submission("ps1_the_walk", "amy7")
        grade = book.find_grade("check", "ps1", "ps1_the_walk", "amy7")
        grade.auto_score, grade.manual_score = 3, 12
        (notebook,) = book.find_submission("ps1_the_walk", "amy7").notebooks
        notebook.late_submission_penalty = 1.5
        book.db.commit()
    (tmp_path / "submitted/amy7/ps1_the_walk").mkdir(parents=True)
    (tmp_path / "submitted/amy7/ps1_the_walk/ps1.ipynb").write_text("")
    return tmp_path


@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own
def test_the_command_writes_what_a_person_gave_and_took_off_too(course, capsys):
    assert totals(course) == {("amy7", "ps1_the_walk"): Total(10.5, 13)}
    export, filled = course / "export.csv", course / "filled.csv"
    with export.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(CANVAS)
    assert main(["grade", str(course), "--lms", str(export), str(filled)]) == 1  # an empty notebook
    with filled.open(newline="") as file:
        assert list(csv.reader(file))[2][5] == "10.5"
    assert main(["grade", str(course), "--lms", str(course / "no.csv"), str(filled)]) == 2
    assert "no.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("amy7-ps1.ipynb", "amy7"),
        ("milleramy_4711_99_amy7-ps1.ipynb", "amy7"),
        ("smithben_LATE_4712_100_mary-ann-ps1-2.ipynb", "mary-ann"),
        ("Amy Miller_12_assignsubmission_file_/cleo.x-ps1.ipynb", "cleo.x"),
        ("milleramy_4711_99_ps1.ipynb", None),
        ("x/..-ps1.ipynb", None),
        ("x/*-ps1.ipynb", None),
    ],
)
def test_zip_collect_reads_the_names_that_canvas_and_moodle_make(file, student):
    config = PyFileConfigLoader("nbgrader_config.py", path=str(EXERCISES)).load_config()
    found = re.match(config.FileNameCollectorPlugin.named_regexp, file)
    assert (found and found["student_id"]) == student
    assert not found or found["file_id"] == "ps1"


def test_one_broken_file_of_an_archive_stops_no_other(tmp_path, monkeypatch, caplog):
    """What Canvas has packed: students have chosen the names, and what is in the files."""
    shutil.copy(EXERCISES / "nbgrader_config.py", tmp_path)
    (tmp_path / "release/ps1_the_walk").mkdir(parents=True)
    (tmp_path / "release/ps1_the_walk/ps1.ipynb").write_text("{}")
    archive = tmp_path / "downloaded/ps1_the_walk/archive/canvas.zip"
    archive.parent.mkdir(parents=True)
    link = tarfile.TarInfo("eve-ps1.ipynb")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "release/ps1_the_walk/ps1.ipynb")
    with tarfile.open(tmp_path / "eve.tar.gz", "w:gz") as links:
        links.addfile(link)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a_1_2_amy7-ps1.ipynb", "amy's")
        packed.writestr("b_3_4_Ben-ps1.ipynb", "ben's")
        packed.writestr("m_5_6_ben-ps1-1.ipynb", "mallory's")
        packed.writestr("k_7_8_kim.zip", "no archive")
        packed.write(tmp_path / "eve.tar.gz", "e_1_1_eve.tar.gz")
        packed.writestr("../../x-ps1.ipynb", "outside")
    monkeypatch.chdir(tmp_path)
    ZipCollectApp.clear_instance()
    try:
        app = ZipCollectApp.instance()
        app.log.propagate = True
        app.initialize(["ps1_the_walk", "--log-level=ERROR"])
        app.start()
    finally:
        ZipCollectApp.clear_instance()
    found = {str(p.relative_to(tmp_path / "submitted")): p.read_text() for p in handed_in(tmp_path)}
    assert found == {
        "amy7/ps1_the_walk/ps1.ipynb": "amy's",
        "x/ps1_the_walk/ps1.ipynb": "outside",
    }
    assert "kim.zip' was left out" in caplog.text and "eve.tar.gz' was left out" in caplog.text
    assert "none was collected, for there are several: b_3_4_Ben-ps1.ipynb, m_5_6" in caplog.text


def handed_in(course):
    return [path for path in (course / "submitted").rglob("*") if path.is_file()]
