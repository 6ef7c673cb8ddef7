"""The third question of set 6: where the lines of two designs cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.thread_counting import distinct
from ptlab.classroom.table_question import Column, TableQuestion
from ptlab.costs.contention import Constants
from ptlab.costs.long_walks import tables_from_which_rwsem_wins


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
    title = "where the lines cross"
    points = 4
    minutes = 20
    goal = "find the length of a walk at which one design overtakes the other, and what moves it"
    columns = (Column("PTE pages"),)
    hints = (
        "`pte_refcount` pays for each table, `pt_rwsem` once for a walk. Which line rises, and which "
        "one only starts higher?",
        '`walk_cost(design, "FREE", tables, cpus, constants)` in `ptlab.costs.long_walks` is the '
        "price of one walk in nanoseconds.",
        'Try 1, 2, 3, ... PTE pages until `walk_cost("pt_rwsem", ...)` is the smaller one. '
        "`Constants(local_atomic=..., hand_over=...)` is your machine.",
    )

    def pose(self, rng: Random) -> Machine:
        """Another machine for each student."""
        cpus = (2, *sorted(rng.sample((3, 4, 6, 8, 12, 16, 24), 3)))
        return Machine(
            rng.choice((2.5, 3.0, 4.0, 5.0, 6.0)), float(rng.randrange(40, 200, 5)), cpus
        )

    def text(self, problem: Machine) -> str:
        """The machine."""
        return (
            "`MADV_FREE` walks over full tables and frees none. Reference counts cost atomic operations "
            "in every table that is walked. One lock for the page table costs two for the whole walk, "
            "but in a cache line that every CPU wants. On "
            f"your machine an atomic operation takes {problem.local_atomic:g} ns in a line that this "
            f"CPU has, and {problem.hand_over:g} ns in one that another CPU has just changed "
            f"(`Constants(local_atomic={problem.local_atomic:g}, hand_over={problem.hand_over:g})` in "
            "`ptlab.costs.contention`; leave its other constants as they are). All CPUs walk "
            f"all the time.\n\n**From how many PTE pages on is `pt_rwsem` cheaper**, with "
            f"{', '.join(map(str, problem.cpus[:-1]))} and {problem.cpus[-1]} CPUs? "
            "Walks are counted in whole PTE pages. Answer with a list of four whole numbers."
        )

    def rows(self, problem: Machine) -> Sequence[str]:
        """One for each number of CPUs."""
        return [f"{cpus} CPUs" for cpus in problem.cpus]

    def where(self, problem: Machine, row: int) -> str:
        """The two costs to compare."""
        return (
            "Print walk_cost('pte_refcount', 'FREE', n, cpus, constants) and the same for 'pt_rwsem', "
            "for n from 1 on."
        )

    def solve(self, problem: Machine) -> list[int]:
        """The first number of tables at which the model says so."""
        return [_tables(cpus, problem.constants) for cpus in problem.cpus]

    def why(self, problem: Machine) -> str:
        """The rule behind the numbers."""
        return (
            "The references cost 2 atomic operations for each PTE page: the visitor comes and goes, and "
            "no entry becomes none. The lock costs 2 hand-overs and "
            f"the wait for those who came before: {self.solve(problem)} PTE pages. More CPUs move the "
            "crossing to the right, but less and less, because the longer the walks, the fewer wait."
        )

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
        return distinct(self, right, _SAYS, mistaken)


def _tables(cpus: int, constants: Constants) -> int:
    tables = tables_from_which_rwsem_wins("FREE", cpus, constants)
    assert tables is not None
    return tables


_SAYS = {
    "entries": "The answer is counted in PTE pages, not in entries.",
    "last-that-loses": "Is the lock cheaper there already?",
    "no-queue": "Who waits for the lock when there are more CPUs?",
    "one-cpu": "With one CPU nobody hands a line over. You have more.",
    "default-machine": "Which machine is it?",
    "three-per-table": "MADV_FREE leaves every entry in place: what is there to count but the visit?",
    "proportional": "Twice the CPUs do not make the queue twice as long: they walk in between.",
}
