"""The second question of set 2: find the place in a log where a reference is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ptlab.classroom.report import Finding
from ptlab.classroom.sets.injected_bugs import POINTS, InjectedBug, Log, logged
from ptlab.classroom.table_question import Column, TableQuestion
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
            if logged(problem):
                return problem

    def judge(
        self, problem: InjectedBug, answer: object, further: Sequence[InjectedBug] = ()
    ) -> list[Finding]:
        """The two words count for somebody who has found the place, or nearly."""
        findings = super().judge(problem, answer, further)
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
        return abs(int(number) - int(self.solve(problem)[0])) <= _NEAR

    def in_text(self, problem: InjectedBug) -> Fills:
        """The log, without the counts."""
        return {"log": _log(problem).text}

    def rows(self, problem: InjectedBug) -> Sequence[str]:
        """The three questions."""
        return ["a step is missing after step", "what is missing", "what comes of it"]

    def where(self, problem: InjectedBug, row: int) -> str:
        """How to look; the run itself, once it is the end that matters."""
        return self.wording.remarks["where-end" if row == 2 else "where"].format(self=self)

    def run(self, problem: InjectedBug) -> Story:
        """The run with the bug, to its end."""
        return Story(_log(problem).run)


_NEAR = 2
"""Steps from the right one. A word alone is right by chance in one of two cases."""


def _log(problem: InjectedBug) -> Log:
    log = logged(problem)
    assert log is not None, "pose() makes no other problems"
    return log
