"""`ptlab quiz` keeps the contract of its kind: a seed makes the problem, -c answers it."""

import re

import pytest

from ptlab.classroom import questions, seeds
from ptlab.cli import main


def said(capsys, *argv):
    status = main(["quiz", *argv])
    return status, capsys.readouterr()


def test_without_a_name_it_lists_every_question(capsys):
    status, told = said(capsys)
    assert status == 0
    assert [line.split()[0] for line in told.out.splitlines()] == list(questions())


def test_a_seed_makes_the_problem(capsys):
    first, again, other = (said(capsys, "walk-1", "-s", seed)[1].out for seed in ("1", "1", "2"))
    assert first == again != other


def test_a_name_as_seed_is_the_problem_of_that_student(capsys):
    problem = questions()["walk-1"].pose(seeds.own("walk-1", "amy7"))
    _, told = said(capsys, "walk-1", "-s", "Amy7")
    assert all(hex(address) in told.out for address in problem.addresses)


@pytest.mark.parametrize("name", list(questions()))
def test_only_with_c_is_it_answered(capsys, name):
    status, asked = said(capsys, name, "-s", "3")
    assert status == 0 and "Answer:" not in asked.out
    status, told = said(capsys, name, "-s", "3", "-c")
    assert status == 0 and "Answer:" in told.out
    assert told.out.startswith(asked.out.rstrip()[:200])
    assert len(told.out) > len(asked.out) + 100


def test_the_answer_is_the_engines(capsys):
    question = questions()["walk-2"]
    answer = question.solve(question.pose(seeds.own("walk-2", "practice 3")))
    _, told = said(capsys, "walk-2", "-s", "3", "-c")
    assert re.sub(r"\s", "", str(answer)) in re.sub(r"\s", "", told.out)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["walk-11"], "unknown question 'walk-11' (did you mean walk-1"),
        (["-c"], "-c needs the NAME of a question"),
        (["walk-1", "-s", "amy7", "-c"], "a student's own"),
    ],
)
def test_bad_usage_is_told(capsys, argv, message):
    status, told = said(capsys, *argv)
    assert status == 2 and told.out == ""
    assert message in told.err
