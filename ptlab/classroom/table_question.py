"""TableQuestion: the answer is a table of small numbers and words, compared row by row."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, TypeVar

from ptlab.classroom.question import Question, refused, shown
from ptlab.classroom.report import Finding
from ptlab.classroom.solution import Wrong
from ptlab.classroom.student_code import kind_of
from ptlab.classroom.wire_format import from_numpy
from ptlab.draw.names import plural

P = TypeVar("P")
Cell = int | str
Row = tuple[Cell, ...]


class Column(NamedTuple):
    """A column: a whole number, or one of some words."""

    name: str
    words: tuple[str, ...] = ()


class TableQuestion(Question[P]):
    """Rows of the same length. With one column a row is a bare number or word.

    A row gives its share of the points if all of it is right. About a wrong one a student reads which
    mistaken idea gives it, or else what can be said of it by itself (`remark`). Where cells are small,
    any row agrees with some idea by chance; so an idea is named only if the answer follows it in more
    than half of the rows in which it leads astray.
    """

    columns: ClassVar[tuple[Column, ...]]
    names_columns: ClassVar[bool] = True
    """Whether a wrong row is explained by column. Where a cell is 0 or 1 that would be the key."""

    worths: ClassVar[tuple[float, ...]] = ()
    """Points for each row; equal shares if it is empty."""

    @abstractmethod
    def rows(self, problem: P) -> Sequence[str]:
        """What each row of the answer is about, in words."""

    def column(self, row: int, k: int) -> Column:
        """What cell `k` of row `row` has to be; the same in every row unless a question differs."""
        return self.columns[k]

    def where(self, problem: P, row: int) -> str:
        """What a student whose row `row` (0 is the first) is wrong should look at."""
        return ""

    def follows(self, row: int, given: Sequence[Row], truth: Sequence[Row]) -> bool:
        """Whether row `row` is right for somebody who has the rows before it as `given`.

        Where rows build on each other, one mistake is one mistake. False unless a question differs.
        """
        return False

    def remark(self, problem: P, row: int, given: Row) -> str:
        """A sentence about the wrong row `given` (0 is the first), from the problem and the row alone.

        "" if there is nothing to say. It must not look at the right answer, which it would give away.
        """
        return ""

    def ill_formed(self, problem: P, answer: object) -> str:
        """It is no such table."""
        try:
            self._read(answer, len(self.rows(problem)))
        except _Unreadable as error:
            return str(error)
        return ""

    def judge(self, problem: P, answer: object, further: Sequence[P] = ()) -> list[Finding]:
        """Row by row; a wrong one names the mistaken idea that would give it, if one does."""
        names = self.rows(problem)
        try:
            given = self._read(answer, len(names))
        except _Unreadable as error:
            return refused(str(error), self.points)
        truth = _truth(self, problem)
        wrong = [(idea, _plain(idea.answer)) for idea in self.wrong(problem)]
        ideas = [idea for idea in _by_likeness(given, wrong) if _explains(idea[1], given, truth)]
        worths = self.worths or [self.points / len(names)] * len(names)
        findings, already_said = [], set[str]()
        for k, name in enumerate(names):
            if given[k] == truth[k]:
                findings.append(Finding(True, f"{name}: {self._told(given[k])}", worths[k]))
                continue
            if self.follows(k, given, truth):
                says = f"{name}: {self._told(given[k])} follows from the row before it"
                findings.append(Finding(True, says, worths[k]))
                continue
            idea = next((wrong for wrong, rows in ideas if rows[k] == given[k]), None)
            says = idea.says if idea else self.remark(problem, k, given[k])
            what = f"{name}: {self._told(given[k])} is not right{self._off(given[k], truth[k])}."
            what += f" {says}" if says and says not in already_said else ""
            already_said.add(says)
            where = self.where(problem, k)
            findings.append(Finding(False, what, worths[k], where, idea and idea.idea))
        return findings

    def _off(self, given: Row, truth: Row) -> str:
        if len(self.columns) == 1 or not self.names_columns:
            return ""
        off = [c.name for c, x, y in zip(self.columns, given, truth, strict=True) if x != y]
        return f" in {', '.join(off)}"

    # -- reading an answer: exact types only, so that no code of the student's runs --

    def _read(self, answer: object, count: int) -> list[Row]:
        form = f"a list of {plural(count, self._unit)}"
        kinds = dict.fromkeys(map(self._names, range(count)))
        if len(self.columns) > 1:
            form += f" of ({self._names(0)})"
        elif len(kinds) > 1:
            form += f": {', '.join(kinds)}"
        rows = _items(answer)
        if rows is None:
            raise _Unreadable(f"the answer is {shown(answer)}; it should be {form}")
        if len(rows) != count:
            has = plural(len(rows), self._unit)
            raise _Unreadable(f"the answer has {has}; it should be {form}")
        return [self._row(row, k) for k, row in enumerate(rows)]

    def _row(self, row: object, number: int) -> Row:
        columns = [self.column(number, k) for k in range(len(self.columns))]
        cells = [row] if len(columns) == 1 else _items(row)
        if cells is None or len(cells) != len(columns):
            names = self._names(number)
            raise _Unreadable(f"row {number + 1} is {shown(row)}; it should be ({names})")
        return tuple(
            _cell(cell, column, f"{self._unit} {number + 1}, {column.name}")
            for cell, column in zip(cells, columns, strict=True)
        )

    @property
    def _unit(self) -> str:
        return "row" if len(self.columns) > 1 else "value"

    def _names(self, row: int) -> str:
        return ", ".join(self.column(row, k).name for k in range(len(self.columns)))

    def _told(self, row: Row) -> str:
        if len(row) == 1:
            return shown(row[0])
        return f"({', '.join(map(shown, row))})"


class _Unreadable(Exception):
    """The answer has not the form it should have."""


@functools.lru_cache(64)
def _truth(question: TableQuestion[P], problem: P) -> list[Row]:
    return _plain(question.solve(problem))


def _plain(rows: Sequence[Cell] | Sequence[Row]) -> list[Row]:
    """Every row as a tuple, in a table of one column too."""
    return [row if isinstance(row, tuple) else (row,) for row in rows]


def _cell(cell: object, column: Column, place: str) -> Cell:
    cell = from_numpy(cell)
    if column.words:
        if type(cell) is str and cell.strip().casefold() in column.words:
            return cell.strip().casefold()
        wanted = "one of " + ", ".join(repr(word) for word in column.words)
    else:
        if type(cell) is float and cell.is_integer():
            return int(cell)
        if type(cell) is int:
            return cell
        wanted = "a whole number"
    raise _Unreadable(f"{place}: {shown(cell)} is given; it should be {wanted}")


def _items(answer: object) -> list[object] | None:
    answer = from_numpy(answer)
    return list(answer) if kind_of(answer) in (list, tuple) else None  # type: ignore[call-overload]


def _explains(idea: list[Row], given: list[Row], truth: list[Row]) -> bool:
    """Whether `given` follows the idea in most of the rows in which the idea is wrong."""
    astray = [k for k, row in enumerate(truth) if idea[k] != row]
    return 2 * sum(given[k] == idea[k] for k in astray) > len(astray)


def _by_likeness(
    given: list[Row], ideas: list[tuple[Wrong, list[Row]]]
) -> list[tuple[Wrong, list[Row]]]:
    """The ideas, those first whose answer agrees with the given one in most rows."""
    return sorted(ideas, key=lambda idea: -sum(map(tuple.__eq__, given, idea[1])))
