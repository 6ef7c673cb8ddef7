"""The third question of set 1: the fewest and the most tables for so many pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE, GiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.walk_touches import SHARED, TABLES, tables
from ptlab.classroom.table_question import Row, TableQuestion
from ptlab.process.process import Process

WIDTH = "A table is 4096 bytes, and an entry is 8."
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
    title = "at best and at worst"
    points = 3
    minutes = 15
    goal = "say how many tables so many pages need, at best and at worst"
    hints = (
        "How many pages does one PTE page serve, and how many PTE pages one PMD page?",
        "A run of pages need not begin where a table begins. Where would you put its first page, "
        "so that it crosses as many borders as it can?",
        "Spread out, every page can have a PTE page of its own. But the area has only so many "
        "GiB, and all of it lies below one PUD page.",
    )
    columns = TABLES

    def pose(self, rng: Random) -> Load:
        """Never a whole number of tables; fewer GiB than pages to spread over them."""
        while True:
            gib = rng.randrange(3, 30)
            problem = Load(rng.randrange(1030, 9000), rng.randrange(2 * gib, 5 * gib), gib)
            if problem.pages % 512 > 1 and self.tells_apart(problem):
                return problem

    def text(self, problem: Load) -> str:
        """The three cases."""
        return (
            "A fresh process writes one byte in each of some pages. How many tables does it have "
            "then?\n\n"
            f"1. It writes **{problem.pages} pages** that lie one behind the other, at a place "
            "that is **as good as possible**: fewest tables.\n"
            f"2. It writes **{problem.pages} pages** that lie one behind the other, at a place "
            "that is **as bad as possible**, anywhere in user space: most tables.\n"
            f"3. It writes **{problem.few} pages** that are spread over {problem.gib} GiB, **as "
            "badly as possible**; the area begins at a multiple of 512 GiB.\n\n"
            "Answer with three rows of `(PUD pages, PMD pages, PTE pages)`."
        )

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

    def solve(self, problem: Load) -> list[Row]:
        """Touch at several places and take the extremes; spread evenly, no two pages share a table."""
        length, border = problem.pages * PAGE_SIZE, 512 * GiB
        starts = [border, border - PAGE_SIZE, border + GiB - PAGE_SIZE, border - 2 * MiB]
        found = [_touched(start, length, PAGE_SIZE) for start in starts]
        stride = problem.gib * GiB // problem.few & -PAGE_SIZE
        return [min(found), max(found), _touched(border, stride * problem.few, stride)]

    def why(self, problem: Load) -> str:
        """The arithmetic."""
        low, high, spread = self.solve(problem)
        n, gib = problem.pages, problem.gib
        return (
            f"1. {low}: {n} pages fill {n // 512} PTE pages and a part of one more. One PMD page "
            "serves 512 of them.\n"
            f"2. {high}: the first page is the last of its PTE page, its PMD page and its PUD "
            f"page. The other {n - 1} pages begin at the border and need {-(-(n - 1) // 512)} PTE "
            "pages.\n"
            f"3. {spread}: {gib} GiB are {gib * 512} times 2 MiB, so each of the {problem.few} "
            f"pages can have a PTE page of its own. There are {gib} GiB, so {gib} PMD pages, and "
            "one PUD page."
        )

    def wrong(self, problem: Load) -> list[Wrong]:
        """A border forgotten, a size mistaken."""
        n, few, gib = problem.pages, problem.few, problem.gib
        best, half = -(-n // 512), -(-n // 1024)
        low, high, spread = (1, 1, best), (2, 2, 1 + -(-(n - 1) // 512)), (1, gib, few)
        part = "A table that is partly used is a whole page."
        cross = "Where would the run cross a border between two tables?"
        below = "A border of a PUD page is a border of the tables below it as well."
        far = "Nothing forces two pages that are far apart into one table."
        gibs = "How much does one PMD page map?"
        return [
            Wrong("rounds-down", part, [(1, 1, n // 512), (2, 2, n // 512 + 1), spread], 2),
            Wrong("no-borders", cross, [low, low, spread], 2),
            Wrong("one-border-only", below, [low, (1, 2, high[2]), spread], 2),
            Wrong("own-pte-page-each", SHARED, [(1, 1, n), (1, 1, n), spread], 1),
            Wrong("spread-shares", far, [low, high, (1, gib, gib)], 2),
            Wrong("own-pmd-page-each", gibs, [low, high, (1, few, few)], 2),
            Wrong("1024-entries", WIDTH, [(1, 1, half), (2, 2, half + 1), spread], 1),
        ]


def _touched(start: int, length: int, stride: int) -> Row:
    """The tables of a process that has touched [start, start + length)."""
    process = Process(record=False, grain="range")
    process.mmap(length, at=start, noreserve=True)
    process.touch(start, length, stride=stride)
    return tables(process)
