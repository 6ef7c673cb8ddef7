"""Set 1, the walk: from an address to its entry, and which tables that needs.

Sources: Intel SDM volume 3A, "4-Level Paging"; __handle_mm_fault() and do_anonymous_page() in
mm/memory.c (Linux 6.12) build a table at the first fault that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE
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


_INDICES = frozenset(range(512))


QUESTIONS = (Indices(), Built(), Extremes(), AnyPages())
