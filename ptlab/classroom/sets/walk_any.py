"""The last question of set 1, whose answer is a function: tables for any pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.classroom.function_question import FunctionQuestion
from ptlab.classroom.wording import Fills

END = 1 << 28
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
        pages = [rng.randrange(END)] if rng.randrange(40) else []
        for _ in range(rng.randrange(3, 12) if pages else 0):
            pages.append(rng.choice(pages) ^ rng.choice(_DISTANCES))
        return Pages(tuple(pages))

    def in_text(self, problem: Pages) -> Fills:
        """How many lists, and the beginning of one to try it on."""
        return {"lists": 1 + self.further, "some": told(problem.pages[:4])}

    def argument(self, problem: Pages) -> list[int]:
        """The page numbers."""
        return list(problem.pages)


def told(pages: Sequence[int]) -> str:
    """Page numbers as a list in hex."""
    return f"[{', '.join(map(hex, pages))}]"
