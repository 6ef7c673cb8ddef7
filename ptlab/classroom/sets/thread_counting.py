"""What the questions of set 6 that count atomic operations have in common."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ptlab.classroom.question import Question, Wrong
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.costs.meter import Costs

KERNEL = "6.1"
"""As in contention.py: page faults take mmap_lock for read."""

DESIGNS = ("pte_refcount", "pt_rwsem", "percpu_ref", "every_level")

_FORM = (
    "For each row: how many atomic operations **more than `unmap_only`** needs, as `(local, shared)`. "
    "Local are those in the PTE page's own struct page, shared all others. Adds to a counter of this "
    "CPU alone are no atomic operations.\n\n"
    "You may measure: `ptlab.costs.meter.by_operation(process)` has `atomics_local` and "
    '`atomics_shared` of each operation. Use `Process(design, kernel="6.1")`.'
)


@dataclass(frozen=True)
class Measured:
    """What is to be measured: (operation, design) for each row, and the size of a walk."""

    cases: tuple[tuple[str, str], ...]
    tables: int = 0
    pages: int = 0


class Counting(TableQuestion[Measured]):
    """Rows of atomic operations, more than unmap_only's."""

    points = 6
    columns = (Column("local"), Column("shared"))

    @abstractmethod
    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """What `operation` costs under `design`."""

    @abstractmethod
    def words(self, operation: str) -> str:
        """The operation in a sentence."""

    def rows(self, problem: Measured) -> Sequence[str]:
        """Design and operation."""
        return [f"{design}, {self.words(operation)}" for operation, design in problem.cases]

    def form(self, problem: Measured) -> str:
        """The rows, numbered, and how to answer."""
        rows = "\n".join(f"{k}. {row}" for k, row in enumerate(self.rows(problem), 1))
        return f"{rows}\n\n{_FORM}"

    def where(self, problem: Measured, row: int) -> str:
        """The run that was measured."""
        design = problem.cases[row][1]
        process = f"Process({design!r}, kernel='6.1')"
        return f"Step through it with {process}: look at its gets, puts and locks."

    def solve(self, problem: Measured) -> list[Row]:
        """Counted in the steps of a run."""
        rows = list[Row]()
        for operation, design in problem.cases:
            mine = self.costs(problem, design, operation)
            base = self.costs(problem, "unmap_only", operation)
            local = mine.atomics_local - base.atomics_local
            rows.append((local, mine.atomics_shared - base.atomics_shared))
        return rows

    def why(self, problem: Measured) -> str:
        """The absolute counts that the rows are differences of."""
        lines = []
        for operation, design in problem.cases:
            mine = self.costs(problem, design, operation)
            base = self.costs(problem, "unmap_only", operation)
            lines.append(
                f"* {design}, {self.words(operation)}: {mine.atomics_local} local and "
                f"{mine.atomics_shared} shared; `unmap_only` needs {base.atomics_local} and "
                f"{base.atomics_shared}"
            )
        return "\n".join(lines)

    def absolute(self, problem: Measured) -> list[Row]:
        """The mistake of not subtracting what any design needs."""
        costs = [self.costs(problem, design, operation) for operation, design in problem.cases]
        return [(c.atomics_local, c.atomics_shared) for c in costs]


SAYS = {
    "absolute": "Every design needs the locks of `unmap_only`; only what comes on top counts.",
    "swapped": "Whose cache line is it: one PTE page's, or one for many?",
    "designs-cost-nothing": "Step through it: what happens between the lookup and the PTE lock?",
}
"""To those who make a mistake that both kinds of counting have."""


def distinct(
    question: Question[Any], right: list[Any], says: dict[str, str], mistaken: dict[str, list[Any]]
) -> list[Wrong]:
    """The mistaken answers that differ from the right one, with the rows they get right."""
    each = question.points / len(right)
    return [
        Wrong(idea, says[idea], answer, each * sum(map(operator.eq, answer, right)))
        for idea, answer in mistaken.items()
        if answer != right
    ]
