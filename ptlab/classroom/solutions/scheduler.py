"""Set 4, solved: the order of steps that breaks a design."""

from __future__ import annotations

from ptlab.classroom.schedule_question import Stage, Work
from ptlab.classroom.solution import Wrong
from ptlab.classroom.solutions.scheduler_shortest import ShortestSolution
from ptlab.classroom.solutions.schedules import ScheduleSolution, in_letters, shortest


class BreakSolution(ScheduleSolution):
    """Find a schedule that breaks the naive design."""

    name = "scheduler-1"

    def solve(self, problem: Stage) -> str:
        """What the explorer finds for the zap and the fault beside it."""
        work = [task for task in problem.tasks if isinstance(task, Work) and not task.elsewhere]
        zap = next(task for task in work if task.verb == "DONTNEED")
        fault = next(task for task in work if task is not zap)
        # Which pages they are makes no difference to the order of steps, so few searches serve all.
        count = zap.last - zap.first + 1
        same = Work("DONTNEED", 0, count - 1), Work(fault.verb, count, count)
        return in_letters(shortest(Stage("naive", same, (0, count - 1))), (zap, fault), problem)

    def wrong(self, problem: Stage) -> list[Wrong]:
        """Schedules that are in order."""
        return self.plain_mistakes(problem)


SOLUTIONS = (BreakSolution, ShortestSolution)
