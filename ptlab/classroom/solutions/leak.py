"""Set 3, solved: which call frees which tables."""

from __future__ import annotations

from ptlab.classroom.sets.leak_programs import Programs
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.leak_most import LeavesSolution
from ptlab.classroom.solutions.leak_programs import left
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills


class FreesSolution(Solution[Programs]):
    """How many PTE pages are left, by design."""

    name = "leak-1"

    def solve(self, problem: Programs) -> list[Row]:
        """The engine, three times for each."""
        return left(problem, problem.endings)

    def in_why(self, problem: Programs) -> Fills:
        """The three rules, and the numbers."""
        pairs = zip(self.asked.rows(problem), self.solve(problem), strict=True)
        return {"rows": "\n".join(f"* `{name}`: {row}" for name, row in pairs)}

    def wrong(self, problem: Programs) -> list[Wrong]:
        """The same programs, played as somebody with a mistaken idea sees them."""
        right = self.solve(problem)

        def but(old: str, new: str) -> list[Row]:
            endings = [tuple(line.replace(old, new) for line in e) for e in problem.endings]
            return left(problem, tuple(endings))

        def without(verb: str) -> list[Row]:
            endings = [
                tuple(line for line in ending if line.split()[0] != verb)
                for ending in problem.endings
            ]
            return left(problem, tuple(endings))

        return [
            self.mistake("dontneed-frees-tables", [(b, b, c) for _, b, c in right], 5),
            self.mistake("nothing-new", [(a, b, a) for a, b, _ in right], 5),
            self.mistake("todays-kernel-counts", [(a, b, b) for a, b, _ in right], 6),
            self.mistake("free-drops", but("FREE", "DONTNEED"), 6),
            self.mistake("swap-does-not-count", but("PAGEOUT", "DONTNEED"), 6),
            self.mistake("calls-ignore-vmas", without("mprotect"), 6),
            self.mistake("one-entry-is-nothing", without("touch"), 6),
            self.mistake("munmap-looks-at-entries", without("mmap"), 6),
        ]


SOLUTIONS = (FreesSolution, LeavesSolution)
