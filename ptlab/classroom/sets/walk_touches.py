"""The second question of set 1: which tables each of some touches builds."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ptlab.base.geometry import GiB, KiB, MiB
from ptlab.classroom.report import Finding
from ptlab.classroom.sets.walk_tables import BASE, TABLES, Touches, touched
from ptlab.classroom.table_question import Row, TableQuestion
from ptlab.classroom.wording import Fills
from ptlab.process.process import Process
from ptlab.story.story import Story


class Built(TableQuestion[Touches]):
    """Which tables each of six touches builds."""

    name = "walk-2"
    columns = TABLES
    names_columns = False

    def pose(self, rng: Random) -> Touches:
        """Each touch is near an earlier one, at a distance that makes some level new, or none.

        The one that reads is the first in its 2 MiB, and some touch comes back to tables that the one
        before it did not use: else two mistaken ideas would change nothing.
        """
        while True:
            offsets = [rng.randrange(512) * GiB + rng.randrange(512) * 2 * MiB]
            steps = [64 * KiB, 2 * MiB, GiB, 512 * GiB, 2 * MiB + 64 * KiB]
            rng.shuffle(steps)
            for step in steps:
                offsets.append(rng.choice(offsets) ^ step)
            read = rng.randrange(1, 6)
            problem = Touches(tuple((offset, k != read) for k, offset in enumerate(offsets)))
            if _first_in_its_table(offsets, read) and _comes_back(offsets):
                return problem

    def judge(
        self, problem: Touches, answer: object, further: Sequence[Touches] = ()
    ) -> list[Finding]:
        """A point for each two touches that are both right: one row has but four possible values."""
        findings = super().judge(problem, answer, further)
        if len(findings) < len(problem.touches):
            return findings
        for k in range(0, len(findings), 2):
            pair = findings[k : k + 2]
            if all(finding.ok for finding in pair):
                continue
            wrong = sum(not finding.ok for finding in pair)
            both = sum(finding.worth for finding in pair)
            findings[k : k + 2] = [
                finding._replace(worth=0 if finding.ok else both / wrong) for finding in pair
            ]
        return findings

    def in_text(self, problem: Touches) -> Fills:
        """The touches in order."""
        verbs = [("reads", "writes")[write] for _, write in problem.touches]
        named = zip(verbs, problem.touches, strict=True)
        rows = [f"{k}. {verb} `{BASE + at:#x}`" for k, (verb, (at, _)) in enumerate(named, 1)]
        return {"base": BASE, "rows": "\n".join(rows)}

    def rows(self, problem: Touches) -> Sequence[str]:
        """Its number and address."""
        return [f"touch {k}, {BASE + a:#x}" for k, (a, _) in enumerate(problem.touches, 1)]

    def where(self, problem: Touches, row: int) -> str:
        """What to compare the address with, and the touch in the story."""
        says = self.wording.remarks["where" if row else "where-first"]
        return says.format(operation=row + 2, self=self)

    def remark(self, problem: Touches, row: int, given: Row) -> str:
        """What no touch can build, and what is special about the first one and a read."""
        built, says = [int(n) for n in given], self.wording.remarks
        if not {0, 1}.issuperset(built):
            return says["one-walk"]
        if built != sorted(built):
            return says["below"]
        if not problem.touches[row][1] and not any(built):
            return self.wording.ideas["reads-build-nothing"]
        return says["first"] if row == 0 else ""

    def run(self, problem: Touches) -> Story:
        """The mmap and the six touches."""
        process = Process()
        for _ in touched(process, problem):
            pass
        return Story(process, "Six touches")


def _first_in_its_table(offsets: Sequence[int], k: int) -> bool:
    return offsets[k] >> 21 not in {offset >> 21 for offset in offsets[:k]}


def _comes_back(offsets: Sequence[int]) -> bool:
    for shift in (39, 30, 21):
        blocks = [offset >> shift for offset in offsets]
        if any(b in blocks[: k - 1] and b != blocks[k - 1] for k, b in enumerate(blocks) if k):
            return True
    return False
