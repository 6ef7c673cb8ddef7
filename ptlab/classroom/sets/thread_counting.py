"""What the questions of set 6 that count atomic operations have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from ptlab.classroom.table_question import Column, TableQuestion
from ptlab.classroom.wording import Fills

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
