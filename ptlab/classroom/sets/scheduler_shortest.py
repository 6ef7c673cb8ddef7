"""The second question of set 4: a failing schedule that is as short as the explorer's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from random import Random

from ptlab.classroom.question import refused
from ptlab.classroom.report import Finding
from ptlab.classroom.schedule_question import (
    ScheduleQuestion,
    Stage,
    Work,
    verdict_of,
)
from ptlab.classroom.wording import Fills
from ptlab.draw.names import plural
from ptlab.race.scenes import SCENES


class Shortest(ScheduleQuestion):
    """Find a schedule that breaks a scene and is as short as the explorer's."""

    name = "scheduler-2"

    def pose(self, rng: Random) -> Stage:
        """One of the quick scenes with two tasks, and two tasks elsewhere, in any order."""
        scene = rng.choice(_QUICK)
        verbs, pages = rng.choices(("write", "read"), k=2), rng.sample(range(512), 2)
        others = [Work(verb, page, page, True) for verb, page in zip(verbs, pages, strict=True)]
        tasks: list[str | Work] = [*doings(scene), *others]
        rng.shuffle(tasks)
        return Stage(scene, tuple(tasks))

    def in_text(self, problem: Stage) -> Fills:
        """The scene, what it lacks, the tasks."""
        form = self.form.format(name=self.name)
        tasks = self._tasks(problem)
        return {"scene": SCENES[problem.scene], "tasks": tasks, "nearly": _NEARLY, "form": form}

    def judge(self, problem: Stage, answer: object, further: Sequence[Stage] = ()) -> list[Finding]:
        """The most for failing, two points for being short."""
        played = self.played(problem, answer)
        if isinstance(played, str):
            return refused(played, self.points)
        length = plural(len(played.schedule), "segment")
        findings = [Finding(True, f"{length} run as written"), verdict_of(played, self.points - 2)]
        if played.verdict is None:
            return [*findings, Finding(False, "its length counts once it fails", 2)]
        over = len(played.schedule) - len(self.solve(problem))
        if over <= 0:
            return [*findings, Finding(True, "no shorter one is known", 2)]
        partly = [Finding(True, "nearly as short as possible", 1)] if over <= _NEARLY else []
        shorter = f"{length} are more than it takes"
        idea = "keeps-what-does-not-matter"
        rest = Finding(False, shorter, 2 - len(partly), self.wording.ideas[idea], idea)
        return [*findings, *partly, rest]


_QUICK = (
    *("install", "same-entry", "pmd-same", "exclusive", "walker-rcu"),
    *("try-get-rcu", "gup-fast", "gup-ipi", "stale-tlb"),
    *("february", "slow-path", "august"),
)
"""Scenes of two tasks that break nothing one after the other, and in which it does not matter whether
others work elsewhere (a deadlock would be none). A search takes half a second at most."""

_NEARLY = 3
"""Letters more than the shortest that still give one of the two points."""


@functools.cache
def doings(scene: str) -> tuple[str, ...]:
    """The tasks of a scene, by what they do."""
    return tuple(task.doing for task in SCENES[scene].start("broken").tasks)
