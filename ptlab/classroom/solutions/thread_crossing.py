"""The third question of set 6, solved: where two lines cross."""

from __future__ import annotations

from typing import Any

from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.classroom.sets.thread_crossing import Machine
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.tables import mistakes
from ptlab.classroom.wording import Fills
from ptlab.costs.contention import Constants
from ptlab.costs.long_walks import tables_from_which_rwsem_wins


class CrossingSolution(Solution[Machine]):
    """Where one lock for the whole walk becomes cheaper than a count in each table."""

    name = "thread-3"

    def solve(self, problem: Machine) -> list[int]:
        """The first number of tables at which the model says so."""
        return [_tables(cpus, problem.constants) for cpus in problem.cpus]

    def in_why(self, problem: Machine) -> Fills:
        """The rule behind the numbers."""
        return {"solution": self.solve(problem)}

    def wrong(self, problem: Machine) -> list[Wrong]:
        """Units, prices, and what depends on what."""
        right = self.solve(problem)
        other = Constants(local_atomic=problem.local_atomic)
        mistaken: dict[str, list[Any]] = {
            "entries": [n * PTRS_PER_TABLE for n in right],
            "last-that-loses": [n - 1 for n in right],
            "no-queue": [right[0]] * len(right),
            "one-cpu": [1] * len(right),
            "default-machine": [_tables(cpus, other) for cpus in problem.cpus],
            "three-per-table": [-(-2 * n // 3) for n in right],
            "proportional": [right[0] * cpus // 2 for cpus in problem.cpus],
        }
        return mistakes(self, right, mistaken)


def _tables(cpus: int, constants: Constants) -> int:
    tables = tables_from_which_rwsem_wins("FREE", cpus, constants)
    assert tables is not None
    return tables
