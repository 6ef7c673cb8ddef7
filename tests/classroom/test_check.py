"""Reports, seeds, and answers of every kind: what a student's notebook relies on."""

import math

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import ptlab
from ptlab.classroom import Finding, Report, ask, check, questions, seeds
from ptlab.classroom.ask import graded
from ptlab.classroom.question import shown

LITERAL = [q.name for q in questions().values() if not q.further]


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """No name."""
    monkeypatch.setattr(seeds, "_claimed", "")


class Hostile(list):
    """Runs code of its own wherever it is touched."""

    def touched(self, *args):
        raise RuntimeError("the grader ran the student's code")

    __eq__ = __ne__ = __iter__ = __len__ = __getitem__ = __repr__ = __str__ = __hash__ = touched
    __bool__ = __int__ = __float__ = __index__ = __contains__ = touched


JUNK = [
    None,
    "",
    "x" * 10**6,
    "AB" * 10**6,
    7,
    math.nan,
    math.inf,
    10**6000,
    [],
    [[]],
    [None] * 3,
    ["1", "2", "3"],
    [10**6000] * 8,
    [(1, 2, math.nan)] * 6,
    [[[[[[1]]]]]],
    {"a": 1},
    object(),
    Hostile([1, 2, 3]),
    [Hostile()] * 6,
    np.full((3, 4), np.nan),
    np.array(["x"]),
    lambda: 1,
    Hostile,
    b"AABB",
    range(3),
]


# -- the report --


def test_a_report_is_a_number_that_can_be_read_back():
    findings = [Finding(True, "a", 1.25), Finding(False, "b", 1.75), Finding(True, "a remark")]
    report = Report("walk-1", 3, findings)
    assert report == 1.25
    assert float(repr(report)) == 1.25
    assert float(report._repr_mimebundle_()["text/plain"]) == 1.25
    assert not report.full


def test_a_report_never_exceeds_its_points():
    assert Report("walk-1", 1, [Finding(True, "a", 1), Finding(True, "b", 1)]) == 1


def test_thirds_make_a_whole():
    report = Report("walk-1", 2, [Finding(True, "row", 2 / 3)] * 3)
    assert report == 2 and report.full


def test_a_report_as_html_is_text_only():
    html = Report("walk-1", 1, [Finding(False, "<img src=x>", 1, "<b>", None)])._repr_html_()
    assert "<img" not in html and "&lt;img" in html
    assert "<b>" not in html


def test_a_report_can_be_written_to_a_file():
    """A lone surrogate in what a student wrote would stop the whole notebook from being saved."""
    report = Report("walk-1", 1, [Finding(False, "it raised ValueError: \ud800", 1)])
    assert str(report).encode() and report._repr_html_().encode()


def test_a_message_of_several_lines_keeps_its_columns():
    ptlab.student("amy7")
    report = check("leak-2", "mmap s0")
    assert report == 0
    assert "<pre" in report._repr_html_() and "usage: mmap" in str(report)


# -- whose problem --


def test_the_same_name_has_the_same_problem_and_another_name_another():
    for name in LITERAL:
        question = questions()[name]
        posed = [question.pose(seeds.own(name, who)) for who in ("amy7", "amy7", "bob", "eve")]
        assert posed[0] == posed[1]
        assert len(set(posed)) > 1, name


def test_case_and_outer_spaces_of_a_name_do_not_count(capsys):
    ptlab.student(" Amy7 ")
    assert seeds.whose() == "amy7"
    assert capsys.readouterr().out == "These are the problems of amy7.\n"


@pytest.mark.parametrize("name", ["", "  ", None, 7, "x" * 81])
def test_a_name_that_is_none(name):
    with pytest.raises(ValueError, match="your own name"):
        ptlab.student(name)


def test_the_placeholder_of_a_new_notebook_is_told(capsys):
    ptlab.student("your NetID")
    assert "Write your own name" in capsys.readouterr().out


def test_without_a_name_ask_says_what_to_do_and_check_gives_nothing():
    with pytest.raises(ValueError, match=r"ptlab\.student"):
        ask("walk-1")
    report = check("walk-1", [])
    assert report == 0 and "ptlab.student" in str(report)


def test_an_unknown_question_is_named():
    with pytest.raises(ValueError, match=r"unknown question 'walk-11' \(did you mean walk-1"):
        check("walk-11", None)


def test_at_grading_the_owner_counts_not_the_name_in_the_notebook():
    question = questions()["walk-1"]
    of_amy, of_bob = (
        question.solve(question.pose(seeds.own("walk-1", who))) for who in ("amy7", "bob")
    )
    report = graded("walk-1", of_bob, "amy7", "bob")
    assert report < report.points
    assert report.findings[-1].misconception == "other-name"
    assert "student('bob')" in report.findings[-1].what
    assert graded("walk-1", of_amy, "amy7", "bob").full
    assert "names nobody" in str(graded("walk-1", of_amy, "amy7", ""))
    left = graded("walk-1", of_amy, "amy7", "practice 3")
    assert left.full and "the notebook shows practice problems" in left.findings[-1].what


def test_at_grading_a_secret_list_is_not_told():
    """The student's own list may be told, the further ones not."""
    question = questions()["walk-4"]
    own = question.pose(seeds.own("walk-4", "amy7"))
    more = [question.pose(rng) for rng in seeds.further("walk-4", 5)]
    wrong = [(0, 0, 9)] * 6
    assert "one of them" in question.compared([own, *more], wrong)[-1].what
    with seeds.graded_with("a secret"):
        told = question.compared([own, *more], wrong)[-1].what
    assert all(hex(page) not in told for p in more for page in p.pages if page not in own.pages)


def test_further_problems_are_public_until_there_is_a_secret():
    def numbers(question="walk-4"):
        return [rng.random() for rng in seeds.further(question, 3)]

    public = numbers()
    assert public == numbers() and not seeds.grading()
    with seeds.graded_with("a secret"):
        hidden = numbers()
        assert not set(public) & set(hidden) and seeds.grading()
    with seeds.graded_with("another secret"):
        assert not set(numbers()) & set(hidden)
    assert public == numbers()


# -- answers that are none --


@pytest.mark.parametrize("name", LITERAL)
def test_what_is_no_answer_gets_a_message_and_no_points(name):
    for junk in JUNK:
        report = graded(name, junk, "amy7", "amy7")
        assert report == 0, shown(junk)
        assert len(str(report)) < 3000 and len(report._repr_html_()) < 12_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mmap s0 2M\nmap s1 2M", "found 'map', expected one of"),
        ("mmap s0 2M\nmunmap s0 2M", "you may only use"),
        ("mmap s0 8T", "too big for this exercise"),
        ("touch w s0 16G 4K", "too big for this exercise"),
        ("mmap s0 2M populate", "pages are to come by touch"),
        ("mmap AREA 2M file:f", "a file made before"),
        ("mmap s119 2M", "your area begins at"),
        ("scenario a\nmmap s0 2M\nscenario b\nmmap s0 2M", "has 2 scenarios"),
        ("\n".join(["mmap s0 2M"] * 40), "at most"),
        ("mmap s0 2M # " + "x" * 6000, "5000 are more than enough"),
        ("mmap s0 " + "9" * 4900, "a line has 4908 characters; 200 are more than enough"),
        ("mmap s0 2M\ntouch w s0 128T 4K", "too big for this exercise"),
    ],
)
def test_a_scenario_that_cannot_be_judged_is_told_why(text, why):
    area = questions()["leak-2"].pose(seeds.own("leak-2", "amy7")).at(0)
    report = graded("leak-2", text.replace("AREA", area), "amy7", "amy7")
    assert report == 0 and why in str(report)


def test_a_call_that_fails_is_told_and_the_rest_counts():
    question = questions()["leak-2"]
    problem = next(
        problem
        for k in range(50)
        if (problem := question.pose(seeds.own("leak-2", str(k)))).trick == "pieces"
    )
    lines = question.solve(problem).splitlines()
    findings = question.grade(
        problem, "\n".join([lines[0], lines[1] + f"\ntouch w {problem.at(0)} 1P", lines[2]])
    )
    assert "at most" in findings[0].what, "four lines are one too many"
    unaligned = f"madvise_each DONTNEED {problem.at(0)}+1K 4K 4K"
    findings = question.grade(problem, "\n".join([*lines[:2], unaligned]))
    assert any("EINVAL" in finding.what for finding in findings)
    assert not any(finding.ok and "empty" in finding.what for finding in findings)


def test_numbers_may_come_from_numpy_or_a_division():
    question = questions()["walk-1"]
    problem = question.pose(seeds.own("walk-1", "amy7"))
    truth = question.solve(problem)
    for answer in (
        np.array(truth),
        [list(row) for row in truth],
        [tuple(map(float, row)) for row in truth],
        [tuple(map(np.int64, row)) for row in truth],
    ):
        assert graded("walk-1", answer, "amy7", "amy7").full


def test_words_may_be_in_capitals():
    question = questions()["references-2"]
    step, kind, outcome = question.solve(question.pose(seeds.own("references-2", "amy7")))
    answer = [step, f" {kind.upper()}", outcome.title()]
    assert graded("references-2", answer, "amy7", "amy7").full


def test_a_wrong_row_names_the_idea_behind_it():
    question = questions()["leak-1"]
    problem = question.pose(seeds.own("leak-1", "amy7"))
    wrong = next(w for w in question.wrong(problem) if w.idea == "free-drops")
    report = graded("leak-1", wrong.answer, "amy7", "amy7")
    (found,) = [finding for finding in report.findings if not finding.ok]
    assert found.misconception == "free-drops"
    assert "MADV_FREE only marks pages" in found.what
    number = int(found.where.split("story(")[1].split(")")[0])
    assert "FREE" in problem.story(number).stories[0].operations[2]


# -- as a student sees it --


def test_a_question_is_shown_with_three_folded_hints():
    ptlab.student("amy7")
    asked = ask("walk-1")
    markdown = asked._repr_markdown_()
    assert markdown.count("<details><summary>Hint ") == 3
    assert "walk-1: four indices (3 points, about 10 minutes)" in str(asked)
    assert hex(asked.problem.addresses[0]) in str(asked)


def test_the_run_behind_a_problem_can_be_stepped_through():
    ptlab.student("amy7")
    story = ask("references-1").story()
    assert story is not None and len(story.operations) == 9
    assert ask("walk-1").story() is None


def test_the_tasks_of_a_schedule_question_can_be_played_with():
    ptlab.student("amy7")
    asked = ask("scheduler-1")
    race = asked.problem.race(questions()["scheduler-1"].solve(asked.problem))
    assert race.verdict is not None


def test_a_report_says_how_the_answers_cell_ended():
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_cell("import ptlab; answer = None; _ = ptlab.student('amy')")
    assert shell.run_cell("answer = tables_of_mine", silent=False).error_in_exec
    report = shell.run_cell("str(ptlab.check('walk-1', answer))").result
    said = "there is no answer: your cell ended with NameError: name 'tables_of_mine'"
    assert said in " ".join(report.replace("\\n", " ").split())
    assert "it is None" in shell.run_cell("str(ptlab.check('walk-1', answer))").result
