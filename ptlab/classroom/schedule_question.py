"""ScheduleQuestion: the answer is a schedule, a line of letters, that is run on a scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ptlab.base.geometry import TiB
from ptlab.base.steps import Path
from ptlab.classroom.question import Question, shown
from ptlab.classroom.report import Finding
from ptlab.process.process import Process
from ptlab.race.interactive import Race
from ptlab.race.scenes import SCENES, Scene
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, Paths, dontneed, one_table, read, write
from ptlab.race.scheduler import RCU, Scheduler

_LONGEST = 400


class Work(NamedTuple):
    """What a task does that no scene has: it accesses or drops the pages [first, last].

    elsewhere  in a mapping of its own, where it meets nobody
    """

    verb: str
    first: int
    last: int
    elsewhere: bool = False

    def __str__(self) -> str:
        pages = f"page {self.first}"
        if self.last > self.first:
            pages = f"pages {self.first} to {self.last}"
        return f"{self.verb} {pages}{' of another mapping' if self.elsewhere else ''}"

    def path(self, process: Process, mapping: int) -> Path[Any]:
        """The kernel path that does it."""
        at = mapping + self.first * PAGE
        if self.verb == "DONTNEED":
            return dontneed(process, at, (self.last - self.first + 1) * PAGE)
        return (write if self.verb == "write" else read)(process, at)


@dataclass(frozen=True)
class Stage:
    """A scene, and its tasks in the order of their letters: those of the scene by name, or our own.

    scene  the name of a built-in one, or "naive"
    pages  in the naive scene: the pages [first, last] that are there from the beginning
    """

    scene: str
    tasks: tuple[str | Work, ...]
    pages: tuple[int, int] = (0, 0)

    def only(self, *tasks: str | Work) -> Stage:
        """The same stage with these tasks alone."""
        return replace(self, tasks=tasks)

    def build(self) -> Scene:
        """The scene with the tasks as A, B, C."""
        base = SCENES["abc" if self.scene == "naive" else self.scene]
        title = base.title if self.scene != "naive" else "Counting entries, but no visitors"
        return replace(base, name=self.scene, title=title, prepare=self._prepare)

    def race(self, schedule: str = "") -> Race:
        """The scene to play with; in JupyterLab a widget."""
        return Race(self.build(), "broken", schedule)

    def _prepare(self, process: Process) -> Paths:
        first, last = self.pages
        naive = self.scene == "naive"
        heap = one_table(process, *range(first, last + 1)) if naive else 0
        paths = dict[str, Any]() if naive else dict(SCENES[self.scene].prepare(process))
        work = [task for task in self.tasks if isinstance(task, Work)]
        own = process.mmap(TABLE, at=BASE + TiB) if any(one.elsewhere for one in work) else 0
        paths |= {str(one): one.path(process, own if one.elsewhere else heap) for one in work}
        return {str(task): paths[str(task)] for task in self.tasks}


class ScheduleQuestion(Question[Stage]):
    """The answer is a schedule: a line of letters."""

    form = (
        "A schedule is a line of letters, such as `AABBA`: each letter runs one segment of that "
        "task, up to its next step. `R` is RCU: it ends a grace period, when one is waited for. A "
        "task that waits for a lock cannot run. What comes after a broken rule does not count.\n\n"
        "Play with it: `ptlab.ask({name!r}).problem.race()`. Answer with the schedule as text."
    )

    def ill_formed(self, problem: Stage, answer: object) -> str:
        """It is no line of the letters that there are. Whether each can run is not looked at."""
        if type(answer) is not str:
            return f"the answer is {shown(answer)}; it should be a schedule, such as 'AABBA'"
        letters, known = _letters(answer), _known(problem)
        strange = sorted(set(letters) - set(known))
        if letters and not strange and len(answer) <= 2 * _LONGEST and len(letters) <= _LONGEST:
            return ""
        has = ", ".join(map(repr, strange[:3])) or f"{len(answer)} characters"
        return (
            f"{shown(answer)} is no schedule (it has {has}): it should be 1 to {_LONGEST} of the "
            f"letters {', '.join(known)}"
        )

    def played(self, problem: Stage, answer: object) -> Scheduler | str:
        """The scene after the schedule; or why the answer is none."""
        if why := self.ill_formed(problem, answer):
            return why
        scheduler = problem.build().start("broken")
        for letter in _letters(str(answer)):
            if scheduler.verdict is not None:
                break
            if letter not in scheduler.enabled():
                return _stopped(scheduler, letter)
            scheduler.go(letter)
        return scheduler

    def _tasks(self, problem: Stage) -> str:
        return "\n".join(
            f"* task {letter}: {doing}"
            for letter, doing in zip("ABCDEFGH", problem.tasks, strict=False)
        )


def _letters(answer: str) -> str:
    return "".join(answer[: 2 * _LONGEST].split()).upper()


def _known(problem: Stage) -> str:
    return "ABCDEFGH"[: len(problem.tasks)] + RCU


def _stopped(scheduler: Scheduler, letter: str) -> str:
    task = next((task for task in scheduler.tasks if task.letter == letter), None)
    done = len(scheduler.schedule)
    if task is None:
        why = "no grace period is waited for"
    else:
        why = "it is done" if task.done else f"it {scheduler.why_blocked(task)}"
    can = " or ".join(scheduler.enabled()) or "nobody"
    when = f"after {scheduler.schedule!r}" if done else "at the beginning"
    return f"letter {done + 1}: {letter} cannot run {when}, for {why}; {can} can"


def _where_they_are(scheduler: Scheduler) -> str:
    """Where each task stands at the end, as a hint what to look at."""
    ends = []
    for task in scheduler.tasks:
        at = "is done" if task.done else "has not begun"
        if not task.done and task.step is not None:
            at = f"has just done {task.step.fn}"
        ends.append(f"{task.letter} {at}")
    return f"At the end: {', '.join(ends)}."


def verdict_of(scheduler: Scheduler, worth: float) -> Finding:
    """`worth` points if a rule is broken; else where the tasks stand."""
    if scheduler.verdict is not None:
        return Finding(True, f"a rule is broken: {scheduler.verdict.sentence}", worth)
    return Finding(False, "no rule is broken.", worth, _where_they_are(scheduler), "no-race")
