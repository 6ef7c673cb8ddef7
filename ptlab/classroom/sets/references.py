"""Set 2, who holds a reference: the counts of a PTE page under the design of 2021.

Sources: Qi Zheng, "[PATCH v3 00/15] Free user PTE page table pages", Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, and its Documentation/vm/pte_ref.rst. Never merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ptlab.classroom.sets.references_missing import Missing
from ptlab.classroom.sets.references_program import Program, played
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.story.story import Story


class Counts(TableQuestion[Program]):
    """Predict the count after each operation, and the most during it."""

    name = "references-1"
    columns = (Column("after it"), Column("most during it"))

    def pose(self, rng: Random) -> Program:
        """Accesses that overlap, operations that look as if they freed, and zaps, in some order.

        Some of what is read is written afterwards, and what is swapped out is zapped: in another
        order a mistaken idea about them could change a single row.
        """
        first, some = rng.randrange(40), rng.randrange(5, 10)
        middle = [
            ("read", first + some - 2, rng.randrange(5, 9)),
            ("write", first + some - 1, rng.randrange(2, 4)),
            ("free", first, 2),
            ("pageout", first + 2, 2),
            ("dontneed", first + 1, rng.randrange(3, some)),
        ]
        order = list[str]()
        while not (_before("read", "write", order) and _before("pageout", "dontneed", order)):
            rng.shuffle(middle)
            order = [verb for verb, *_ in middle]
        middle.insert(rng.randint(order.index("write") + 1, 5), ("protect", first + some, 2))
        return Program((("write", first, some), *middle, ("dontneed", 0, 512)))

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

    def run(self, problem: Program) -> Story:
        """The whole run."""
        return Story(played(problem), "A count through its life")


def _before(one: str, other: str, order: Sequence[str]) -> bool:
    return one in order and order.index(one) < order.index(other)


def _change(rows: Sequence[Row], k: int) -> list[int]:
    """How far both cells of row `k` are above the count before."""
    return [int(cell) - int(rows[k - 1][0]) for cell in rows[k]]


QUESTIONS = (Counts(), Missing())
