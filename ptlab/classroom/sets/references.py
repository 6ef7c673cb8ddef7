"""Set 2, who holds a reference: the counts of a PTE page under the design of 2021.

Sources: Qi Zheng, "[PATCH v3 00/15] Free user PTE page table pages", Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, and its Documentation/vm/pte_ref.rst. Never merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ptlab.base.facts import References
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.references_missing import Missing
from ptlab.classroom.sets.references_program import Program, entries_model, played
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.story.story import Story


class Counts(TableQuestion[Program]):
    """Predict the count after each operation, and the most during it."""

    name = "references-1"
    columns = (Column("after it"), Column("most during it"))

    def pose(self, rng: Random) -> Program:
        """Accesses that overlap, operations that look as if they freed, and zaps, in any order."""
        while True:
            first, some = rng.randrange(40), rng.randrange(5, 10)
            middle = [
                ("read", first + some - 2, rng.randrange(4, 8)),
                ("write", first + some - 1, rng.randrange(2, 4)),
                ("free", first, 2),
                ("pageout", first + 2, 2),
                ("dontneed", first + 1, rng.randrange(3, some)),
            ]
            rng.shuffle(middle)
            written = [verb for verb, *_ in middle].index("write")
            middle.insert(rng.randint(written + 1, 5), ("protect", first + some, 2))
            problem = Program((("write", first, some), *middle, ("dontneed", 0, 512)))
            if self.tells_apart(problem):
                return problem

    def in_text(self, problem: Program) -> Fills:
        """The program in the scenario language."""
        return {"last": len(problem.ops) + 1, "count": len(problem.ops)}

    def rows(self, problem: Program) -> Sequence[str]:
        """The operations."""
        return [f"{k}. {line}" for k, line in enumerate(problem.lines[1:], 2)]

    def where(self, problem: Program, row: int) -> str:
        """The steps of the operation."""
        operation = played(problem).journal.operations[row + 1]  # type: ignore[union-attr]
        first, last = operation.first + 1, operation.last
        return self.wording.remarks["where"].format(first=first, last=last, self=self)

    def remark(self, problem: Program, row: int, given: Row) -> str:
        """The end of an operation belongs to it."""
        after, most = map(int, given)
        return "" if most >= after else self.wording.remarks["most"]

    def follows(self, row: int, given: Sequence[Row], truth: Sequence[Row]) -> bool:
        """It changes as it should, after a right beginning and at most two mistakes in all.

        Without these limits a line of the same numbers would follow in every row that changes nothing.
        """
        mistakes = [
            k
            for k in range(1, len(truth))
            if given[k] != truth[k] and _change(given, k) != _change(truth, k)
        ]
        return given[0] == truth[0] and len(mistakes) <= 2 and row not in mistakes and row > 0

    def solve(self, problem: Program) -> list[Row]:
        """The counts that the steps of the run tell."""
        journal = played(problem).journal
        assert journal is not None
        count, rows = 0, list[Row]()
        for operation in journal.operations:
            most = count
            for step in journal.steps[operation.first : operation.last]:
                if isinstance(step.fact, References):
                    count = int(step.fact.after)
                    most = max(most, count)
            rows.append((count, most))
        return rows[1:]

    def story(self, problem: Program) -> Story:
        """The whole run."""
        return Story(played(problem), "A count through its life")

    def in_why(self, problem: Program) -> Fills:
        """The rule, and the row of each operation."""
        rows = zip(self.rows(problem), self.solve(problem), strict=True)
        lines = [f"* `{name}`: {after} after it, {most} at most" for name, (after, most) in rows]
        return {"rows": "\n".join(lines)}

    def wrong(self, problem: Program) -> list[Wrong]:
        """Entries that are thought not to count, or to count twice; visitors forgotten."""
        right = entries_model(problem)
        quiet = [after for after, _ in right]
        unvisited = list(zip(quiet, map(max, quiet, [0, *quiet]), strict=True))
        return [
            self.mistake("reads-do-not-count", entries_model(problem, ignores="read"), 3),
            self.mistake("free-drops", entries_model(problem, drops="free"), 3),
            self.mistake("swap-does-not-count", entries_model(problem, drops="pageout"), 3),
            self.mistake("read-only-drops", entries_model(problem, drops="protect"), 3),
            self.mistake("each-access-counts", entries_model(problem, again=True), 3),
            self.mistake("no-visitors", unvisited, 1),
            self.mistake("installer-stays", [(n + 1, m + 1) for n, m in right], 1),
            self.mistake("capacity", [(512, 513)] * len(right), 0),
        ]


def _change(rows: Sequence[Row], k: int) -> list[int]:
    """How far both cells of row `k` are above the count before."""
    return [int(cell) - int(rows[k - 1][0]) for cell in rows[k]]


QUESTIONS = (Counts(), Missing())
