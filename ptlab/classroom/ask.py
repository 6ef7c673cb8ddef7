"""Asking a question and checking an answer: the problem of one student, and the report about it."""

from __future__ import annotations

from typing import Any

from ptlab.classroom import seeds
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.handed_in import last_error
from ptlab.classroom.question import Question, refused
from ptlab.classroom.report import Finding, Report
from ptlab.classroom.sets import find
from ptlab.story.story import Story


class Asked:
    """A question with the problem of one student. In JupyterLab its text, with folded hints.

    `problem` is the same as data, for those who calculate with it.
    """

    def __init__(self, question: Question[Any], problem: Any) -> None:
        self.question, self.problem = question, problem

    @property
    def heading(self) -> str:
        """'walk-1: six walks (3 points, about 10 minutes)'."""
        q = self.question
        return (
            f"{q.name}: {q.wording.title} ({q.points:g} points, about {q.wording.minutes} minutes)"
        )

    def story(self) -> Story | None:
        """The run behind the problem, to step through once an answer is given; None if there is none."""
        return self.question.story(self.problem)

    def __str__(self) -> str:
        return f"{self.heading}\n\n{self.question.text(self.problem)}"

    def _repr_markdown_(self) -> str:
        hints = "\n\n".join(
            f"<details><summary>Hint {number}</summary>\n\n{hint}\n\n</details>"
            for number, hint in enumerate(self.question.wording.hints, 1)
        )
        return f"**{self.heading}**\n\n{self.question.text(self.problem)}\n\n{hints}"


def ask(name: str) -> Asked:
    """The problem that question `name` has for the student of this notebook."""
    question = find(name)
    return Asked(question, question.pose(seeds.own(name, seeds.whose())))


def check(name: str, answer: object) -> Report:
    """Grade `answer` to the student's own problem. An answer never raises, whatever it is."""
    question = find(name)
    try:
        whose = seeds.whose()
    except seeds.NoName as error:
        return Report(name, question.points, refused(str(error), question.points))
    try:
        return graded(name, answer, whose, whose, last_error())
    except GraderFault as fault:
        says = f"this answer was not judged, and that is not its fault: {fault}"
        return Report(name, question.points, refused(says, question.points, "not-judged"))


def graded(name: str, answer: object, whose: str, claimed: str, ended: str = "") -> Report:
    """Grade `answer` to the problem of `whose`, in a notebook that says student(`claimed`).

    `ended` says how the answer's cell went wrong, if it did: that is why there is no answer.
    GraderFault: this machine could not judge it.
    """
    question = find(name)
    if answer is None:
        why = f"there is no answer: {ended}" if ended else "there is no answer yet: it is None"
        return Report(name, question.points, refused(why, question.points, "unanswered"))
    problem = question.pose(seeds.own(name, whose))
    more = [question.pose(rng) for rng in seeds.further(name, question.further)]
    findings = question.grade(problem, answer, more)
    if claimed != whose:
        says = f"the notebook says student({claimed!r})" if claimed else "the notebook names nobody"
        remark = f"this is the work of {whose}, but {says}: it was graded on the problem of {whose}"
        findings = [*findings, Finding(False, remark, misconception="other-name")]
    return Report(name, question.points, findings)
