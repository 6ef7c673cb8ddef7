"""The last question of set 1, whose answer is a function: tables for any pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE
from ptlab.classroom.function_question import FunctionQuestion
from ptlab.classroom.question import Wrong
from ptlab.classroom.student_code import Code
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process

_END = 1 << 28
"""Pages in the area: 1 TiB."""
_DISTANCES = (0, 1, 256, 512, 768, 1 << 17, 1 << 18, 3 << 18, 1 << 26, 1 << 27)
"""How far apart, bit by bit: in one table, next to each other, at each level."""


@dataclass(frozen=True)
class Pages:
    """Page numbers, counted from the start of a PGD entry; a page may come twice."""

    pages: tuple[int, ...]


class AnyPages(FunctionQuestion[Pages]):
    """Write a function that counts the tables for a list of pages."""

    name = "walk-4"
    function = "tables_for"
    further = 19

    def pose(self, rng: Random) -> Pages:
        """Pages at every kind of distance from each other; seldom none at all."""
        pages = [rng.randrange(_END)] if rng.randrange(40) else []
        for _ in range(rng.randrange(3, 12) if pages else 0):
            pages.append(rng.choice(pages) ^ rng.choice(_DISTANCES))
        return Pages(tuple(pages))

    def in_text(self, problem: Pages) -> Fills:
        """How many lists, and the beginning of one to try it on."""
        return {"lists": 1 + self.further, "some": _shown(problem.pages[:4])}

    def argument(self, problem: Pages) -> list[int]:
        """The page numbers."""
        return list(problem.pages)

    def truth(self, problem: Pages) -> tuple[int, ...]:
        """The tables that the engine builds."""
        process = Process(record=False)
        area = process.mmap(_END * PAGE_SIZE, at=1 << 44, noreserve=True)
        for page in problem.pages:
            process.touch(area + page * PAGE_SIZE, 1)
        now = process.counters
        return now.pud, now.pmd, now.pte

    def solve(self, problem: Pages) -> Code:
        """Three sets."""
        return _code(_SETS.format("(27, 18, 9)"))

    def in_why(self, problem: Pages) -> Fills:
        """The function, and the first list."""
        function, pages = self.solve(problem).text, _shown(problem.pages)
        return {"function": function, "pages": pages, "tables": self.truth(problem)}

    def wrong(self, problem: Pages) -> list[Wrong]:
        """Functions that are right for some lists."""
        return [
            self.mistake("own-pte-page-each", _code("(1, 1, len(pages))"), 1),
            self.mistake("one-level-off", _code(_SETS.format("(18, 9, 0)")), 1),
            self.mistake("address-shifts", _code(_SETS.format("(39, 30, 21)")), 1),
            self.mistake("reversed", _code(_SETS.format("(9, 18, 27)")), 2),
            self.mistake("1024-entries", _code(_SETS.format("(30, 20, 10)")), 2),
            self.mistake("as-if-in-one-piece", _code("(1, 1, -(-len(pages) // 512))"), 1),
            self.mistake("prints", _code("print(pages)"), 0),
        ]


_SETS = "tuple(len({{page >> shift for page in pages}}) for shift in {})"


def _code(expression: str) -> Code:
    return Code("function", "tables_for", f"def tables_for(pages):\n    return {expression}\n")


def _shown(pages: Sequence[int]) -> str:
    return f"[{', '.join(map(hex, pages))}]"
