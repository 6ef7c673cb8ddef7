"""Asking a question and checking an answer: the problem of one student, and the report about it."""

from __future__ import annotations

import re
from typing import Any

from ptlab.base.lines import wrapped
from ptlab.classroom import seeds
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.handed_in import last_error
from ptlab.classroom.question import Question, refused
from ptlab.classroom.report import Finding, Report
from ptlab.classroom.sets import find
from ptlab.classroom.solution import NotHere, instructors, not_here
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
        """The run behind the problem, to step through once an answer is given; None if there is none.

        NotHere: it would be the answer to a graded problem, which only an instructor's install shows.
        """
        return self.question.story(self.problem)

    @property
    def text(self) -> str:
        """The heading and the problem, as Markdown."""
        return f"{self.heading}\n\n{self.question.text(self.problem)}"

    def __str__(self) -> str:
        return _in_lines(self.text)

    def _repr_markdown_(self) -> str:
        hints = "\n\n".join(
            f"<details><summary>Hint {number}</summary>\n\n{hint}\n\n</details>"
            for number, hint in enumerate(self.question.wording.hints, 1)
        )
        return f"**{self.heading}**\n\n{self.question.text(self.problem)}\n\n{hints}"


_BY_ITSELF = re.compile(r"[|# ]|[-*] |\d+\. ")
"""Begins a line of Markdown that is no part of a paragraph: of a table, a list, or a heading."""


def _in_lines(markdown: str) -> str:
    """Markdown for a terminal: paragraphs are wrapped anew, every other line by itself."""
    made, paragraph, fenced = list[str](), list[str](), False
    for line in [*markdown.splitlines(), ""]:
        fence = line.startswith("```")
        fenced ^= fence
        if line and not (fenced or fence or _BY_ITSELF.match(line)):
            paragraph.append(line)
            continue
        made += [wrapped(" ".join(paragraph))] if paragraph else []
        paragraph = []
        blanks = " " * (len(line) - len(line.lstrip()))
        made.append(wrapped(line.lstrip(), blanks, f"{blanks}  "))
    return "\n".join(made).rstrip()


def ask(name: str) -> Asked:
    """The problem that question `name` has for the student of this notebook."""
    question = find(name)
    return Asked(question, question.pose(seeds.own(name, seeds.whose())))


def judges(whose: str) -> bool:
    """Whether this install judges the problem of `whose`: an instructor's all, a student's practice."""
    return instructors() is not None or seeds.is_practice(whose)


def check(name: str, answer: object) -> Report:
    """Judge `answer` to a practice problem; of a graded one say whether it has the form asked for.

    An instructor's install judges both. An answer never raises, whatever it is.
    """
    question = find(name)
    try:
        whose = seeds.whose()
    except seeds.NoName as error:
        return Report(name, question.points, refused(str(error), question.points))
    if not judges(whose):
        return _looked_at(question, answer, whose, last_error())
    try:
        return graded(name, answer, whose, whose, last_error())
    except GraderFault as fault:
        says = f"this answer was not judged, and that is not its fault: {fault}"
        return Report(name, question.points, refused(says, question.points, "not-judged"))


def _looked_at(question: Question[Any], answer: object, whose: str, ended: str) -> Report:
    """A report that judges nothing."""
    if answer is None:
        found = _unanswered(question, ended)
    else:
        problem = question.pose(seeds.own(question.name, whose))
        why = question.ill_formed(problem, answer)
        found = refused(why, question.points) if why else [Finding(True, _WELL_FORMED)]
    return Report(question.name, question.points, found, judged=False)


_WELL_FORMED = (
    "your answer has the form that is asked for. Whether it is right is judged when it is graded; "
    "practice problems are judged here: ptlab.practice(0)"
)


def _unanswered(question: Question[Any], ended: str) -> list[Finding]:
    why = f"there is no answer: {ended}" if ended else "there is no answer yet: it is None"
    return refused(why, question.points, "unanswered")


def graded(name: str, answer: object, whose: str, claimed: str, ended: str = "") -> Report:
    """Grade `answer` to the problem of `whose`, in a notebook that says student(`claimed`).

    `ended` says how the answer's cell went wrong, if it did: that is why there is no answer.
    GraderFault: this machine could not judge it. NotHere: it is graded, and this is a student's install.
    """
    question = find(name)
    if not judges(whose):
        raise NotHere(not_here(name))
    if answer is None:
        return Report(name, question.points, _unanswered(question, ended))
    problem = question.pose(seeds.own(name, whose))
    more = [question.pose(rng) for rng in seeds.further(name, question.further)]
    findings = question.judge(problem, answer, more)
    if claimed != whose:
        says = f"the notebook says student({claimed!r})" if claimed else "the notebook names nobody"
        says = "the notebook shows practice problems" if seeds.is_practice(claimed) else says
        remark = f"this is the work of {whose}, but {says}: it was graded on the problem of {whose}"
        findings = [*findings, Finding(False, remark, misconception="other-name")]
    return Report(name, question.points, findings)
