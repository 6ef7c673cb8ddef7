"""What a student installs: it judges practice, and of a graded problem it knows the form alone."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import ptlab
from ptlab.classroom import questions, seeds, solution
from ptlab.classroom.ask import graded
from ptlab.classroom.solution import NotHere, digest
from ptlab.classroom.solutions import practice, scheme_answers
from ptlab.classroom.student_code import Code
from ptlab.cli import main

ROOT = Path(__file__).parents[2]
QUESTIONS = questions()
LITERAL = [name for name, question in QUESTIONS.items() if not question.further]


def posed(name, who):
    return QUESTIONS[name].pose(seeds.own(name, who))


@pytest.fixture
def as_a_student(monkeypatch):
    """An install without the instructor's part."""
    monkeypatch.setattr(seeds, "_claimed", "")
    monkeypatch.setitem(sys.modules, solution._PART, None)
    solution.instructors.cache_clear()
    yield
    solution.instructors.cache_clear()


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_practice_problems_are_those_of_the_code(name):
    assert (practice.FOLDER / f"{name}.json").read_text() == practice.as_text(QUESTIONS[name]), (
        "run `make practice`"
    )


@pytest.mark.parametrize("name", LITERAL)
def test_practice_is_judged_as_by_the_instructor(name, request):
    question, problem = QUESTIONS[name], posed(name, "practice 3")
    answers = [question.solve(problem), *(wrong.answer for wrong in question.wrong(problem))]
    by_instructor = [question.grade(problem, answer) for answer in answers], question.why(problem)
    request.getfixturevalue("as_a_student")
    assert question.solve(problem) == answers[0]
    by_student = [question.grade(problem, answer) for answer in answers], question.why(problem)
    assert by_student == by_instructor
    ptlab.practice(3)
    assert ptlab.check(name, answers[0]).full and not ptlab.check(name, answers[1]).full
    ptlab.ask(name).story()


@pytest.mark.parametrize("name", LITERAL)
def test_of_a_graded_problem_only_the_form_is_told(name, request):
    question, problem = QUESTIONS[name], posed(name, "amy7")
    right, wrong = question.solve(problem), question.wrong(problem)[0].answer
    request.getfixturevalue("as_a_student")
    ptlab.student("amy7")
    reports = [ptlab.check(name, answer) for answer in (right, wrong)]
    assert reports[0].findings == reports[1].findings and str(reports[0]) == str(reports[1])
    assert "has the form that is asked for" in str(reports[0]) and reports[0] == 0
    assert "points to reach, judged at grading" in reports[0].heading
    unreadable = ptlab.check(name, [object()])
    assert "has the form" not in str(unreadable) and not unreadable.findings[0].ok
    assert "there is no answer yet" in str(ptlab.check(name, None))
    for ask in (question.solve, question.why, question.wrong, lambda _: ptlab.ask(name).story()):
        with pytest.raises(NotHere, match=r"ptlab\.practice\(0\)"):
            ask(problem)


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_judges_a_graded_problem_by_another_way(name, as_a_student):
    """Not where it is called by hand, nor in the place of a further problem."""
    question, problem, practice = QUESTIONS[name], posed(name, "amy7"), posed(name, "practice 9")
    for given in ([problem], [practice, problem]):
        with pytest.raises(NotHere, match=r"ptlab\.practice\(0\)"):
            question.grade(given[0], None, given[1:])
    with pytest.raises(NotHere):
        graded(name, None, "amy7", "amy7")
    assert question.grade(practice, None)


@pytest.mark.parametrize(
    ("name", "right", "wrong", "refused"),
    [
        ("walk-4", "def tables_for(pages):\n    return 1, 2, 3\n", "import os\n", "may import"),
        ("scheme-1", scheme_answers.right("scheme-1"), "x = open('x')\n", "uses open"),
    ],
)
def test_code_for_a_graded_problem_is_read_and_not_run(
    name, right, wrong, refused, as_a_student, monkeypatch
):
    monkeypatch.setattr("ptlab.classroom.sandbox.started", None)  # whoever runs it fails
    kind, called = ("function", "tables_for") if name == "walk-4" else ("class", "Answer")
    ptlab.student("amy7")
    assert "has the form" in str(ptlab.check(name, Code(kind, called, right)))
    assert refused in str(ptlab.check(name, Code(kind, called, f"{right}x = {wrong!r}\n{wrong}")))


def test_a_function_is_judged_in_practice(request):
    right = QUESTIONS["walk-4"].solve(posed("walk-4", "practice 0"))
    request.getfixturevalue("as_a_student")
    ptlab.practice(0)
    assert ptlab.check("walk-4", right).full
    with pytest.raises(NotHere):
        QUESTIONS["walk-4"].solve(posed("walk-4", "practice 0"))


def test_quiz_shows_no_code_that_is_right_for_everybody(as_a_student, capsys):
    assert main(["quiz", "walk-1", "-s", "3", "-c"]) == 0
    assert "Answer:" in capsys.readouterr().out
    assert main(["quiz", "scheme-1", "-s", "3", "-c"]) == 2
    assert "right for everybody's problem" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["practice 3", "Practice3", " practice  12 "])
def test_a_practice_problem_is_nobodys(name):
    with pytest.raises(ValueError, match=r"write ptlab\.practice\(3\)"):
        ptlab.student(name)


@pytest.mark.parametrize("number", [-1, 10, "3", None, True])
def test_a_number_that_is_no_practice_problem(number):
    with pytest.raises(ValueError, match="a number from 0 to 9"):
        ptlab.practice(number)


def test_a_broken_instructors_part_is_no_students_install(monkeypatch):
    """It must not be taken for one: everybody would get 0 points."""
    solution.instructors.cache_clear()
    monkeypatch.setitem(sys.modules, "ptlab.classroom.solutions.walk", None)
    with pytest.raises(ModuleNotFoundError):
        graded("walk-1", [(1, 2, 3, 4)] * 3, "amy7", "amy7")
    monkeypatch.undo()
    solution.instructors.cache_clear()


IN_A_STUDENTS_PYTHON = """
import json, sys
import ptlab
from ptlab.classroom import questions, seeds

answers = json.loads(sys.argv[1])
assert ptlab.__file__.startswith(sys.argv[2]), ptlab.__file__
ptlab.student("amy7")
graded = [str(ptlab.check("walk-2", answers["graded"]))]
ptlab.practice(3)
print(json.dumps([*graded, str(ptlab.check("walk-2", answers["practice"]))]))
"""


def test_a_wheel_has_no_solution_of_a_graded_problem(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)

    names = {path.name for path in (site / "ptlab/classroom").iterdir()}
    assert "practice" in names and "solutions" not in names and "answers" not in names
    carried = {
        path.relative_to(site): path.read_text()
        for path in site.rglob("*")
        if path.suffix in (".py", ".toml", ".json", ".ipynb", ".md", ".txt")
    }
    secret = [
        line.strip()
        for name in ("scheme-1", "scheme-2", "scheme-3")
        for line in scheme_answers.right(name).splitlines()
        if "  # " in line
    ]
    secret += [digest(posed(name, "amy7")) for name in LITERAL]
    secret += ["for shift in (27, 18, 9)", "class IndicesSolution", "### BEGIN SOLUTION"]
    assert len(secret) > 20
    for path, text in carried.items():
        assert [one for one in secret if one in text] == [], path
    solvers = {str(path) for path, text in carried.items() if "def solve(" in text}
    assert solvers == {f"ptlab/classroom/{name}.py" for name in ("question", "solution")}

    answers = {
        who: QUESTIONS["walk-2"].solve(posed("walk-2", name))
        for who, name in (("graded", "amy7"), ("practice", "practice 3"))
    }
    ran = subprocess.run(
        [sys.executable, "-P", "-c", IN_A_STUDENTS_PYTHON, json.dumps(answers), str(site)],
        env={"PYTHONPATH": str(site), "PATH": ""},
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stderr
    of_graded, of_practice = json.loads(ran.stdout.splitlines()[-1])
    assert "judged at grading" in of_graded and "right  touch" not in of_graded
    assert of_practice.startswith("walk-2: 3 of 3 points")


@pytest.mark.skipif(shutil.which("bash") is None, reason="binder/postBuild is written for bash")
@pytest.mark.parametrize("on_binder", [True, False])
def test_binders_image_has_no_solution_and_a_checkout_keeps_its_own(tmp_path, on_binder):
    repository = tmp_path / "repository"
    for folder in (
        ".git",
        "ptlab/classroom/solutions",
        "exercises/source",
        "exercises/for_students",
    ):
        (repository / folder).mkdir(parents=True)
    for program in ("python", "jupyter"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    env |= {"REPO_DIR": str(repository)} if on_binder else {}
    subprocess.run(["bash", ROOT / "binder/postBuild"], cwd=repository, env=env, check=True)
    left = {path.relative_to(repository).as_posix() for path in repository.rglob("*")}
    assert "exercises/for_students" in left
    assert ("ptlab/classroom/solutions" in left) == ("exercises/source" in left) == (not on_binder)
    assert (".git" in left) == (not on_binder)
