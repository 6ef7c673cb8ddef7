"""A class at a glance: which questions were hard, which mistaken ideas were behind it, how long it took.

It reads the reports that grading left in `autograded/STUDENT/SET/*.ipynb`. Points that a person gave
are not there: `nbgrader export` has them.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from statistics import mean, median
from typing import IO, NamedTuple

from ptlab.classroom.report import MIME
from ptlab.classroom.sets import questions

UNANSWERED = "unanswered"
"""What the report on a None says instead of a mistaken idea."""


class Graded(NamedTuple):
    """One student's report on one question. `minutes` is what the student wrote, or None."""

    student: str
    problem_set: str
    question: str
    score: float
    points: float
    minutes: float | None
    ideas: tuple[str, ...]
    """Short names of the mistaken ideas behind what was wrong."""


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
    """Mistaken ideas, with the number of students who had them, the most frequent first."""


def read(folder: Path) -> list[Graded]:
    """All reports in `folder`/autograded, by student. FileNotFoundError if nothing was graded there."""
    notebooks = sorted(folder.glob("autograded/*/*/*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(
            f"{folder / 'autograded'} has no graded notebooks; run nbgrader autograde in {folder} first"
        )
    return [graded for path in notebooks for graded in _reports(path)]


def _reports(path: Path) -> Iterable[Graded]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            report = output.get("data", {}).get(MIME)
            if report and "student" in report:
                found = report["findings"]
                ideas = (f["misconception"] for f in found if not f["ok"] and f["misconception"])
                yield Graded(
                    path.parts[-3],
                    path.parts[-2],
                    report["question"],
                    report["score"],
                    report["points"],
                    report["minutes"],
                    tuple(dict.fromkeys(ideas)),
                )


class Summary:
    """A class's reports, question by question. In a notebook: a chart, and the table behind it."""

    def __init__(self, graded: Iterable[Graded]) -> None:
        self.graded = list(graded)

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
                    question.title if question else "",
                    len(ours),
                    sum(g.score >= g.points for g in ours),
                    sum(UNANSWERED in g.ideas for g in ours),
                    mean(g.score / g.points for g in ours),
                    median(times) if times else None,
                    question.minutes if question else None,
                    ideas.most_common(),
                )
            )
        return lines

    def write_csv(self, file: IO[str]) -> None:
        """One row for each student and question, for a spreadsheet."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*Graded._fields[:-1], "mistaken ideas"])
        for g in self.graded:
            writer.writerow([*g[:-1], " ".join(g.ideas)])

    def svg(self) -> str:
        """For each question a bar: how much of the points the class has reached."""
        rows = [_bar(number, line) for number, line in enumerate(self.lines)]
        height = _TOP + _STEP * len(rows) + 10
        told = "; ".join(f"{line.question} {line.share:.0%}" for line in self.lines)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" role="img" font-family="sans-serif" font-size="13">'
            "<title>Points reached, by question</title>"
            f"<desc>{escape(told)}</desc>"
            f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
            f'<text x="10" y="20" font-weight="bold">Points reached, by question</text>'
            f"{''.join(rows)}</svg>"
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th {_CELL}>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in cells(line)) + "</tr>"
            for line in self.lines
        )
        table = f"<table><tr>{head}</tr>{body}</table>"
        return f'<div style="font-family:sans-serif">{self.svg()}{table}</div>'


COLUMNS = ("question", "students", "full", "empty", "reached", "minutes", "mistaken ideas")
"""full: all points; empty: no answer; reached: points, on average; minutes: told (expected)."""


def cells(line: Line) -> list[str]:
    """A line as text, under COLUMNS."""
    return [
        line.question,
        str(line.students),
        str(line.full),
        str(line.unanswered),
        f"{line.share:.0%}",
        f"{'-' if line.minutes is None else f'{line.minutes:g}'} ({line.expected or '-'})",
        "\n".join(f"{n} x {idea}" for idea, n in line.ideas) or "none",
    ]


_WIDTH, _TOP, _STEP, _LEFT, _LONG = 860, 34, 34, 130, 300
_CELL = 'style="text-align:left;vertical-align:top;white-space:pre-line;padding:.2em .9em .2em 0"'


def _bar(number: int, line: Line) -> str:
    """Name, bar, percentage; beside it the most frequent mistaken idea."""
    y = _TOP + _STEP * number
    idea, times = line.ideas[0] if line.ideas else ("", 0)
    who = "student" if times == 1 else "students"
    told = f"{idea}: {times} {who}" if idea else "no mistaken idea was recognised"
    return (
        f'<text x="10" y="{y + 17}">{escape(line.question)}</text>'
        f'<rect x="{_LEFT}" y="{y + 4}" width="{_LONG}" height="18" fill="#fff" stroke="#777"/>'
        f'<rect x="{_LEFT}" y="{y + 4}" width="{_LONG * line.share:.1f}" height="18" fill="#1b6ca8"/>'
        f'<text x="{_LEFT + _LONG + 8}" y="{y + 17}">{line.share:.0%}</text>'
        f'<text x="{_LEFT + _LONG + 60}" y="{y + 17}" fill="#333">{escape(told)}</text>'
    )
