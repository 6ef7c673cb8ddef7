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
from ptlab.classroom.sets.walk_extremes import WIDTH, Extremes
from ptlab.classroom.sets.walk_touches import Built
from ptlab.classroom.table_question import Column, Row, TableQuestion


@dataclass(frozen=True)
class Addresses:
    """Some addresses to walk to."""

    addresses: tuple[int, ...]


class Indices(TableQuestion[Addresses]):
    """Cut addresses into the indices of the four levels."""

    name = "walk-1"
    title = "four indices"
    points = 3
    minutes = 10
    goal = "cut a virtual address into the index for each level"
    hints = (
        "A table has 512 entries. How many bits does it take to choose one of them?",
        "The lowest 12 bits are the place inside the 4 KiB page; no table is indexed by them.",
        "`(address >> shift) & 511`, with the shifts 12, 21, 30 and 39. Which shift is the PGD's?",
    )
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

    def text(self, problem: Addresses) -> str:
        """The addresses, and a table of the levels."""
        rows = "\n".join(f"{k}. `{a:#x}`" for k, a in enumerate(problem.addresses, 1))
        return (
            "An x86-64 processor with four levels of page tables walks to each of these "
            "addresses. **Which entry does it read in each table?** Every index is a number from "
            "0 to 511.\n\n"
            f"{rows}\n\n"
            "Answer with three rows of `(PGD, PUD, PMD, PTE)`."
        )

    def rows(self, problem: Addresses) -> Sequence[str]:
        """One for each address."""
        return [f"{address:#x}" for address in problem.addresses]

    def where(self, problem: Addresses, row: int) -> str:
        """The level by level form of the address."""
        return f"Write it in binary: bin({problem.addresses[row]:#x})."

    def remark(self, problem: Addresses, row: int, given: Row) -> str:
        """A table has 512 entries."""
        return (
            ""
            if set(given) <= _INDICES
            else "An index has nine bits: it is a number from 0 to 511."
        )

    def solve(self, problem: Addresses) -> list[Row]:
        """What the engine's geometry says."""
        index = Geometry(4).index
        levels = (Level.PGD, Level.PUD, Level.PMD, Level.PTE)
        return [tuple(index(a, level) for level in levels) for a in problem.addresses]

    def why(self, problem: Addresses) -> str:
        """The bits of each address in groups of nine."""
        lines = []
        for address, row in zip(problem.addresses, self.solve(problem), strict=True):
            bits = f"{address:048b}"
            groups = " ".join(bits[k : k + 9] for k in range(0, 36, 9)) + " " + bits[36:]
            lines.append(f"* `{address:#x}` = `{groups}`: {row}")
        return (
            "Nine bits for each level, from bit 47 down, then twelve for the page.\n\n"
            + "\n".join(lines)
        )

    def wrong(self, problem: Addresses) -> list[Wrong]:
        """Shifts, masks and order that are a little off."""

        def cut(shifts: tuple[int, ...], mask: int = 511) -> list[Row]:
            return [tuple(a >> shift & mask for shift in shifts) for a in problem.addresses]

        return [
            Wrong("offset-is-an-index", _OFFSET, cut((27, 18, 9, 0)), 0),
            Wrong(
                "no-mask",
                "An index ends where the level above begins.",
                cut((39, 30, 21, 12), -1),
                0,
            ),
            Wrong("reversed", "The walk begins at the top: at the PGD.", cut((12, 21, 30, 39)), 0),
            Wrong(
                "ten-bits",
                WIDTH,
                cut((42, 32, 22, 12), 1023),
                0,
            ),
            Wrong("hex-digits", "Three hex digits are 12 bits.", cut((36, 24, 12, 0), 4095), 0),
            Wrong("page-of-16k", "A page is 4 KiB.", cut((41, 32, 23, 14)), 0),
        ]


_INDICES = frozenset(range(512))
_OFFSET = "The lowest bits do not choose an entry: where in the page do they point?"


QUESTIONS = (Indices(), Built(), Extremes(), AnyPages())
