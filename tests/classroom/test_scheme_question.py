"""Set 5: what a right scheme gets on many seeds, and what each mistake costs.

The classes run in this process here; that they run in another one is test_sandbox.py's subject.
"""

from contextlib import contextmanager
from random import Random

import pytest

import ptlab.race.scenes
from ptlab.classroom import scheme_answers, scheme_question
from ptlab.classroom.sets import scheme
from ptlab.classroom.student_code import code, object_to, runnable


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    @contextmanager
    def here(answer):
        answer = code(answer)
        assert object_to(answer.text) is None
        names = {"__name__": "answer"}
        exec(compile(runnable(answer.text), "a cell", "exec"), names)
        yield names[answer.name]

    monkeypatch.setattr(scheme_question, "scheme", here)


def points(findings):
    return sum(finding.worth for finding in findings if finding.ok)


QUESTIONS = {question.name: question for question in scheme.QUESTIONS}
MISTAKES = [(q.name, idea) for q in scheme.QUESTIONS for idea in scheme_answers.wrong(q.name)]


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_solution_gets_all_points(name):
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    found = question.grade(problem, question.solve(problem), further)
    assert points(found) == question.points
    assert [finding.ok for finding in found] == [True] * 4


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_solution_is_within_its_limits_on_200_seeds(name, monkeypatch):
    monkeypatch.setattr(scheme_question, "SCENES", ())
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(200))
    assert len({program.text for program in further}) > 55
    assert points(question.grade(problem, question.solve(problem), further)) == question.points


@pytest.mark.parametrize(("name", "idea"), MISTAKES)
def test_a_mistake_costs_what_it_should(name, idea):
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    wrong = next(wrong for wrong in question.wrong(problem) if wrong.idea == idea)
    found = question.grade(problem, wrong.answer, further)
    assert points(found) <= wrong.keeps < question.points
    missed = [finding for finding in found if not finding.ok]
    assert missed and all(finding.what for finding in missed)


def test_there_are_five_mistakes_for_each_question():
    assert all(len(scheme_answers.wrong(question.name)) >= 5 for question in scheme.QUESTIONS)


def test_a_scheme_that_frees_in_time_only_sometimes_is_told_where():
    question = QUESTIONS["scheme-1"]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    whole = next(w for w in question.wrong(problem) if w.idea == "whole-calls-only")
    (found,) = question.grade(problem, whole.answer, further)
    assert (found.ok, found.misconception) == (False, "frees-nothing")


def test_the_races_name_a_schedule_that_can_be_run():
    question = QUESTIONS["scheme-1"]
    problem = question.pose(Random(0))
    no_lock = next(w for w in question.wrong(problem) if w.idea == "no-lock")
    lost = question.grade(problem, no_lock.answer)[1]
    assert lost.misconception == "loses-a-race"
    names = {"ptlab": ptlab}
    exec(no_lock.answer.text, names)
    find_scene, show = lost.where.removesuffix(" shows it").split("; ")
    exec(find_scene, names)
    story = eval(show.replace("answer", "Answer"), names)
    assert "without the PMD lock" in story.title
