"""The second question of set 3: write the scenario that leaks most.

A scenario has the numbers of one problem in it, as a table has. So it is judged on that problem alone:
there is no other one that the same text could solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ptlab.classroom.question import Question, refused
from ptlab.classroom.report import Finding
from ptlab.classroom.sets.leak_tricks import TRICKS, USAGE, Goal, shortfall
from ptlab.classroom.student_scenario import Unplayable, play, read
from ptlab.classroom.wording import Fills
from ptlab.draw.names import plural


class Leaves(Question[Goal]):
    """Write a scenario that leaves empty tables, with few page faults."""

    name = "leak-2"

    def pose(self, rng: Random) -> Goal:
        """A trick, a kernel that reclaims, and a number of tables."""
        trick = rng.choice(sorted(TRICKS))
        tables = rng.randrange(4, 12) if TRICKS[trick].one_fault else rng.randrange(12, 40)
        kernel = rng.choice(["6.18", "6.19", "7.3"])
        return Goal(trick, kernel, tables, rng.randrange(1, 8), 2 * rng.randrange(1, 20_000))

    def in_text(self, problem: Goal) -> Fills:
        """The goal and what is allowed."""
        verbs = ", ".join(f"`{verb}`" for verb in problem.verbs)
        usages = "\n".join(USAGE[verb] for verb in problem.verbs)
        many = "one page fault" if problem.faults == 1 else f"{problem.faults} page faults"
        return {"many": many, "verbs": verbs, "usages": usages, "area": problem.at(0)}

    def ill_formed(self, problem: Goal, answer: object) -> str:
        """It is no scenario of what is allowed."""
        try:
            read(answer, problem.verbs, problem.lines, problem.area)
        except Unplayable as error:
            return str(error)
        return ""

    def judge(self, problem: Goal, answer: object, further: Sequence[Goal] = ()) -> list[Finding]:
        """Play it and count: three parts for the empty tables, one for each other rule."""
        try:
            left = play(read(answer, problem.verbs, problem.lines, problem.area), problem.kernel)
        except Unplayable as error:
            return refused(str(error), self.points)
        share = min(left.empty / problem.tables, 1.0)
        got, rest = 4 * share, 4 * (1 - share)
        ends = f"{plural(left.tables, 'PTE page')} at the end, {left.empty} of them empty"
        findings = [Finding(True, ends, got)] if left.empty else []
        if rest:
            missing = f"{ends}; {problem.tables} empty ones are wanted"
            where, idea = shortfall(left)
            findings.append(Finding(False, missing, rest, self.wording.remarks[where], idea))
        saved = left.faults <= problem.faults
        faults = f"{plural(left.faults, 'page fault')}, {problem.faults} allowed"
        thrift = ("", None) if saved else (self.wording.ideas["one-table"], "too-many-pages")
        findings.append(Finding(saved, faults, share, *thrift))
        findings += [Finding(False, f"this call failed: {call}") for call in left.failed[:3]]
        return findings
