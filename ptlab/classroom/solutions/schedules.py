"""Solved: schedules, found by the explorer."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ptlab.classroom.schedule_question import Stage, Work
from ptlab.classroom.solution import Solution, Wrong
from ptlab.race.explore import explore
from ptlab.race.scheduler import RCU


class ScheduleSolution(Solution[Stage]):
    """What the solutions of set 4 have in common."""

    def why(self, problem: Stage) -> str:
        """The schedule, with what is done in it."""
        schedule = str(self.solve(problem))
        scheduler = problem.build().start("broken")
        lines = [f"{letter}  {scheduler.tell(scheduler.go(letter).step)}" for letter in schedule]
        steps = "\n".join(lines)
        broken = scheduler.verdict.sentence if scheduler.verdict else "none"
        return f"`{schedule}`:\n\n```text\n{steps}\n```\n\nThen a rule is broken: {broken}."

    def plain_mistakes(self, problem: Stage) -> list[Wrong]:
        """Schedules that break nothing, whatever the stage is."""
        best = str(self.solve(problem))
        one = _alone(problem, "A")
        both = one + _alone(problem, "B", one)
        first = best[0]
        return [
            self.mistake("one-after-the-other", both, 0),
            self.mistake("one-task-is-enough", one, 0),
            self.mistake("stops-before", best[:-1], 0),
            self.mistake("never-preempted", best[: len(best) - len(best.lstrip(first))], 0),
            self.mistake("rcu-first", RCU + best, 0),
            self.mistake("tasks-that-are-not-there", "XYZ", 0),
        ]


def _alone(problem: Stage, letter: str, after: str = "") -> str:
    """The letters that run a task to its end, after some others; RCU when nobody else can."""
    scheduler = problem.build().start("broken")
    scheduler.run(after)
    while letter in scheduler.enabled():
        scheduler.go(letter)
    return scheduler.schedule[len(after) :]


def in_letters(schedule: str, tasks: Sequence[str | Work], problem: Stage) -> str:
    """A schedule of these tasks alone, in the letters that they have in the problem."""
    letters = {"ABCDEFGH"[k]: "ABCDEFGH"[problem.tasks.index(task)] for k, task in enumerate(tasks)}
    return "".join(letters.get(letter, letter) for letter in schedule)


@functools.cache
def shortest(problem: Stage) -> str:
    """The shortest failing schedule that the explorer finds."""
    found = explore(problem.build(), "broken")
    assert found.shortest is not None
    return found.shortest
