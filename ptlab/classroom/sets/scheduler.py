"""Set 4, be the scheduler: find the order of steps that breaks a design, then the shortest one.

The naive design counts entries but no visitors; it is the example of Documentation/vm/pte_ref.rst,
section 3, Message-Id <20211110105428.32458-15-zhengqi.arch@bytedance.com>. The other scenes are named
after what Linux does and their broken variant leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from ptlab.classroom.question import Wrong, refused
from ptlab.classroom.report import Finding
from ptlab.classroom.schedule_question import ScheduleQuestion, Stage, shortest, verdict_of
from ptlab.classroom.sets.scheduler_shortest import Shortest
from ptlab.draw.names import plural


class Break(ScheduleQuestion):
    """Find a schedule that breaks the naive design."""

    name = "scheduler-1"
    title = "break the naive design"
    points = 4
    minutes = 25
    goal = "find an order of steps in which freeing a table goes wrong"
    hints = (
        "The naive design frees a PTE page with its last entry. Who may still be on the way to it?",
        "A fault reads the PMD entry first and writes into the table later. What must happen in "
        "between for the write to be lost?",
        "Run the writer until it has found the table, but has not taken the PTE lock yet. Then "
        "run MADV_DONTNEED until the table is unhooked. Then run the writer again.",
    )

    def pose(self, rng: Random) -> Stage:
        """A zap of the only page, a fault and one more task, in any order."""
        page = rng.randrange(4)
        others = rng.sample([k for k in range(1, 8) if k != page], 2)
        tasks = [
            f"DONTNEED page {page}",
            f"{rng.choice(['write', 'read'])} page {others[0]}",
            f"{rng.choice(['write', 'read'])} page {others[1]}",
        ]
        rng.shuffle(tasks)
        return Stage("naive", tuple(tasks), page)

    def text(self, problem: Stage) -> str:
        """The stage and the tasks."""
        return (
            "The **naive design** counts the entries of a PTE page and frees it with the last "
            "one. It does not count visitors. (It was never proposed: the design document of 2021 "
            "shows with it what goes wrong.) In the beginning a PTE page has one entry, for page "
            f"{problem.page}. Three tasks run on three CPUs:\n\n"
            f"{self._tasks(problem)}\n\n"
            "**Find a schedule that breaks a rule**: a write is lost, a page is freed with an "
            "entry in it, or "
            "a freed page is used.\n\n" + self.form.format(name=self.name)
        )

    def grade(self, problem: Stage, answer: object, further: Sequence[Stage] = ()) -> list[Finding]:
        """Half a point for a schedule that runs, the rest for the broken rule."""
        played = self.played(problem, answer)
        if isinstance(played, str):
            return refused(played, self.points)
        ran = Finding(True, f"{plural(len(played.schedule), 'segment')} run as written", 0.5)
        return [ran, verdict_of(played, 3.5)]

    def solve(self, problem: Stage) -> str:
        """What the explorer finds for the zap and the first of the others."""
        zap = next(task for task in problem.tasks if task.startswith("DONTNEED"))
        fault = next(task for task in problem.tasks if task != zap)
        letters = {"A": problem.tasks.index(zap), "B": problem.tasks.index(fault)}
        found = shortest(replace(problem, tasks=(zap, fault)))
        return "".join("ABC"[letters[x]] if x in letters else x for x in found)

    def wrong(self, problem: Stage) -> list[Wrong]:
        """Schedules that are in order."""
        return self.plain_mistakes(problem)


QUESTIONS = (Break(), Shortest())
