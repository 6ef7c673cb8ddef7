"""What the solutions of set 6 that count atomic operations have in common."""

from __future__ import annotations

from abc import abstractmethod

from ptlab.classroom.sets.thread_counting import Measured
from ptlab.classroom.solution import Solution
from ptlab.classroom.table_question import Row
from ptlab.costs.meter import Costs


class CountingSolution(Solution[Measured]):
    """Rows of atomic operations, more than unmap_only's."""

    @abstractmethod
    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """What `operation` costs under `design`."""

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
                f"* {design}, {self.asked.words(operation)}: {mine.atomics_local} local and "
                f"{mine.atomics_shared} shared; `unmap_only` needs {base.atomics_local} and "
                f"{base.atomics_shared}"
            )
        return "\n".join(lines)

    def absolute(self, problem: Measured) -> list[Row]:
        """The mistake of not subtracting what any design needs."""
        costs = [self.costs(problem, design, operation) for operation, design in problem.cases]
        return [(c.atomics_local, c.atomics_shared) for c in costs]
