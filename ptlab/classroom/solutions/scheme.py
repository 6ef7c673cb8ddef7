"""Solved: the classes of set 5, from `answers/`."""

from __future__ import annotations

from ptlab.classroom.scheme_question import Program
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions import scheme_answers as answers
from ptlab.classroom.student_code import Code
from ptlab.classroom.wording import Fills


class SchemeSolution(Solution[Program]):
    """A class within every limit; there are many."""

    shown = False

    def solve(self, problem: Program) -> Code:
        """The same class for everybody."""
        return answers.as_code(answers.right(self.name))

    def in_why(self, problem: Program) -> Fills:
        """The class. Its comments give the reasons."""
        return {"cell": answers.right(self.name)}

    def wrong(self, problem: Program) -> list[Wrong]:
        """Classes with one mistake each."""
        return [
            self.mistake(idea, answers.as_code(cell), keeps)
            for idea, (cell, keeps) in answers.wrong(self.name).items()
        ]


class InPiecesSolution(SchemeSolution):
    """Free what several calls have emptied together."""

    name = "scheme-1"


class CountedSolution(SchemeSolution):
    """Know that a table is empty without reading it each time."""

    name = "scheme-2"


class LaterSolution(SchemeSolution):
    """Do not free what is needed again at once, and still free in the end."""

    name = "scheme-3"


SOLUTIONS = (InPiecesSolution, CountedSolution, LaterSolution)
