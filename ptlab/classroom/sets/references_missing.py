"""The second question of set 2: find the place in a log where a reference is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ptlab.base.steps import Kind
from ptlab.classroom.injected_bugs import POINTS, Found, InjectedBug, find
from ptlab.classroom.question import Wrong
from ptlab.classroom.report import Finding
from ptlab.classroom.table_question import Cell, Column, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.story.story import Story


class Missing(TableQuestion[InjectedBug]):
    """Find the place in a log where a get or a put is missing."""

    name = "references-2"
    columns = (Column("step"),)
    worths = (2, 1, 1)
    _row_columns: ClassVar[tuple[Column, ...]] = (
        Column("the number of a step"),
        Column("what is missing", ("get", "put")),
        Column("what comes of it", ("too early", "never")),
    )

    def column(self, row: int, k: int) -> Column:
        """A number, then two choices."""
        return self._row_columns[row]

    def pose(self, rng: Random) -> InjectedBug:
        """Some faults, a hit and a zap; what is forgotten shows only after the log."""
        while True:
            first, some = rng.randrange(480), rng.randrange(2, 4)
            verb = rng.choice("rw")
            lines = (
                "mmap s0 2M",
                f"touch w s0+{first}P {some}P",
                f"touch {verb} s0+{first + some - 1}P 3P",
                f"madvise DONTNEED s0+{first}P {some}P",
                f"touch w s0+{first}P 1P",
            )
            pages = [first, *range(first + some, first + some + 2)]
            rest = tuple(f"madvise DONTNEED s0+{page}P 1P" for page in pages)
            problem = InjectedBug(lines, rest, rng.choice(POINTS), rng.randrange(1, 6))
            if find(problem) and self.tells_apart(problem):
                return problem

    def grade(
        self, problem: InjectedBug, answer: object, further: Sequence[InjectedBug] = ()
    ) -> list[Finding]:
        """The two words count for somebody who has found the place, or nearly."""
        findings = super().grade(problem, answer, further)
        if len(findings) < 3 or findings[0].ok or self._near(problem, answer):
            return findings
        names, says = self.rows(problem)[1:], self.wording.remarks["far"]
        return [
            findings[0],
            *(
                Finding(False, f"{name}: {says}", worth)
                for name, worth in zip(names, self.worths[1:], strict=True)
            ),
        ]

    def _near(self, problem: InjectedBug, answer: object) -> bool:
        ((number,), *_) = self._read(answer, 3)
        return abs(int(number) - _found(problem).after) <= _NEAR

    def in_text(self, problem: InjectedBug) -> Fills:
        """The log, without the counts."""
        return {"log": _found(problem).log}

    def rows(self, problem: InjectedBug) -> Sequence[str]:
        """The three questions."""
        return ["a step is missing after step", "what is missing", "what comes of it"]

    def where(self, problem: InjectedBug, row: int) -> str:
        """How to look; the run itself, once it is the end that matters."""
        return self.wording.remarks["where-end" if row == 2 else "where"].format(self=self)

    def solve(self, problem: InjectedBug) -> list[Cell]:
        """The first step that the run without the bug has, and this one has not; how this one ends."""
        found = _found(problem)
        return [found.after, found.kind, found.outcome]

    def story(self, problem: InjectedBug) -> Story:
        """The run with the bug, to its end."""
        return Story(_found(problem).bad)

    def in_why(self, problem: InjectedBug) -> Fills:
        """What should stand there, and how the count goes on."""
        found = _found(problem)
        return {"found": found, "end": self.wording.remarks[found.outcome]}

    def wrong(self, problem: InjectedBug) -> list[Wrong]:
        """A pair that is none, a place that is one off, cause and effect the wrong way round."""
        found = _found(problem)
        after, kind, outcome = found.after, found.kind, found.outcome
        hit = 1 + next(k for k, step in enumerate(found.steps) if step.kind is Kind.HIT)
        hook = max(k for k, step in enumerate(found.steps, 1) if step.kind is Kind.INSTALL)
        other = "put" if kind == "get" else "get"
        opposite = "never" if outcome == "too early" else "too early"
        return [
            self.mistake("hit-visits", [hit, "get", "too early"], 2),
            self.mistake("tables-hold-references", [hook, "get", "too early"], 2),
            self.mistake("one-late", [after + 1, kind, outcome], 2),
            self.mistake("get-for-put", [after, other, outcome], 3),
            self.mistake("effect-reversed", [after, kind, opposite], 3),
            self.mistake("nothing-before-the-end", [len(found.steps), "put", "never"], 2),
        ]


_NEAR = 2
"""Steps from the right one. A word alone is right by chance in one of two cases."""


def _found(problem: InjectedBug) -> Found:
    found = find(problem)
    assert found is not None, "pose() makes no other problems"
    return found
