"""Set 4, be the scheduler: find the order of steps that breaks a design, then the shortest one.

The naive design counts entries but no visitors; it is the example of Documentation/vm/pte_ref.rst,
section 3, Message-Id <20211110105428.32458-15-zhengqi.arch@bytedance.com>. The other scenes are named
after what Linux does and their broken variant leaves out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ptlab.classroom.question import Question, Wrong, refused, shown
from ptlab.classroom.report import Finding
from ptlab.explore import explore
from ptlab.narrate import plural
from ptlab.process import Process
from ptlab.race import Race
from ptlab.scenes import SCENES, Scene
from ptlab.scenes.base import PAGE, Paths, dontneed, one_table, read, write
from ptlab.steps import Path
from ptlab.tasks import RCU, Scheduler

_LONGEST = 400


@dataclass(frozen=True)
class Stage:
    """A scene, and its tasks in the order of their letters.

    scene  the name of a built-in one, or "naive"
    tasks  what the tasks do
    page   in the naive scene: the page that is there from the beginning
    """

    scene: str
    tasks: tuple[str, ...]
    page: int = 0

    def build(self) -> Scene:
        """The scene with the tasks as A, B, C."""
        base = SCENES["abc" if self.scene == "naive" else self.scene]
        prepare = self._naive if self.scene == "naive" else base.prepare

        def in_order(process: Process) -> Paths:
            paths = prepare(process)
            return {doing: paths[doing] for doing in self.tasks}

        title = base.title if self.scene != "naive" else "Counting entries, but no visitors"
        return replace(base, name=self.scene, title=title, prepare=in_order)

    def race(self, schedule: str = "") -> Race:
        """The scene to play with; in JupyterLab a widget."""
        return Race(self.build(), "broken", schedule)

    def _naive(self, process: Process) -> Paths:
        heap = one_table(process, self.page)
        return {doing: _path(process, heap, doing) for doing in self.tasks}


def _path(process: Process, heap: int, doing: str) -> Path[Any]:
    verb, page = doing.split(" page ")
    at = heap + int(page) * PAGE
    if verb == "DONTNEED":
        return dontneed(process, at, PAGE)
    return (write if verb == "write" else read)(process, at)


class ScheduleQuestion(Question[Stage]):
    """The answer is a schedule: a line of letters."""

    form = (
        "A schedule is a line of letters, such as `AABBA`: each letter runs one segment of that "
        "task, up "
        "to its next step. `R` is RCU: it ends a grace period, when one is waited for. A task "
        "that waits "
        "for a lock cannot run. What comes after a broken rule does not count.\n\n"
        "Play with it: `ptlab.ask({name!r}).problem.race()`. Answer with the schedule as text."
    )

    def played(self, problem: Stage, answer: object) -> Scheduler | str:
        """The scene after the schedule; or why the answer is none."""
        if type(answer) is not str:
            return f"the answer is {shown(answer)}; it should be a schedule, such as 'AABBA'"
        letters = "".join(answer.split()).upper()
        known = "ABCDEFGH"[: len(problem.tasks)] + RCU
        strange = sorted(set(letters) - set(known))
        if not letters or strange or len(letters) > _LONGEST:
            what = (
                f"it has {', '.join(map(repr, strange[:3]))}"
                if strange
                else f"{len(letters)} letters"
            )
            return (
                f"{shown(answer)} is no schedule ({what}): it should be 1 to {_LONGEST} of the "
                f"letters {', '.join(known)}"
            )
        scheduler = problem.build().start("broken")
        for letter in letters:
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

    def why(self, problem: Stage) -> str:
        """The schedule, with what is done in it."""
        schedule = str(self.solve(problem))
        scheduler = problem.build().start("broken")
        lines = [f"{letter}  {scheduler.tell(scheduler.go(letter).step)}" for letter in schedule]
        told = "\n".join(lines)
        return (
            f"`{schedule}`:\n\n```text\n{told}\n```\n\nThen a rule is broken: {scheduler.verdict}."
        )

    def _plain_mistakes(self, problem: Stage) -> list[Wrong]:
        """Schedules that break nothing, whatever the stage is."""
        best = str(self.solve(problem))
        one = _alone(problem, "A")
        both = one + _alone(problem, "B", one)
        first = best[0]
        return [
            Wrong("one-after-the-other", _SERIAL, both, 0.5),
            Wrong("one-task-is-enough", _SERIAL, one, 0.5),
            Wrong("stops-before", _EARLY, best[:-1], 0.5),
            Wrong("never-preempted", _SWITCH, best[: len(best) - len(best.lstrip(first))], 0.5),
            Wrong("rcu-first", _RCU, RCU + best, 0),
            Wrong("tasks-that-are-not-there", _LETTERS, "XYZ", 0),
        ]


_SERIAL = "Tasks that run one after the other meet nobody. Where must one not be disturbed?"
_EARLY = "No rule is broken yet. Which step would break one?"
_RCU = "A grace period ends only when a page waits for it."
_LETTERS = "Each task has a letter of its own."
_SWITCH = "A race takes at least two tasks."


def _stopped(scheduler: Scheduler, letter: str) -> str:
    task = next((task for task in scheduler.tasks if task.letter == letter), None)
    done = len(scheduler.schedule)
    if task is None:
        why = "no grace period is waited for"
    else:
        why = "it is done" if task.done else f"it {scheduler.why_blocked(task)}"
    can = " or ".join(scheduler.enabled()) or "nobody"
    return (
        f"letter {done + 1}: {letter} cannot run after {scheduler.schedule!r}, for {why}; {can} can"
    )


def _where_they_are(scheduler: Scheduler) -> str:
    """Where each task stands at the end, as a hint what to look at."""
    told = []
    for task in scheduler.tasks:
        at = "is done" if task.done else "has not begun"
        if not task.done and task.step is not None:
            at = f"has just done {task.step.fn}"
        told.append(f"{task.letter} {at}")
    return f"At the end: {', '.join(told)}."


def _alone(problem: Stage, letter: str, after: str = "") -> str:
    """The letters that run a task to its end, after some others; RCU when nobody else can."""
    scheduler = problem.build().start("broken")
    scheduler.run(after)
    while letter in scheduler.enabled():
        scheduler.go(letter)
    return scheduler.schedule[len(after) :]


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
        return [ran, _verdict(played, 3.5)]

    def solve(self, problem: Stage) -> str:
        """What the explorer finds for the zap and the first of the others."""
        zap = next(task for task in problem.tasks if task.startswith("DONTNEED"))
        fault = next(task for task in problem.tasks if task != zap)
        letters = {"A": problem.tasks.index(zap), "B": problem.tasks.index(fault)}
        found = _shortest(replace(problem, tasks=(zap, fault)))
        return "".join("ABC"[letters[x]] if x in letters else x for x in found)

    def wrong(self, problem: Stage) -> list[Wrong]:
        """Schedules that are in order."""
        return self._plain_mistakes(problem)


def _verdict(scheduler: Scheduler, worth: float) -> Finding:
    if scheduler.verdict is not None:
        return Finding(True, f"a rule is broken: {scheduler.verdict}", worth)
    return Finding(False, "no rule is broken.", worth, _where_they_are(scheduler), "no-race")


class Shortest(ScheduleQuestion):
    """Find a schedule that breaks a scene and is as short as the explorer's."""

    name = "scheduler-2"
    title = "as short as possible"
    points = 5
    minutes = 25
    goal = "reduce a failing schedule to the steps that matter"
    hints = (
        "First find any schedule that fails. What does the missing precaution keep apart when it "
        "is there?",
        "A segment matters if the schedule does not fail without it. Try to leave segments out, "
        "from the end on.",
        "Each task should be left at the latest moment at which the other can still do harm, and "
        "entered again only for the step that does it. Two changes from one task to the other are "
        "often enough.",
    )

    def pose(self, rng: Random) -> Stage:
        """One of the quick scenes with two tasks, in either order."""
        scene = rng.choice(_QUICK)
        tasks = list(_doings(scene))
        rng.shuffle(tasks)
        return Stage(scene, tuple(tasks))

    def text(self, problem: Stage) -> str:
        """The scene, what it lacks, the tasks."""
        scene = SCENES[problem.scene]
        return (
            f"**{scene.title}.** That is how it should be. Here something is missing: "
            f"**{scene.missing}**. (Linux {scene.kernel}, `{scene.broken.scheme.name}`.) Two tasks "
            "run on two CPUs:\n\n"
            f"{self._tasks(problem)}\n\n"
            "**Find a failing schedule that is as short as possible.** It is compared with the "
            "shortest that a search of all schedules has found; a shorter one is as good.\n\n"
            + self.form.format(name=self.name)
        )

    def grade(self, problem: Stage, answer: object, further: Sequence[Stage] = ()) -> list[Finding]:
        """Half a point for running, the most for failing, two for being short."""
        played = self.played(problem, answer)
        if isinstance(played, str):
            return refused(played, self.points)
        length = plural(len(played.schedule), "segment")
        findings = [Finding(True, f"{length} run as written", 0.5), _verdict(played, 2.5)]
        if played.verdict is None:
            return [*findings, Finding(False, "its length counts once it fails", 2)]
        over = len(played.schedule) - len(self.solve(problem))
        if over <= 0:
            return [*findings, Finding(True, "no shorter one is known", 2)]
        partly = [Finding(True, "nearly as short as possible", 1)] if over <= 3 else []
        shorter = f"{length} are more than it takes"
        rest = Finding(False, shorter, 2 - len(partly), _LEAVE_OUT, "keeps-what-does-not-matter")
        return [*findings, *partly, rest]

    def solve(self, problem: Stage) -> str:
        """The explorer's shortest."""
        return _shortest(problem)

    def wrong(self, problem: Stage) -> list[Wrong]:
        """Schedules that are in order, and one that is too long."""
        longer = _longer(problem)
        slow = Wrong("keeps-what-does-not-matter", _LEAVE_OUT, longer, 4)
        return [*self._plain_mistakes(problem), *([slow] if longer else [])]


_LEAVE_OUT = "Is there a segment without which it still fails?"
_QUICK = (
    "install",
    "same-entry",
    "pmd-same",
    "exclusive",
    "walker-rcu",
    "rmap-install",
    "try-get-rcu",
    "gup-fast",
    "gup-ipi",
    "stale-tlb",
)
"""Built-in scenes of two tasks whose search takes a moment only."""


@functools.cache
def _doings(scene: str) -> tuple[str, ...]:
    return tuple(task.doing for task in SCENES[scene].start("broken").tasks)


@functools.cache
def _shortest(problem: Stage) -> str:
    found = explore(problem.build(), "broken")
    assert found.shortest is not None
    return found.shortest


@functools.cache
def _longer(problem: Stage) -> str | None:
    """A failing schedule that is longer than the shortest, found by chance; None if chance fails."""
    best, chance = len(_shortest(problem)), Random(0)
    for _ in range(40):
        scheduler = problem.build().start("broken")
        while scheduler.enabled():
            scheduler.go(chance.choice(scheduler.enabled()))
        if scheduler.verdict is not None and len(scheduler.schedule) > best:
            return scheduler.schedule
    return None


QUESTIONS = (Break(), Shortest())
