"""nbgrader from end to end, on a class of fictional students: release, grading, feedback, export.

Each of the four defects of plain nbgrader that the classroom closes has a test here: feedback that
shows the tests, cells that give all points or none, copied cells, and "Success!" on a wrong answer.
"""

import copy
import csv
import html
import io
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp, ExportApp, GenerateAssignmentApp, GenerateFeedbackApp
from nbgrader.utils import is_solution
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from ptlab.classroom import find, grading, seeds
from ptlab.classroom.box import way
from ptlab.classroom.box_ways import Way
from ptlab.classroom.grading import HANDED_IN, HandIn
from ptlab.classroom.secret import of_set
from ptlab.classroom.set_cells import DropCopies, RestoreCells
from ptlab.classroom.sets import SETS
from ptlab.classroom.summary import Summary
from ptlab.classroom.wire_format import VERSION
from ptlab.cli import main

EXERCISES = Path(__file__).parents[2] / "exercises"
PS = "ps6_judge_the_thread"
SECRET = "not-known-to-any-student"
HIDES = Way("a test", True, True, "")
"""Here the secret may be in a file on every system."""
LOOP = "import time\n\nwhile True:\n    time.sleep(1)"
STUBBORN = """\
import time

while True:
    try:
        time.sleep(1)
    except BaseException:
        pass"""
NESTED = """\
nested = []
for _ in range(700):
    nested = [nested]
display({"application/json": nested}, raw=True)"""
SCRIPT = "<script>WON()</script><img src=x onerror='WON()'><svg onload=WON()>"
SHOWS = f"""
display(HTML({SCRIPT!r}), Markdown({SCRIPT!r}), HTML("<details><summary>Hint</summary></details>"))
display({{"image/svg+xml": {SCRIPT!r}, "text/latex": {SCRIPT!r}, "text/plain": "6"}}, raw=True)"""
LEAVES = """
import subprocess
subprocess.Popen(["sleep", "600"], start_new_session=True)
print(open("/proc/self/environ").read(), *sorted(__import__("os").listdir("/proc")))"""
FORGED = """\
import ptlab.classroom
from IPython.display import display
from ptlab.classroom.report import Finding, Report

forged = Report("thread-1", 6, [Finding(True, "all is right", 6)])
ptlab.check = ptlab.classroom.ask.check = ptlab.classroom.ask.graded = lambda *args: forged
Report.__new__ = lambda *args: forged
print(6.0)
display(forged)
answer = forged"""


def problem(student, question):
    return find(question).pose(seeds.own(question, student.casefold()))


def solution(student, question):
    return find(question).solve(problem(student, question))


class Submission:
    """A student's copy of the released notebook, to be filled in."""

    def __init__(self, course, student, says=None):
        self.path = course / "submitted" / student / PS / "ps6.ipynb"
        self.notebook = nbformat.read(course / "release" / PS / "ps6.ipynb", as_version=4)
        self["student"] = self.cell("student").source.replace("your NetID", says or student)

    def cell(self, name):
        return next(cell for cell in self.notebook.cells if cell.id == name)

    def __setitem__(self, name, source):
        self.cell(name).source = source

    def hand_in(self):
        self.path.parent.mkdir(parents=True)
        nbformat.write(self.notebook, self.path)


def right(course, student, says=None):
    """All answers right, as this student's own problems want them."""
    submission = Submission(course, student, says)
    for question in ("thread-1", "thread-2", "thread-3"):
        submission[question] = f"answer = {solution(says or student, question)}"
    submission["thread-4"] = "No, because of the cache lines."
    submission["minutes"] = 'minutes = {"thread-1": 30, "thread-2": 12.5}'
    return submission


def half_right(course, student):
    """Question 1 has three of six rows right, 2 is right, 3 is not answered; cells are copied."""
    submission = right(course, student)
    submission["thread-1"] = f"answer = {solution(student, 'thread-1')[:3] + [(99, 99)] * 3}"
    submission["thread-3"] = "answer = None"
    cells = submission.notebook.cells
    for name in ("thread-1", "thread-1-check", "thread-4"):
        extra = copy.deepcopy(submission.cell(name))
        extra.id = f"copy-of-{name}"
        cells.insert(cells.index(submission.cell(name)) + 1, extra)
    return submission


def broken(course, student):
    """Python is ended in the first answer."""
    submission = right(course, student)
    submission["thread-1"] = "import os\nos._exit(0)"
    return submission


def tampering(course, student):
    """Everything is made to say that all is right, and a check cell is deleted."""
    submission = Submission(course, student)
    submission["thread-1"] = f"{FORGED}\n{LEAVES}"
    submission.notebook.cells.remove(submission.cell("thread-3-check"))
    submission["example"] = f"from IPython.display import HTML, Markdown, display\n{SHOWS}"
    submission["thread-4"] = f"{SCRIPT} **words** [link](javascript:WON())"
    submission.notebook.metadata["title"] = f"</title>{SCRIPT}"
    submission.cell("example").metadata["tags"] = [f'">{SCRIPT}']
    return submission


def endless(course, student):
    """The first answer does not end, the second is an answer of endless length, the third is right."""
    submission = right(course, student)
    submission["thread-1"] = LOOP
    submission["thread-2"] = "answer = 'a' * 10**9"
    submission["thread-3"] = f"!echo a shell of {student}\n{submission.cell('thread-3').source}"
    return submission


def tidy(course, student):
    """The first answer and its check are deleted, and the second answer; the third is right.

    What nbgrader has noted about the cells is of a version that is still to come, and one cell is new.
    """
    submission = right(course, student)
    for cell in submission.notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99
    made_up = "made up\n[AutogradeApp | ERROR] Copying /x/submitted/ben/ps6_judge_the_thread"
    submission.cell("example").metadata.nbgrader = {"grade_id": made_up, "schema_version": "x"}
    for name in ("thread-1", "thread-1-check", "thread-2"):
        submission.notebook.cells.remove(submission.cell(name))
    return submission


def honest(course, student):
    """The first answer is right, the second cell fails before it has one, the third is empty."""
    submission = right(course, student)
    submission["thread-2"] = "answer = rows_that_i_have_forgotten"
    submission["thread-3"] = "# later"
    return submission


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder in which everything has been done once, as docs/teaching.md does it."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(EXERCISES / "nbgrader_config.py", folder)
    shutil.copytree(EXERCISES / "source" / PS, folder / "source" / PS)
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write("c.Execute.timeout = 8\n")  # a test need not wait for a minute
        config.write(f"c.HandIn.secret_file = {str(secret)!r}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setattr("ptlab.classroom.secret.way", lambda: HIDES)
        run(GenerateAssignmentApp, PS, "--create")
        right(folder, "Amy").hand_in()
        half_right(folder, "ben").hand_in()
        broken(folder, "cyd").hand_in()
        right(folder, "dee", says="amy").hand_in()
        tampering(folder, "eve").hand_in()
        endless(folder, "fay").hand_in()
        tidy(folder, "gil").hand_in()
        honest(folder, "hal").hand_in()
        (folder / "submitted/ivy").mkdir()
        (folder / "submitted/ivy" / PS).symlink_to(folder / "source" / PS)
        right(folder, "jon").hand_in()
        (folder / "submitted/jon" / PS / "ps6.ipynb").write_text('{"cells": [{')
        with pytest.raises(SystemExit):  # nbgrader says so, at its end, because of jon
            run(AutogradeApp, PS)
        right(folder, "kim").hand_in()
        without_box(patch, folder)
        run(GenerateFeedbackApp, PS)
        run(ExportApp)
    return folder


def without_box(patch, folder):
    """Grade on a machine that can make no box: kim for the first time, Amy once more."""
    before = (folder / f"autograded/Amy/{PS}/ps6.ipynb").read_bytes()
    with patch.context() as broken:
        broken.setattr("ptlab.classroom.box.subprocess.Popen", no_process)
        with pytest.raises(SystemExit, match="Nothing was graded, because this machine fails"):
            run(AutogradeApp, PS, "--student=Amy", "--force")
        assert (folder / f"autograded/Amy/{PS}/ps6.ipynb").read_bytes() == before
        with pytest.raises(SystemExit):
            run(AutogradeApp, PS, "--student=kim", "--HandIn.self_test=False")


def no_process(*args, **kwargs):
    raise OSError(11, "Resource temporarily unavailable")


def run(app, *args):
    """In a thread: it closes its event loop, and a browser test's may be open in this one.

    It leaves with SystemExit if something failed.
    """
    app.clear_instance()
    try:
        with ThreadPoolExecutor(1) as alone:
            alone.submit(app.launch_instance, [*args, "--log-level=ERROR"]).result()
    finally:
        app.clear_instance()


def reports(course, student):
    """What the check cells of a graded notebook say, as text, by question."""
    path = course / "autograded" / student / PS / "ps6.ipynb"
    notebook = nbformat.read(path, as_version=4)
    return {
        cell.metadata.nbgrader.grade_id.removesuffix("-check"): cell.outputs[0].data["text/html"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").endswith("-check")
    }


def score(course, student):
    with (course / "grades.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["assignment"] == PS]
    return next(float(row["score"]) for row in rows if row["student_id"] == student)


def feedback(course, student):
    page = (course / "feedback" / student / PS / "ps6.html").read_text()
    return html.unescape(re.sub(r"<[^>]+>", "", page))


SOURCES = sorted(EXERCISES.glob("source/*/*.ipynb"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_release_has_no_solution(source):
    """tests/test_project.py sees that for_students is what nbgrader releases."""
    path = EXERCISES / "for_students" / source.parent.name / source.name
    released = nbformat.read(path, as_version=4)
    mine = nbformat.read(source, as_version=4)
    assert [cell.id for cell in released.cells] == [cell.id for cell in mine.cells]
    for cell, original in zip(released.cells, mine.cells, strict=True):
        assert "SOLUTION" not in cell.source
        if is_solution(original):
            stub = "answer = None  # your answer in place of None"
            assert cell.source == (stub if cell.cell_type == "code" else "Your answer.")
        else:
            assert cell.source == original.source


def test_right_answers_get_all_points(course):
    assert score(course, "Amy") == 16  # and 4 more when a person has read the text
    assert all("not&nbsp;" not in report for report in reports(course, "Amy").values())


def test_a_cell_gives_a_part_of_its_points(course):
    assert score(course, "ben") == 3 + 6 + 0
    assert "thread-1: 3 of 6 points" in reports(course, "ben")["thread-1"]


def test_an_honest_student_gets_the_points_of_the_cells_that_work(course):
    assert score(course, "hal") == 6
    said = reports(course, "hal")
    assert "your cell ended with NameError: name" in said["thread-2"].replace("&nbsp;", " ")
    assert "there is no answer: your cell is empty" in said["thread-3"].replace("&nbsp;", " ")


def test_copied_cells_are_left_out_and_the_rest_is_graded(course):
    notebook = nbformat.read(course / f"autograded/ben/{PS}/ps6.ipynb", as_version=4)
    names = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(names) == len(set(names))
    copies = [cell for cell in notebook.cells if cell.id.startswith("copy-of")]
    assert len(copies) == 3 and all("nbgrader" not in cell.metadata for cell in copies)


def test_feedback_explains_and_shows_no_key(course):
    told = feedback(course, "ben")
    assert "thread-1: 3 of 6 points" in told
    assert "(99, 99) is not right" in told
    for key in (solution("ben", "thread-1")[3:], solution("ben", "thread-3")):
        assert str(key) not in told
        assert str(key)[1:-1] not in told
    for hidden in (SECRET, "SOLUTION", "A model answer", "HandedIn", "assert "):
        assert hidden not in told


def test_a_dead_kernel_is_a_zero_with_a_reason(course):
    assert score(course, "cyd") == 0
    assert "Python ended before this cell" in reports(course, "cyd")["thread-3"]


def test_a_friends_notebook_is_graded_on_ones_own_problems(course):
    assert score(course, "dee") < 16
    assert "this is the work of dee" in reports(course, "dee")["thread-3"]


def test_a_link_to_the_solutions_is_not_followed_and_a_broken_file_stops_nobody(course):
    assert not (course / "autograded/ivy").exists() and not (course / "autograded/jon").exists()
    with (course / "grades.csv").open() as table:
        assert {"Amy", "hal"} <= {row["student_id"] for row in csv.DictReader(table)}


def test_nothing_that_goes_back_has_the_secret(course):
    going = [path for path in course.glob("feedback/**/*") if path.is_file()]
    assert len(going) == 8
    for path in [*going, *course.glob("autograded/**/*.ipynb")]:
        text = path.read_text()
        assert not any(key in text for key in (SECRET, *(of_set(SECRET, name) for name in SETS)))


def test_no_script_of_a_student_is_in_the_feedback_or_the_formgrader(course):
    """Both show the autograded notebook; a script there would run in the teacher's browser."""
    page = (course / "feedback/eve" / PS / "ps6.html").read_text()
    assert not re.search(r"<(script|img|svg)[^>]*?(>|src=x |onload=)WON", page)
    assert not re.search(r"<[^>]*\bon(error|load)=", page)
    assert '="javascript:WON' not in page and "<strong>words</strong>" in page
    assert "<details><summary>Hint</summary></details>" in page
    notebook = nbformat.read(course / f"autograded/eve/{PS}/ps6.ipynb", as_version=4)
    assert "title" not in notebook.metadata
    assert all("tags" not in cell.metadata for cell in notebook.cells)


def test_forged_results_do_not_count(course):
    assert score(course, "eve") == 0
    assert set(reports(course, "eve")) == {"thread-1", "thread-2", "thread-3"}  # one was deleted


def test_deleted_cells_come_back_without_an_answer(course):
    told = reports(course, "gil")
    assert score(course, "gil") == 4
    assert "there is no answer yet" in told["thread-1"]
    notebook = nbformat.read(course / f"autograded/gil/{PS}/ps6.ipynb", as_version=4)
    names = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    released = nbformat.read(course / "release" / PS / "ps6.ipynb", as_version=4)
    graded = [c.metadata.nbgrader for c in released.cells if "nbgrader" in c.metadata]
    assert [name for name in names if name.endswith("-check")] == [
        cell.grade_id for cell in graded if cell.grade_id.endswith("-check")
    ]


@pytest.mark.parametrize(
    ("moved", "behind"),
    [("thread-2", "thread-1"), ("thread-1-check", "thread-2"), ("thread-3-check", "minutes")],
)
def test_a_check_stands_behind_its_own_answer_where_cells_were_moved(course, moved, behind):
    submission = Submission(course, "ida")
    cells = submission.notebook.cells
    cells.insert(cells.index(submission.cell("thread-1")) + 1, nbformat.v4.new_code_cell("x = 1"))
    cell = submission.cell(moved)
    cells.remove(cell)
    cells.insert(cells.index(submission.cell(behind)) + 1, cell)
    restored(course, submission.notebook)
    ids = [cell.id for cell in cells if cell.id.startswith("thread") or cell.source == "x = 1"]
    own = [name for name in ids if name.startswith("thread-") and name != "thread-4"]
    assert own == [f"thread-{k}{end}" for k in (1, 2, 3) for end in ("", "-check")]
    if moved != "thread-2":  # between two answers it belongs to neither
        assert ids[1] not in own


def restored(course, notebook):
    restore = RestoreCells()
    restore.notebook_id, restore.assignment_id = "ps6", PS
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as restore.gradebook:
        restore.add_missing_grade_cells(notebook, {"unique_key": "ps6"})


def test_another_notebook_is_not_graded(course):
    """Where no cell of the set is left, zero points would hide a mix-up."""
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("answer = 7")])
    with pytest.raises(ValueError, match="not made from the released one"):
        restored(course, other)
    assert len(other.cells) == 1


def test_what_a_student_chooses_is_one_line_of_the_log(caplog):
    """`ptlab autograde` reads in it whose turn it is."""
    name = "x\n[AutogradeApp | ERROR] Copying /x/submitted/ben/ps6"
    cell = nbformat.v4.new_code_cell(metadata={"nbgrader": {"grade_id": name}})
    copies = nbformat.v4.new_notebook(cells=[cell, copy.deepcopy(cell)])
    drop = DropCopies()
    drop.log.propagate = True
    drop.preprocess(copies, {"unique_key": "ps6"})
    (record,) = caplog.records
    assert "a copy of cell" in record.getMessage() and "\n" not in record.getMessage()


def test_where_ptlab_cannot_be_loaded_nothing_is_graded(monkeypatch):
    """nbgrader only tells that its configuration fails, and goes on without it: without a box."""
    monkeypatch.setitem(sys.modules, "ptlab.classroom.reader", None)
    with pytest.raises(SystemExit, match="ptlab cannot be loaded"):
        PyFileConfigLoader("nbgrader_config.py", path=str(EXERCISES)).load_config()


def test_a_folder_with_the_name_of_a_practice_problem_is_nobody_s():
    resources = {"nbgrader": {"student": "Practice 3"}}
    with pytest.raises(ValueError, match="practice problems are solved in public"):
        HandIn().preprocess(nbformat.v4.new_notebook(), resources)


def test_no_notebook_sees_what_others_have_handed_in(tmp_path):
    config = Config({"Exchange": {"root": str(tmp_path)}})
    assert tmp_path in HandIn(config=config).hidden()


def test_an_accent_is_the_same_however_a_file_system_writes_it():
    composed, apart = "Jos\u00e9", "Jose\u0301"
    assert seeds.plain(composed) == seeds.plain(apart) == "jos\u00e9"
    says = "walk-1", [(1, 2, 3, 4)] * 3
    names = map(seeds.plain, (composed, apart))
    reports = [grading.graded(*says, name, seeds.plain(composed)) for name in names]
    assert reports[0].findings == reports[1].findings


DEEP = [[]]
for _ in range(10_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": ["function", "f", 7]},
        {"code": []},
        {"set": [[1]]},
        {"dict": 3},
        {"x": 1},
        {},
        DEEP,
        [0] * 30_000,
    ],
    ids=range(8),
)
def test_a_forged_answer_is_graded_like_any_other(answer):
    """A notebook may put anything into the output in which its kernel hands in."""
    data = {HANDED_IN: {"version": VERSION, "student": "e" * 10**6, "answer": answer}}
    cell = nbformat.NotebookNode(outputs=[{"data": data}])
    for question in ("thread-1", "walk-4", "scheme-1"):
        data[HANDED_IN]["name"] = question
        report = grading._report(
            question, grading._handed_in(cell, question), "eve", "nothing came"
        )
        assert report == 0 and len(str(report)) < 1000


@pytest.mark.parametrize("version", [None, VERSION - 1])
def test_an_answer_of_another_ptlab_is_refused(version):
    data = {HANDED_IN: {"version": version, "name": "walk-1", "student": "amy", "answer": 1}}
    cell = nbformat.NotebookNode(outputs=[{"data": data}])
    with pytest.raises(ValueError, match="its kernel has another version of ptlab"):
        grading._handed_in(cell, "walk-1")


def test_a_notebook_with_an_older_version_of_the_problems_is_refused():
    old = nbformat.v4.new_notebook(metadata={"ptlab": {"version": 0}})
    with pytest.raises(ValueError, match="made from version 0 of the problems"):
        HandIn().preprocess(old)


def test_an_endless_cell_is_stopped_and_later_answers_count(course):
    told = reports(course, "fay")
    assert score(course, "fay") == 4
    assert "did not end in time and was stopped" in told["thread-1"]
    assert "thread-2: 0 of 6" in told["thread-2"]
    assert "a shell of fay" in feedback(course, "fay")


@pytest.mark.parametrize(
    ("source", "timeout", "why"),
    [
        (STUBBORN, 1, "a cell before this one did not end and could not be stopped"),
        # Python 3.14 keeps it, and goes on to the check, which finds no answer.
        (NESTED, 60, "something too deeply nested to be kept|there is no answer yet"),
    ],
    ids=["stubborn", "nested"],
)
def test_a_cell_that_cannot_be_dealt_with_ends_the_run(course, monkeypatch, source, timeout, why):
    monkeypatch.setenv("IPYTHONDIR", str(course / "ipython"))
    notebook = nbformat.read(course / "release" / PS / "ps6.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    resources = {"nbgrader": {"student": "gus"}, "metadata": {"path": str(course)}}
    hand_in = HandIn(timeout=timeout, secret_file=str(course / "secret"))
    graded, _ = hand_in.preprocess(notebook, resources)
    check = next(cell for cell in graded.cells if cell.id == "thread-1-check")
    assert check.source == 'ptlab.check("thread-1", answer)'
    assert check.outputs[0].data["text/plain"] == "0.0"
    assert re.search(why, check.outputs[0].data["text/html"])


def test_a_wrong_answer_is_no_success_at_home(course, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    path = course / "submitted" / "ben" / PS / "ps6.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=100, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = {cell.id: cell.get("outputs") for cell in notebook.cells}
    assert outputs["thread-1-check"][0].data["text/plain"] == "3.0"
    assert outputs["thread-3-check"][0].data["text/plain"] == "0.0"
    # The secret of the grader is nowhere in what a student has.
    assert SECRET not in nbformat.writes(notebook)


def test_without_the_secret_an_old_grading_stays(course, monkeypatch):
    """nbgrader removes it as the first thing that --force does."""
    monkeypatch.chdir(course)
    monkeypatch.setattr("ptlab.classroom.secret.way", lambda: HIDES)
    graded = course / f"autograded/ben/{PS}/ps6.ipynb"
    before = graded.read_bytes()
    missing = f"--HandIn.secret_file={course / 'missing'}"
    with pytest.raises(SystemExit, match="is not there, and the grader's secret has to be in it"):
        run(AutogradeApp, PS, "--student=ben", "--force", missing)
    assert graded.read_bytes() == before


def test_summary_of_the_class(course):
    summary = Summary.of(course)
    first = summary.lines[0]
    assert (first.question, first.students, first.full) == ("thread-1", 8, 2)
    assert first.minutes == 30
    assert ("other-name", 1) in first.ideas
    table = io.StringIO()
    summary.write_csv(table)
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert len(rows) == 24 + 3
    assert rows[0] | {"mistaken ideas": ""} == {
        "student": "Amy", "problem_set": PS, "question": "thread-1", "score": "6.0",
        "points": "6", "minutes": "30", "mistaken ideas": "", "file": "", "not graded": "",
    }  # fmt: skip


def test_ptlab_grade_shows_and_writes_it(course, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "class.csv", tmp_path / "class.html"
    assert main(["grade", str(course), "--csv", str(out[0]), "--html", str(out[1])]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "thread-3" in told
    assert f"{PS} of ivy: {PS} is a link, and links are not followed" in told
    assert f"{PS}/ps6.ipynb of jon: not graded: " in told and "JSON" in told
    assert f"{PS}/thread-4: 8, of Amy, ben, cyd" in told  # waits for a person
    assert f"{PS}/ps6.ipynb of eve: sleep" in told
    assert f"8 notebooks: {way().says}" in told
    assert "differ" not in told and "different secrets" not in told
    assert out[0].read_text().count("\n") == 28
    page = out[1].read_text()
    assert "<svg" in page and "ps6.ipynb of eve: sleep" in page


def test_a_fault_of_this_machine_is_listed_and_costs_nobody_points(course, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert not (course / "autograded/kim" / PS).exists() and score(course, "Amy") == 16
    assert main(["grade", str(course)]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"{PS}/ps6.ipynb of kim: not graded: GraderFault: this machine cannot start" in told


def test_what_is_changed_behind_the_grader_s_back_is_listed(course, tmp_path):
    shutil.copytree(course / "autograded", tmp_path / "autograded")
    shutil.copy(course / "gradebook.db", tmp_path)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        forged = book.find_submission(PS, "eve").notebooks[0].grades
        next(grade for grade in forged if grade.name == "thread-1-check").auto_score = 6
        next(grade for grade in forged if grade.name == "thread-2-check").manual_score = 5
        next(grade for grade in forged if grade.name == "thread-3-check").extra_credit = 4
        book.db.commit()
    shutil.rmtree(tmp_path / "autograded/Amy")
    told = Summary.of(tmp_path).cautions[0]
    where = f"{PS}/thread-1-check of"
    assert told.wrong and len(told.lines) == 3 + 3
    assert f"{where} eve: the report has 0 points, the gradebook 6" in told.lines
    assert f"{where} Amy: the gradebook has 6 points, and there is no report" in told.lines


def test_ptlab_grade_says_what_is_missing(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 2
    assert "run nbgrader autograde" in " ".join(capsys.readouterr().err.split())
