"""Every question, over many students: the solution is right, mistakes lose, feedback keeps the key.

Answers that are code run in the sandbox for one student only; for the others they run here.
"""

import functools
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

import ptlab
from ptlab.classroom import questions, seeds
from ptlab.classroom.ask import graded
from ptlab.classroom.solutions.references_program import entries_model
from ptlab.classroom.table_question import TableQuestion

QUESTIONS = questions()
LITERAL = [name for name, question in QUESTIONS.items() if not question.further]
TABLES = [name for name in LITERAL if isinstance(QUESTIONS[name], TableQuestion)]
SOURCE = Path(__file__).parents[2] / "exercises/source"


@functools.cache
def posed(name, k):
    """The problem of student k, made once for all tests of this file."""
    return QUESTIONS[name].pose(seeds.own(name, f"student{k}"))


def points(question, problem, answer):
    findings = question.grade(problem, answer)
    return sum(finding.worth for finding in findings if finding.ok)


@pytest.mark.parametrize("name", LITERAL)
def test_the_solution_is_right_for_200_students(name):
    question = QUESTIONS[name]
    for k in range(200):
        problem = posed(name, k)
        got = points(question, problem, question.solve(problem))
        assert got == pytest.approx(question.points), k


@pytest.mark.parametrize("name", LITERAL)
def test_mistakes_lose_the_points_they_should(name):
    question = QUESTIONS[name]
    ideas = set()
    for k in range(25):
        problem = posed(name, k)
        for wrong in question.wrong(problem):
            ideas.add(wrong.idea)
            assert wrong.keeps < question.points
            assert points(question, problem, wrong.answer) <= wrong.keeps + 1e-9, (k, wrong.idea)
    assert len(ideas) >= 5


@pytest.mark.parametrize("name", TABLES)
def test_feedback_keeps_the_key(name):
    """A wrong row is told without any number or word of the right one."""
    question = QUESTIONS[name]
    for k in range(25):
        problem = posed(name, k)
        rows = question.rows(problem)
        columns = [
            [question.column(row, c) for c in range(len(question.columns))]
            for row in range(len(rows))
        ]
        answer = [
            tuple(column.words[0] if column.words else 987654321 for column in row)
            for row in columns
        ]
        answer = [row[0] if len(row) == 1 else row for row in answer]
        findings = question.grade(problem, answer)
        for row, finding in enumerate(findings):
            if finding.ok:
                continue
            told = finding.what.removeprefix(f"{rows[row]}: ")
            said = set(re.findall(r"\d+", told.split("is not right")[0])) - {"987654321"}
            assert not said, finding
            for column in columns[row]:
                assert not any(f"'{word}'" in told for word in column.words[1:]), finding


@pytest.mark.parametrize("name", TABLES)
def test_a_mistaken_idea_is_named_where_the_answer_follows_it_and_not_for_one_row(name):
    question = QUESTIONS[name]
    named = 0
    for k in range(10):
        problem = posed(name, k)
        right = question.solve(problem)
        for wrong in question.wrong(problem):
            findings = question.grade(problem, wrong.answer)
            assert any(finding.misconception for finding in findings), wrong.idea
            astray = [row for row, cell in enumerate(wrong.answer) if cell != right[row]]
            if len(astray) < 2:
                continue
            one = [*right]
            one[astray[0]] = wrong.answer[astray[0]]
            finding = next(f for f in question.grade(problem, one) if not f.ok)
            named += finding.misconception == wrong.idea
    assert named == 0


def test_a_wrong_row_is_told_what_cannot_be():
    question = QUESTIONS["walk-2"]
    problem = question.pose(seeds.own("walk-2", "amy7"))
    right = question.solve(problem)
    told = question.grade(problem, [(0, 1, 0), *right[1:-1], (2, 2, 2)])
    assert "each level below it needs a new one too" in told[0].what
    assert "it passes one table of each level" in told[-1].what
    assert not told[0].misconception and not told[-1].misconception


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda q: q.name)
def test_a_question_says_what_it_is(question):
    problem = question.pose(seeds.own(question.name, "amy7"))
    text = question.text(problem)
    assert "**" in text and len(text) < 8000
    assert len(question.wording.hints) == 3 and all(question.wording.hints)
    assert question.points > 0 and 5 <= question.wording.minutes <= 60
    assert not question.wording.goal.endswith(".")
    assert question.why(problem)
    assert len({wrong.idea for wrong in question.wrong(problem)}) >= 5
    assert all(wrong.says for wrong in question.wrong(problem))


def test_a_function_is_judged_in_the_sandbox():
    question = QUESTIONS["walk-4"]
    problem = question.pose(seeds.own("walk-4", "amy7"))
    assert graded("walk-4", question.solve(problem), "amy7", "amy7").full
    wrong = question.wrong(problem)[0]
    report = graded("walk-4", wrong.answer, "amy7", "amy7")
    assert report <= wrong.keeps
    assert report.findings[-1].misconception is not None


def called_here(answer, problems):
    """What a function of ours gives, without the sandbox."""
    cell = {}
    exec(answer.text, cell)
    return [cell["tables_for"](list(problem.pages)) for problem in problems]


def test_a_function_that_is_wrong_loses_points():
    question = QUESTIONS["walk-4"]
    for who in ("amy7", "bob", "eve"):
        own = question.pose(seeds.own("walk-4", who))
        problems = [own, *map(question.pose, seeds.further("walk-4", question.further))]
        for wrong in question.wrong(own):
            findings = question.compared(problems, called_here(wrong.answer, problems))
            got = sum(finding.worth for finding in findings if finding.ok)
            assert got <= wrong.keeps < question.points, wrong.idea
            assert findings[-1].misconception == "counts-wrong"


def test_the_function_that_counts_tables_is_right_for_200_lists():
    question = QUESTIONS["walk-4"]
    problems = [posed("walk-4", k) for k in range(200)]
    answer = question.solve(problems[0])
    assert all(f.ok for f in question.compared(problems, called_here(answer, problems)))


def test_counting_by_hand_agrees_with_the_engine():
    """The model that makes the wrong answers of references-1 makes the right one without a mistake."""
    question = QUESTIONS["references-1"]
    for k in range(50):
        problem = posed("references-1", k)
        assert entries_model(problem) == question.solve(problem)


@pytest.mark.parametrize("notebook", ["ps1", "ps2", "ps3", "ps4"])
def test_the_solutions_in_the_notebooks_are_right_for_other_students(notebook, capsys):
    (path,) = SOURCE.glob(f"*/{notebook}.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    asked = [cell for cell in cells if cell.cell_type == "code" and cell.id in LITERAL]
    assert asked
    for k in range(8):
        ptlab.student(f"student {k}")
        names = {"ptlab": ptlab}
        for cell in asked:
            names["task"] = ptlab.ask(cell.id)
            exec(cell.source, names)
            report = ptlab.check(cell.id, names["answer"])
            assert report.full, f"{cell.id} for student {k}:\n{report}"


@pytest.mark.parametrize("question", questions().values(), ids=lambda question: question.name)
def test_of_300_students_280_have_a_problem_of_their_own(question):
    problems = Counter(repr(posed(question.name, k)) for k in range(300))
    assert sum(times == 1 for times in problems.values()) >= 280


@pytest.mark.parametrize("name", [q.name for q in questions().values() if not q.further])
def test_a_neighbours_answer_is_worth_nearly_nothing(name):
    question = questions()[name]
    problems = [posed(name, k) for k in range(41)]
    worth = [points(question, mine, question.solve(theirs)) for theirs, mine in pairwise(problems)]
    assert sum(worth) / len(worth) < 0.16 * question.points
    assert sum(got > 0.9 * question.points for got in worth) <= 2


@pytest.mark.parametrize("name", [q.name for q in questions().values() if q.further])
def test_code_is_judged_on_more_than_the_student_s_own_problem(name):
    question = questions()[name]
    assert question.further >= 3
    own = {repr(posed(name, k)) for k in range(5)}
    assert not own & {repr(question.pose(rng)) for rng in seeds.further(name, question.further)}


def test_one_slip_costs_one_row_where_rows_build_on_each_other():
    question = QUESTIONS["references-1"]
    problem = question.pose(seeds.own("references-1", "amy7"))
    right = question.solve(problem)
    slip = [right[0], *((after + 1, most + 1) for after, most in right[1:-1]), right[-1]]
    assert points(question, problem, slip) == question.points - question.points / len(right)
    told = question.grade(problem, slip)
    assert not told[1].ok and told[2].ok and "follows from the row before it" in told[2].what
    lazy = [(n, n + 1) for n in [right[0][0]] * len(right)]
    assert points(question, problem, lazy) <= 1


def test_a_word_counts_where_the_step_is_nearly_right():
    question = QUESTIONS["references-2"]
    problem = question.pose(seeds.own("references-2", "amy7"))
    step, *words = question.solve(problem)
    assert points(question, problem, [step + 2, *words]) == 2
    assert points(question, problem, [step + 3, *words]) == 0
    assert points(question, problem, [step - 3, "get", "never"]) == 0
    told = question.grade(problem, [step + 3, *words])
    others = [{"get": "put", "put": "get"}.get(words[0]), "too early"]
    assert told[1:] == question.grade(problem, [step + 3, *others])[1:]
    assert all("nearly" in finding.what for finding in told[1:])
