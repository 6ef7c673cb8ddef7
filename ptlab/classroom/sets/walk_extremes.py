"""The third question of set 1: the fewest and the most tables for so many pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.classroom.sets.walk_tables import TABLES
from ptlab.classroom.table_question import Row, TableQuestion

_ORDER = (
    "Each PUD page has a PMD page below it, each PMD page a PTE page: are the columns in the order "
    "(PUD pages, PMD pages, PTE pages)?"
)


@dataclass(frozen=True)
class Load:
    """`pages` pages to write in one piece; then `few` pages, spread over `gib` GiB."""

    pages: int
    few: int
    gib: int


class Extremes(TableQuestion[Load]):
    """The fewest and the most tables for so many pages."""

    name = "walk-3"
    columns = TABLES

    def pose(self, rng: Random) -> Load:
        """Never a whole number of tables; fewer GiB than pages to spread over them."""
        while True:
            gib = rng.randrange(3, 30)
            problem = Load(rng.randrange(1030, 9000), rng.randrange(2 * gib, 5 * gib), gib)
            if problem.pages % 512 > 1:
                return problem

    def rows(self, problem: Load) -> Sequence[str]:
        """The cases, short."""
        return ["in one piece, at best", "in one piece, at worst", "spread, at worst"]

    def where(self, problem: Load, row: int) -> str:
        """How to try it."""
        return (
            'Try it: p = ptlab.Process(grain="table"), p.mmap(n, at=...), p.touch(...), print(p).'
        )

    def remark(self, problem: Load, row: int, given: Row) -> str:
        """What no process can have, such as columns in the other order."""
        built = [int(n) for n in given]
        if min(built) < 1:
            return "A page that was written needs a table of every level."
        return "" if built == sorted(built) else _ORDER
