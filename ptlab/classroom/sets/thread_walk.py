"""The second question of set 6: atomic operations for a walk over several tables."""

from __future__ import annotations

from random import Random

from ptlab.classroom.sets.thread_counting import DESIGNS, Counting, Measured
from ptlab.classroom.wording import Fills


class PerWalk(Counting):
    """A walk over several tables."""

    name = "thread-2"

    def pose(self, rng: Random) -> Measured:
        """Both kinds of walk under three designs, over some tables."""
        designs = rng.sample(DESIGNS, 3)
        cases = tuple((advice, design) for advice in ("FREE", "DONTNEED") for design in designs)
        return Measured(cases, rng.randint(3, 8), rng.randint(2, 60))

    def in_text(self, problem: Measured) -> Fills:
        """The rows, and how large the area is."""
        return {"mib": 2 * problem.tables, **super().in_text(problem)}

    def words(self, operation: str) -> str:
        """The call."""
        return f"MADV_{operation} over the whole area"
