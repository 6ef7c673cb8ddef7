"""Set 2, solved: the counts of a PTE page."""

from __future__ import annotations

from ptlab.base.facts import References
from ptlab.classroom.sets.references_program import Program, played
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.solutions.references_missing import MissingSolution
from ptlab.classroom.solutions.references_program import entries_model
from ptlab.classroom.table_question import Row
from ptlab.classroom.wording import Fills


class CountsSolution(Solution[Program]):
    """Predict the count after each operation, and the most during it."""

    name = "references-1"

    def solve(self, problem: Program) -> list[Row]:
        """The counts that the steps of the run tell."""
        journal = played(problem).journal
        assert journal is not None
        count, rows = 0, list[Row]()
        for operation in journal.operations:
            most = count
            for step in journal.steps[operation.first : operation.last]:
                if isinstance(step.fact, References):
                    count = int(step.fact.after)
                    most = max(most, count)
            rows.append((count, most))
        return rows[1:]

    def in_why(self, problem: Program) -> Fills:
        """The rule, and the row of each operation."""
        rows = zip(self.asked.rows(problem), self.solve(problem), strict=True)
        lines = [f"* `{name}`: {after} after it, {most} at most" for name, (after, most) in rows]
        return {"rows": "\n".join(lines)}

    def wrong(self, problem: Program) -> list[Wrong]:
        """Entries that are thought not to count, or to count twice; visitors forgotten."""
        right = entries_model(problem)
        quiet = [after for after, _ in right]
        unvisited = list(zip(quiet, map(max, quiet, [0, *quiet]), strict=True))
        return [
            self.mistake("reads-do-not-count", entries_model(problem, ignores="read"), 3),
            self.mistake("free-drops", entries_model(problem, drops="free"), 3),
            self.mistake("swap-does-not-count", entries_model(problem, drops="pageout"), 3),
            self.mistake("read-only-drops", entries_model(problem, drops="protect"), 3),
            self.mistake("each-access-counts", entries_model(problem, again=True), 3),
            self.mistake("no-visitors", unvisited, 1),
            self.mistake("installer-stays", [(n + 1, m + 1) for n, m in right], 1),
            self.mistake("capacity", [(512, 513)] * len(right), 0),
        ]


SOLUTIONS = (CountsSolution, MissingSolution)
