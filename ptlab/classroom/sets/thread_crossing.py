"""The third question of set 6: where the lines of two designs cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.classroom.table_question import Column, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.costs.contention import Constants


@dataclass(frozen=True)
class Machine:
    """A machine of the model: nanoseconds of an atomic operation and of a hand-over, and CPUs."""

    local_atomic: float
    hand_over: float
    cpus: tuple[int, ...]

    @property
    def constants(self) -> Constants:
        """For ptlab.costs.contention."""
        return Constants(local_atomic=self.local_atomic, hand_over=self.hand_over)


class Crossing(TableQuestion[Machine]):
    """Where one lock for the whole walk becomes cheaper than a count in each table."""

    name = "thread-3"
    columns = (Column("PTE pages"),)

    def pose(self, rng: Random) -> Machine:
        """Another machine for each student."""
        cpus = (2, *sorted(rng.sample((3, 4, 6, 8, 12, 16, 24), 3)))
        return Machine(
            rng.choice((2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)),
            float(rng.randrange(40, 200, 5)),
            cpus,
        )

    def in_text(self, problem: Machine) -> Fills:
        """The machine."""
        return {"cpus": ", ".join(map(str, problem.cpus[:-1])), "most": problem.cpus[-1]}

    def rows(self, problem: Machine) -> Sequence[str]:
        """One for each number of CPUs."""
        return [f"{cpus} CPUs" for cpus in problem.cpus]

    def where(self, problem: Machine, row: int) -> str:
        """The two costs to compare."""
        return (
            "Print walk_cost('pte_refcount', 'FREE', n, cpus, constants) and the same for 'pt_rwsem', "
            "for n from 1 on."
        )
