"""The second question of set 4, solved: the shortest schedule."""

from __future__ import annotations

import functools
from random import Random

from ptlab.classroom.schedule_question import Stage
from ptlab.classroom.sets.scheduler_shortest import doings
from ptlab.classroom.solution import Wrong
from ptlab.classroom.solutions.schedules import ScheduleSolution, in_letters, shortest


class ShortestSolution(ScheduleSolution):
    """Find a schedule that breaks a scene and is as short as the explorer's."""

    name = "scheduler-2"

    def solve(self, problem: Stage) -> str:
        """The explorer's shortest, for the two tasks that meet."""
        racing = doings(problem.scene)
        return in_letters(shortest(problem.only(*racing)), racing, problem)

    def wrong(self, problem: Stage) -> list[Wrong]:
        """Schedules that are in order, and one that is too long."""
        longer, racing = _longer(problem.scene), doings(problem.scene)
        if longer is None:
            return self.plain_mistakes(problem)
        answer = in_letters(longer, racing, problem)
        slow = self.mistake("keeps-what-does-not-matter", answer, 4)
        return [*self.plain_mistakes(problem), slow]


@functools.cache
def _longer(scene: str) -> str | None:
    """A failing schedule that is longer than the shortest, found by chance; None if chance fails."""
    stage = Stage(scene, doings(scene))
    best, chance = len(shortest(stage)), Random(0)
    for _ in range(40):
        scheduler = stage.build().start("broken")
        while scheduler.enabled():
            scheduler.go(chance.choice(scheduler.enabled()))
        if scheduler.verdict is not None and len(scheduler.schedule) > best:
            return scheduler.schedule
    return None
