"""A bank of questions for a learning platform: variants of each question, each with its answer.

A variant is the problem that somebody would have whose name is the course's word and a number. What an
answer table asks for becomes blanks, a row of them for each row. An answer that is a schedule, a
scenario, a function or a class is judged by running it, which no platform does, so it is not in a bank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from markdown_it import MarkdownIt

from ptlab.classroom import seeds
from ptlab.classroom.sets import questions
from ptlab.classroom.solution import NotHere, digest, instructors
from ptlab.classroom.table_question import TableQuestion

_TRIES = 20
"""How many names are tried for each variant: two of them may have the same problem."""


class Blank(NamedTuple):
    """A cell of the answer. words: what it may be; () for a whole number."""

    answer: str
    words: tuple[str, ...]


class Row(NamedTuple):
    """A row of the answer: what it is about, its blanks, and the points for all of them."""

    about: str
    blanks: tuple[Blank, ...]
    worth: float


class Item(NamedTuple):
    """A variant of a question. html: the problem; columns: what its blanks are called."""

    question: str
    name: str
    points: float
    html: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def in_banks() -> dict[str, TableQuestion[Any]]:
    """The questions that a platform can judge, by name."""
    return {
        name: question
        for name, question in questions().items()
        if isinstance(question, TableQuestion)
    }


def variants(question: TableQuestion[Any], word: str, number: int) -> Iterator[Item]:
    """`number` different problems. NotHere: this install has no answers, or there are not so many."""
    if instructors() is None:
        raise NotHere(
            "the answers are in the instructor's part of ptlab, which is not installed here: a "
            "teacher installs a checkout with pip install -e"
        )
    if seeds.is_practice(f"{word} 0"):
        raise NotHere(f"the word {word!r} gives the practice problems, whose answers are public")
    seen: set[str] = set()
    for k in range(number * _TRIES):
        problem = question.pose(seeds.own(question.name, f"{word} {k}"))
        if digest(problem) not in seen:
            seen.add(digest(problem))
            yield _item(question, problem, f"{question.name} {len(seen)}")
        if len(seen) == number:
            return
    raise NotHere(f"{question.name}: there are only {len(seen)} different problems, not {number}")


def _item(question: TableQuestion[Any], problem: Any, name: str) -> Item:
    abouts, answers = question.rows(problem), question.solve(problem)
    worths = question.worths or [question.points / len(abouts)] * len(abouts)
    rows = []
    for number, (about, answer, worth) in enumerate(zip(abouts, answers, worths, strict=True)):
        cells = answer if isinstance(answer, tuple) else (answer,)
        blanks = (
            Blank(str(cell), question.column(number, k).words) for k, cell in enumerate(cells)
        )
        rows.append(Row(about, tuple(blanks), worth))
    html = MarkdownIt("commonmark").render(question.text(problem))
    columns = tuple(column.name for column in question.columns)
    names = columns if len(columns) > 1 else ("answer",)
    return Item(question.name, name, question.points, html, names, tuple(rows))
