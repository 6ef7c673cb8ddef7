"""The last question of set 1, solved: a function that counts tables."""

from __future__ import annotations

from ptlab.base.geometry import PAGE_SIZE
from ptlab.classroom.sets.walk_any import END, Pages, told
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.student_code import Code
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process


class AnyPagesSolution(Solution[Pages]):
    """Write a function that counts the tables for a list of pages."""

    name = "walk-4"
    shown = False

    def truth(self, problem: Pages) -> tuple[int, ...]:
        """The tables that the engine builds."""
        process = Process(record=False)
        area = process.mmap(END * PAGE_SIZE, at=1 << 44, noreserve=True)
        for page in problem.pages:
            process.touch(area + page * PAGE_SIZE, 1)
        now = process.counters
        return now.pud, now.pmd, now.pte

    def solve(self, problem: Pages) -> Code:
        """Three sets."""
        return _code(_SETS.format("(27, 18, 9)"))

    def in_why(self, problem: Pages) -> Fills:
        """The function, and the first list."""
        function, pages = self.solve(problem).text, told(problem.pages)
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
