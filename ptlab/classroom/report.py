"""Report: what a check says. A number for the grader, sentences for the student, never the key."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

from ptlab.base.lines import wrapped

MIME = "application/vnd.ptlab.report+json"
VERSION = 1
"""Of `Report.data()`. It goes up when its keys or their meaning change."""
"""The report as data, in the notebook's output: what a class summary is made from."""


class Finding(NamedTuple):
    """One thing that was looked at.

    ok             whether it was right
    what           a sentence about it; about a wrong one it does not say what would be right
    worth          the points that it gives if it is right; 0 for a remark
    where          what to look at: a step of the story, a function, a line
    misconception  short name of the mistaken idea that gives just this answer, if one does
    """

    ok: bool
    what: str
    worth: float = 0.0
    where: str = ""
    misconception: str | None = None


class Report(float):
    """Points from 0 to `points`, with the findings that gave them.

    As the last value of a cell it is the number that nbgrader reads (its `repr` is a float's) and
    the table that a student sees. `print(report)` tells the same as text.

    >>> report = Report("walk-1", 2, [Finding(True, "row 1", 1), Finding(False, "row 2", 1)])
    >>> report
    1.0
    >>> print(report)
    walk-1: 1 of 2 points
      right  row 1
      wrong  row 2
    """

    question: str
    points: float
    findings: tuple[Finding, ...]
    judged: bool
    """False: an answer to a graded problem, of which only the form was looked at."""

    def __new__(
        cls, question: str, points: float, findings: Iterable[Finding], judged: bool = True
    ) -> Report:
        """The points are the worth of all that is right, at most `points`."""
        found = tuple(f._replace(what=writable(f.what)) for f in findings)
        got = min(sum(finding.worth for finding in found if finding.ok), points)
        report = super().__new__(cls, round(got, 2))
        report.question, report.points, report.findings = question, points, found
        report.judged = judged
        return report

    @property
    def full(self) -> bool:
        """Whether all points are there."""
        return float(self) >= self.points

    @property
    def heading(self) -> str:
        """'walk-1: 1 of 2 points', or 'walk-1: 2 points to reach, judged at grading'."""
        if not self.judged:
            return f"{self.question}: {self.points:g} points to reach, judged at grading"
        return f"{self.question}: {float(self):g} of {self.points:g} points"

    def __str__(self) -> str:
        lines = [self.heading]
        for finding in self.findings:
            first, *more = finding.what.splitlines() or [""]
            lines.append(wrapped(first, f"  {_verdict(finding):6} "))
            lines += [wrapped(line, " " * 9) for line in more]
            if finding.where:
                lines += [wrapped(line, " " * 9) for line in finding.where.splitlines()]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        return {
            "version": VERSION,
            "question": self.question,
            "score": float(self),
            "points": self.points,
            "findings": [finding._asdict() for finding in self.findings],
        }

    def _repr_html_(self) -> str:
        rows = "".join(map(_row, self.findings))
        return (
            f'<div class="{_NO_MATHS}" style="max-width:54em;line-height:1.45">'
            f'<p style="margin:.3em 0;font-weight:600">{escape(self.heading)}</p>'
            f'<table style="border-collapse:collapse;text-align:left">{rows}</table></div>'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._repr_html_(), MIME: self.data()}


_NO_MATHS = "tex2jax_ignore mathjax_ignore"
"""MathJax 2 and 3 leave such an element alone: a student's words in it could be TeX with a link."""

_MARKS = {"right": "✓", "wrong": "✗", "note": "i"}


def writable(what: str) -> str:
    """A student's text, or the name of a file, may have what no file can hold: half a surrogate pair."""
    return what.encode("utf-8", "backslashreplace").decode("utf-8")


def _verdict(finding: Finding) -> str:
    if finding.ok:
        return "right" if finding.worth else "note"
    return "wrong"


def _row(finding: Finding) -> str:
    verdict = _verdict(finding)
    cell = 'style="text-align:left;vertical-align:top;padding:.15em .8em .15em 0"'
    where = f'<br><span style="opacity:.75">{escape(finding.where)}</span>' if finding.where else ""
    return (
        f'<tr><td {cell}><span aria-hidden="true">{_MARKS[verdict]}</span>&nbsp;{verdict}</td>'
        f"<td {cell}>{_text(finding.what)}{where}</td></tr>"
    )


def _text(what: str) -> str:
    """Several lines, such as an error that points at a word, keep their columns."""
    if "\n" not in what:
        return escape(what)
    return f'<pre style="margin:0;white-space:pre-wrap">{escape(what)}</pre>'
