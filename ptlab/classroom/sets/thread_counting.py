"""What the questions of set 6 that count atomic operations have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.costs.meter import Costs

KERNEL = "6.1"
"""As in contention.py: page faults take mmap_lock for read."""

DESIGNS = ("pte_refcount", "pt_rwsem", "percpu_ref", "every_level")


@dataclass(frozen=True)
class Measured:
    """What is to be measured: (operation, design) for each row, and the size of a walk."""

    cases: tuple[tuple[str, str], ...]
    tables: int = 0
    pages: int = 0


class Counting(TableQuestion[Measured]):
    """Rows of atomic operations, more than unmap_only's."""

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

    def in_text(self, problem: Measured) -> Fills:
        """The rows, numbered."""
        return {"rows": "\n".join(f"{k}. {row}" for k, row in enumerate(self.rows(problem), 1))}

    def where(self, problem: Measured, row: int) -> str:
        """The run that was measured."""
        return self.wording.remarks["where"].format(design=problem.cases[row][1])

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
