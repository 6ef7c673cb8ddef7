"""The second question of set 2, solved: where a reference is forgotten."""

from __future__ import annotations

from ptlab.base.steps import Kind
from ptlab.classroom.sets.injected_bugs import InjectedBug
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.injected_bugs import found
from ptlab.classroom.table_question import Cell
from ptlab.classroom.wording import Fills


class MissingSolution(Solution[InjectedBug]):
    """Find the place in a log where a get or a put is missing."""

    name = "references-2"

    def solve(self, problem: InjectedBug) -> list[Cell]:
        """The first step that the run without the bug has, and this one has not; how this one ends."""
        run = found(problem)
        return [run.after, run.kind, run.outcome]

    def in_why(self, problem: InjectedBug) -> Fills:
        """What should stand there, and how the count goes on."""
        run = found(problem)
        return {"found": run, "end": self.reasoning.remarks[run.outcome]}

    def wrong(self, problem: InjectedBug) -> list[Wrong]:
        """A pair that is none, a place that is one off, cause and effect the wrong way round."""
        run = found(problem)
        after, kind, outcome = run.after, run.kind, run.outcome
        hit = 1 + next(k for k, step in enumerate(run.steps) if step.kind is Kind.HIT)
        hook = max(k for k, step in enumerate(run.steps, 1) if step.kind is Kind.INSTALL)
        other = "put" if kind == "get" else "get"
        opposite = "never" if outcome == "too early" else "too early"
        return [
            self.mistake("hit-visits", [hit, "get", "too early"], 2),
            self.mistake("tables-hold-references", [hook, "get", "too early"], 2),
            self.mistake("one-late", [after + 1, kind, outcome], 2),
            self.mistake("get-for-put", [after, other, outcome], 3),
            self.mistake("effect-reversed", [after, kind, opposite], 3),
            self.mistake("nothing-before-the-end", [len(run.steps), "put", "never"], 2),
        ]
