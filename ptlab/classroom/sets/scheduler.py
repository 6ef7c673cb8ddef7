"""Set 4, be the scheduler: find the order of steps that breaks a design, then the shortest one.

The naive design counts entries but no visitors; it is the example of Documentation/vm/pte_ref.rst,
section 3, Message-Id <20211110105428.32458-15-zhengqi.arch@bytedance.com>. The other scenes are named
after what Linux does and their broken variant leaves out.
"""

from __future__ import annotations

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
from ptlab.classroom.sets.scheduler_shortest import Shortest
from ptlab.classroom.wording import Fills
from ptlab.draw.names import plural


class Break(ScheduleQuestion):
    """Find a schedule that breaks the naive design."""

    name = "scheduler-1"

    def pose(self, rng: Random) -> Stage:
        """A zap of all pages, a fault on another one, and four faults elsewhere, in any order."""
        first, count = rng.randrange(240), rng.randint(2, 12)
        last = first + count - 1
        faults = [
            Work(rng.choice(("write", "read")), page, page)
            for page in rng.sample(range(last + 1, 500), 5)
        ]
        elsewhere = [fault._replace(elsewhere=True) for fault in faults[1:]]
        tasks = [Work("DONTNEED", first, last), faults[0], *elsewhere]
        rng.shuffle(tasks)
        return Stage("naive", tuple(tasks), (first, last))

    def in_text(self, problem: Stage) -> Fills:
        """The stage and the tasks."""
        return {"tasks": self._tasks(problem), "form": self.form.format(name=self.name)}

    def judge(self, problem: Stage, answer: object, further: Sequence[Stage] = ()) -> list[Finding]:
        """All or nothing: any schedule runs."""
        played = self.played(problem, answer)
        if isinstance(played, str):
            return refused(played, self.points)
        ran = Finding(True, f"{plural(len(played.schedule), 'segment')} run as written")
        return [ran, verdict_of(played, self.points)]


QUESTIONS = (Break(), Shortest())
