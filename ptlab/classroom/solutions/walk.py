"""Set 1, solved: from an address to its entry."""

from __future__ import annotations

from ptlab.base.geometry import Geometry, Level
from ptlab.classroom.sets.walk import Addresses
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.walk_any import AnyPagesSolution
from ptlab.classroom.solutions.walk_extremes import ExtremesSolution
from ptlab.classroom.solutions.walk_touches import BuiltSolution
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills


class IndicesSolution(Solution[Addresses]):
    """Cut addresses into the indices of the four levels."""

    name = "walk-1"

    def solve(self, problem: Addresses) -> list[Row]:
        """What the engine's geometry says."""
        index = Geometry(4).index
        levels = (Level.PGD, Level.PUD, Level.PMD, Level.PTE)
        return [tuple(index(a, level) for level in levels) for a in problem.addresses]

    def in_why(self, problem: Addresses) -> Fills:
        """The bits of each address in groups of nine."""
        lines = []
        for address, row in zip(problem.addresses, self.solve(problem), strict=True):
            bits = f"{address:048b}"
            groups = " ".join(bits[k : k + 9] for k in range(0, 36, 9)) + " " + bits[36:]
            lines.append(f"* `{address:#x}` = `{groups}`: {row}")
        return {"rows": "\n".join(lines)}

    def wrong(self, problem: Addresses) -> list[Wrong]:
        """Shifts, masks and order that are a little off."""

        def cut(shifts: tuple[int, ...], mask: int = 511) -> list[Row]:
            return [tuple(a >> shift & mask for shift in shifts) for a in problem.addresses]

        return [
            self.mistake("offset-is-an-index", cut((27, 18, 9, 0)), 0),
            self.mistake("no-mask", cut((39, 30, 21, 12), -1), 0),
            self.mistake("reversed", cut((12, 21, 30, 39)), 0),
            self.mistake("ten-bits", cut((42, 32, 22, 12), 1023), 0),
            self.mistake("hex-digits", cut((36, 24, 12, 0), 4095), 0),
            self.mistake("page-of-16k", cut((41, 32, 23, 14)), 0),
        ]


SOLUTIONS = (IndicesSolution, BuiltSolution, ExtremesSolution, AnyPagesSolution)
