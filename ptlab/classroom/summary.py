"""A class at a glance: which questions were hard, which mistaken ideas were behind it, how long it took.

It counts the reports that submissions.py has found. Points that a person gave are not there: `nbgrader
export` has them. What gradebook.py finds to be careful about stands after the questions.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from statistics import mean, median
from typing import IO, NamedTuple

from ptlab.classroom.gradebook import Caution, cautions
from ptlab.classroom.misconceptions import in_words
from ptlab.classroom.sets import questions
from ptlab.classroom.submissions import Graded, NotGraded, collect
from ptlab.draw.palette import SERIES

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

UNANSWERED = "unanswered"
"""What the report on a None says instead of a mistaken idea."""


class Line(NamedTuple):
    """A question over all students. `minutes` is a median; None if nobody wrote a time."""

    question: str
    title: str
    students: int
    full: int
    unanswered: int
    share: float
    """Points reached of points to reach, from 0 to 1, on average."""
    minutes: float | None
    expected: int | None
    ideas: list[tuple[str, int]]
    """Short names of mistaken ideas, with the number of students who had them, most frequent first."""


class Summary:
    """A class's reports, question by question. In a notebook: a chart, and the table behind it.

    What was handed in and has no report stands before them.
    """

    def __init__(
        self,
        graded: Iterable[Graded],
        not_graded: Iterable[NotGraded] = (),
        cautions: Iterable[Caution] = (),
    ) -> None:
        self.graded, self.not_graded = list(graded), list(not_graded)
        self.cautions = list(cautions)

    @classmethod
    def of(cls, folder: Path) -> Summary:
        """The summary of the course in `folder`. FileNotFoundError if nothing was handed in there."""
        graded, not_graded, runs = collect(folder)
        summary = cls(graded, not_graded, cautions(folder, runs))
        if not summary.graded and not summary.not_graded:
            raise FileNotFoundError(
                f"{folder / 'submitted'} has no submissions, and {folder / 'autograded'} no graded "
                "notebooks: what students hand in goes to submitted/NAME/SET/; then run nbgrader "
                "autograde"
            )
        return summary

    @property
    def missing(self) -> list[tuple[str, ...]]:
        """What is not graded, under MISSING; students of whom the same is to be said share a row."""
        who: dict[tuple[str, ...], list[str]] = {}
        for student, *about in self.not_graded:
            who.setdefault(tuple(about), []).append(student)
        return [(", ".join(names), *about) for about, names in who.items()]

    @property
    def lines(self) -> list[Line]:
        """One for each question that was graded, in the order of the course."""
        known = questions()
        order = {name: number for number, name in enumerate(known)}
        names = sorted({g.question for g in self.graded}, key=lambda n: (order.get(n, 999), n))
        lines = []
        for name in names:
            ours = [g for g in self.graded if g.question == name]
            times = [g.minutes for g in ours if g.minutes is not None]
            ideas = Counter(idea for g in ours for idea in g.ideas if idea != UNANSWERED)
            question = known.get(name)
            lines.append(
                Line(
                    name,
                    question.wording.title if question else "",
                    len(ours),
                    sum(g.score >= g.points for g in ours),
                    sum(UNANSWERED in g.ideas for g in ours),
                    mean(g.score / g.points for g in ours),
                    median(times) if times else None,
                    question.wording.minutes if question else None,
                    ideas.most_common(),
                )
            )
        return lines

    def write_csv(self, file: IO[str]) -> None:
        """One row for each student and question, and each file that is not graded, for a spreadsheet."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*Graded._fields[:-1], "mistaken ideas", "file", "not graded"])
        rows = [[*g[:-1], " ".join(g.ideas), "", ""] for g in self.graded]
        for n in self.not_graded:
            rows.append([n.student, n.problem_set, "", "", "", "", "", n.file, n.why])
        writer.writerows(map(_no_formula, row) for row in rows)

    def svg(self) -> str:
        """For each question a bar: how much of the points the class has reached."""
        rows = [_bar(number, line) for number, line in enumerate(self.lines)]
        height = _TOP + _STEP * len(rows) + 10
        description = "; ".join(f"{line.question} {line.share:.0%}" for line in self.lines)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" role="img" font-family="sans-serif" font-size="13">'
            "<title>Points reached, by question</title>"
            f"<desc>{escape(description)}</desc>"
            f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
            f'<text x="10" y="20" font-weight="bold">Points reached, by question</text>'
            f"{''.join(rows)}</svg>"
        )

    def _repr_html_(self) -> str:
        missing = ""
        if self.not_graded:
            missing = f"<p><b>{NOT_IN_IT}</b></p>{_table(MISSING, self.missing)}"
        table = _table(COLUMNS, map(cells, self.lines))
        told = "".join(map(_told, self.cautions))
        return f'<div style="font-family:sans-serif">{missing}{self.svg()}{table}{told}</div>'


def _told(caution: Caution) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in caution.lines)
    return f"<p><b>{escape(caution.heading)}</b></p><ul>{lines}</ul>"


NOT_IN_IT = "Handed in, but not graded"
MISSING = ("student", "problem set", "file", "why")
COLUMNS = ("question", "students", "full", "empty", "reached", "minutes", "mistaken ideas")
"""full: all points; empty: no answer; reached: points, on average; minutes: needed (expected)."""


def cells(line: Line) -> list[str]:
    """A line as text, under COLUMNS."""
    return [
        line.question,
        str(line.students),
        str(line.full),
        str(line.unanswered),
        f"{line.share:.0%}",
        f"{'-' if line.minutes is None else f'{line.minutes:g}'} ({line.expected or '-'})",
        "\n".join(in_words(idea, n) for idea, n in line.ideas) or "none",
    ]


_WIDTH, _TOP, _STEP, _LEFT, _LONG = 860, 34, 34, 110, 200
_CELL = 'style="text-align:left;vertical-align:top;white-space:pre-line;padding:.2em .9em .2em 0"'


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th {_CELL}>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _bar(number: int, line: Line) -> str:
    """Name, bar, percentage; beside it the most frequent mistaken idea."""
    y = _TOP + _STEP * number
    most_frequent = in_words(*line.ideas[0]) if line.ideas else "no mistaken idea was recognised"
    return (
        f'<text x="10" y="{y + 17}">{escape(line.question)}</text>'
        f'<rect x="{_LEFT}" y="{y + 4}" width="{_LONG}" height="18" fill="#fff" stroke="#777"/>'
        f'<rect x="{_LEFT}" y="{y + 4}" width="{_LONG * line.share:.1f}" height="18" '
        f'fill="{SERIES[0]}"/>'
        f'<text x="{_LEFT + _LONG + 8}" y="{y + 17}">{line.share:.0%}</text>'
        f'<text x="{_LEFT + _LONG + 60}" y="{y + 17}" fill="#333">{escape(most_frequent)}</text>'
    )


def _no_formula(cell: object) -> object:
    """A student chooses the name of a file: a spreadsheet must not calculate it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
