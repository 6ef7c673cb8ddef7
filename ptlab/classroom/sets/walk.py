"""Set 1, the walk: from an address to its entry, and which tables that needs.

Sources: Intel SDM volume 3A, "4-Level Paging"; __handle_mm_fault() and do_anonymous_page() in
mm/memory.c (Linux 6.12) build a table at the first fault that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE, Geometry, Level
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.walk_any import AnyPages
from ptlab.classroom.sets.walk_extremes import Extremes
from ptlab.classroom.sets.walk_touches import Built
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.classroom.wording import Fills


@dataclass(frozen=True)
class Addresses:
    """Some addresses to walk to."""

    addresses: tuple[int, ...]


class Indices(TableQuestion[Addresses]):
    """Cut addresses into the indices of the four levels."""

    name = "walk-1"
    columns = (Column("PGD"), Column("PUD"), Column("PMD"), Column("PTE"))

    def pose(self, rng: Random) -> Addresses:
        """Three addresses whose indices are all different and none is 0."""
        found: list[int] = []
        while len(found) < 3:
            address = rng.randrange(1 << 46, (1 << 47) - PAGE_SIZE) & ~7
            indices = [(address >> shift) & 511 for shift in (12, 21, 30, 39)]
            if len({*indices, 0}) == 5:
                found.append(address)
        return Addresses(tuple(found))

    def in_text(self, problem: Addresses) -> Fills:
        """The addresses, and a table of the levels."""
        return {"rows": "\n".join(f"{k}. `{a:#x}`" for k, a in enumerate(problem.addresses, 1))}

    def rows(self, problem: Addresses) -> Sequence[str]:
        """One for each address."""
        return [f"{address:#x}" for address in problem.addresses]

    def where(self, problem: Addresses, row: int) -> str:
        """The level by level form of the address."""
        return self.wording.remarks["where"].format(address=problem.addresses[row])

    def remark(self, problem: Addresses, row: int, given: Row) -> str:
        """A table has 512 entries."""
        return "" if set(given) <= _INDICES else self.wording.remarks["nine-bits"]

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


_INDICES = frozenset(range(512))


QUESTIONS = (Indices(), Built(), Extremes(), AnyPages())
