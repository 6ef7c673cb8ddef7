"""Tasks and the scheduler: several kernel paths at once, each on its own CPU, one segment at a time.

A task is a kernel path, the same generator as everywhere. From one yield to the next it runs
undisturbed: that is one atomic segment, and one letter of a schedule. The schedule "AAB" runs two
segments of task A, then one of task B; "R" is RCU, which frees what has waited long enough.

Simplified: memory is sequentially consistent, and what lies between two yields is atomic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ptlab.base.errors import KernelError
from ptlab.base.facts import Lock
from ptlab.base.footprint import Access, Footprint
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.draw.names import lock_name
from ptlab.draw.sentences import sentence
from ptlab.process.process import Process
from ptlab.race.rules import Checker
from ptlab.race.sanitizer import Sanitizer
from ptlab.state.journal import Operation, call_path
from ptlab.state.scheme import explained

RCU = "R"
"""The letter of the task that ends grace periods."""

_LOOKING = (Kind.FAIL, Kind.LOOK, Kind.WAIT, Kind.LOCK, Kind.UNLOCK)
_SPINS = ("pmd_lock", "ptl", "page_table_lock")


class Segment(NamedTuple):
    """What a task did in one go. `step` is None where it came to its end."""

    task: str
    step: Step | None
    footprint: Footprint


class Task:
    """One kernel path on its own CPU.

    letter  its name in schedules
    doing   what it does, in words
    path    the generator
    step    the last Step it has yielded
    done    whether it has come to its end
    asleep  where it looks again and again in vain: the objects one of which must change first
    """

    def __init__(self, letter: str, doing: str, path: Path[Any]) -> None:
        self.letter, self.doing, self.path = letter, doing, path
        self.step: Step | None = None
        self.done = False
        self.asleep: frozenset[Any] = frozenset()
        self.vain: frozenset[Any] = frozenset()
        """What its last look, which was in vain, has seen."""
        self.let_go = False
        """Whether it held no spinlock for a moment since then."""
        self.tired = False
        """Whether it has looked in vain twice: it sleeps when it next holds no spinlock."""

    @property
    def wants(self) -> Lock | None:
        """The lock it has announced and does not hold yet."""
        if self.step is None or self.step.kind is not Kind.WAIT or self.done:
            return None
        assert isinstance(self.step.fact, Lock)
        return self.step.fact


class Scheduler:
    """Runs the tasks of `paths` on the machine of `process`, as a schedule says.

    `paths` are the tasks by what they do; they get the letters A, B, C. `without` names the guards
    to leave out. `verdict` is None until a rule is broken, then the sentence that says so.
    """

    def __init__(
        self,
        process: Process,
        paths: Mapping[str, Path[Any]],
        without: Iterable[Precaution] = (),
    ) -> None:
        self.process, self.machine = process, process.machine
        self.tasks = [
            Task(chr(ord("A") + number), doing, path)
            for number, (doing, path) in enumerate(paths.items())
        ]
        machine = self.machine
        machine.held.extend(() for _ in self.tasks[1:])
        self.watch = Sanitizer(machine, len(self.tasks), frozenset(without))
        machine.others = self.watch
        self.checker = Checker(process.mm)
        self.schedule = ""
        self.verdict: str | None = None
        self._enabled = self._able()
        self._operation: tuple[str, Operation] | None = None

    # -- running --

    def enabled(self) -> str:
        """The letters of the tasks that can run now, in order; none after a verdict."""
        return self._enabled if self.verdict is None else ""

    def _able(self) -> str:
        letters = "".join(task.letter for task in self.tasks if self._can_run(task))
        return letters + RCU if self.watch.grace_period_over() else letters

    def why_blocked(self, task: Task) -> str | None:
        """What `task` waits for, in words; None if it can run or is done."""
        if task.done or self._can_run(task):
            return None
        wants = task.wants
        if wants is None:
            return "looks again and again in vain: nothing that it looks at has changed"
        name = lock_name(self.machine.mem, wants)
        return f"waits for {name}, which {self._holder(task, wants)} holds"

    def run(self, schedule: str) -> str | None:
        """Run the tasks as `schedule` says, up to a verdict, which is returned."""
        for letter in schedule:
            if self.verdict is not None:
                break
            self.go(letter)
        return self.verdict

    def replay(self, segments: Sequence[tuple[str, Footprint]]) -> None:
        """Run segments that have run before, from the same beginning, and broken no rule.

        Much faster than `go`: nothing is judged, no footprint is taken.
        """
        with self.watch.looking_away():
            for letter, footprint in segments:
                self.schedule += letter
                self.watch.now = len(self.schedule)
                if letter == RCU:
                    segment = Segment(letter, next(self.machine.rcu_do_batch()), footprint)
                else:
                    task = self.tasks[ord(letter) - ord("A")]
                    segment = self._resume(task)._replace(footprint=footprint)
                self._wake(segment)
                self.checker.remember(letter, segment.step, self.watch.now)
            self.checker.look()
        self._enabled = self._able()

    def go(self, letter: str) -> Segment:
        """Run one segment of the task `letter`."""
        enabled = self.enabled()
        if letter not in enabled or not letter:
            letters = [task.letter for task in self.tasks] + [RCU]
            why = "cannot run here" if letter in letters else "is no task"
            raise ValueError(
                f"schedule {self.schedule + letter!r}: {letter!r} {why}, "
                f"{'only ' if enabled else ''}{' or '.join(enabled) or 'nobody'} can"
            )
        self.schedule += letter
        self.watch.now = len(self.schedule)
        if letter == RCU:
            step = next(self.machine.rcu_do_batch())
            segment = Segment(letter, step, self.watch.take())
            self._record(segment, self.machine.rcu_do_batch())
        else:
            task = self.tasks[ord(letter) - ord("A")]
            segment = self._resume(task)
            self._record(segment, task.path)
        self._wake(segment)
        self._enabled = self._able()
        self._judge(segment)
        return segment

    def _resume(self, task: Task) -> Segment:
        self.machine.task = ord(task.letter) - ord("A")
        try:
            task.step = next(task.path)
        except (StopIteration, KernelError):
            task.step, task.done = None, True
        except (IndexError, AssertionError, TypeError) as error:
            if isinstance(error, TypeError) and explained(error):
                raise  # a bug of the scheme's, with any schedule
            # The engine trusts what it finds in the tables; after a race that may be anything.
            task.step, task.done = None, True
            self.watch.broken.append(f"goes astray in corrupted page tables ({error})")
        segment = Segment(task.letter, task.step, self.watch.take())
        self._look_again(task, segment)
        return segment

    # -- waiting --

    def _can_run(self, task: Task) -> bool:
        if task.done or task.asleep:
            return False
        wants = task.wants
        return wants is None or not self.machine.taken(wants, ord(task.letter) - ord("A"))

    def _look_again(self, task: Task, segment: Segment) -> None:
        """A task that looks in vain a second time sleeps, so that a schedule cannot go on for ever.

        It does so where it holds no spinlock, as a CPU that spins politely; if it never lets go of
        its locks in between, it sleeps with them, and whoever needs them waits.
        """
        step = segment.step
        if step is None or step.kind not in _LOOKING:
            task.vain, task.tired = frozenset(), False
            return
        holds = any(lock.name in _SPINS for lock in self.machine.held[self.machine.task])
        task.let_go = task.let_go or not holds
        if step.kind is Kind.FAIL and isinstance(step.tables, int):
            again, lets_go = bool(task.vain), task.let_go
            parent = int(self.machine.mem.parent[step.tables])
            slot = int(self.machine.mem.slot[step.tables])
            counts = {("count", step.tables, number) for number in range(len(self.tasks))}
            task.vain = frozenset({*counts, ("entry", parent, min(slot, 3))})
            task.tired, task.let_go = again, not holds
            if again and not lets_go:
                task.asleep = task.vain
        if task.tired and not holds:
            task.asleep = task.vain

    def _wake(self, segment: Segment) -> None:
        waiting = [t for t in self.tasks if t.vain or t.asleep]
        if not waiting:
            return
        written = {thing for thing, how in segment.footprint.items() if how & Access.WRITE}
        for task in waiting:
            if task.letter != segment.task and written & (task.asleep | task.vain):
                task.asleep, task.vain, task.tired = frozenset(), frozenset(), False

    def _holder(self, task: Task, lock: Lock) -> str:
        return " and ".join(
            f"task {other.letter}"
            for other, held in zip(self.tasks, self.machine.held, strict=True)
            if other is not task and any(h.name == lock.name and h.of == lock.of for h in held)
        )

    # -- judging --

    def _judge(self, segment: Segment) -> None:
        broken = [f"task {segment.task} {text}" for text in self.watch.broken]
        self.watch.broken.clear()
        broken += self.checker.after(segment.task, segment.step, self.watch.now)
        if not broken and not self._enabled:
            ended = all(task.done for task in self.tasks)
            broken = self.checker.at_rest() if ended else [self._stuck()]
        self.watch.take()  # what the checkers looked at is nobody's footprint
        self.watch.broken.clear()
        if broken and self.verdict is None:
            self.verdict = "; ".join(broken)

    def _stuck(self) -> str:
        waiting = [task for task in self.tasks if not task.done]
        told = ", ".join(f"task {task.letter} {self.why_blocked(task)}" for task in waiting)
        return f"{'starvation' if any(task.asleep for task in waiting) else 'deadlock'}: {told}"

    # -- telling --

    def _record(self, segment: Segment, path: Path[Any]) -> None:
        journal, step = self.process.journal, segment.step
        if journal is None or step is None:
            return
        doing = "RCU: a grace period is over"
        if segment.task != RCU:
            doing = f"{segment.task}: {self.tasks[ord(segment.task) - ord('A')].doing}"
        if self._operation is None or self._operation[0] != segment.task:
            self._operation = segment.task, Operation(doing, len(journal), len(journal))
            journal.operations.append(self._operation[1])
        journal.commit(step, call_path(path))
        self._operation[1].last = len(journal)

    def tell(self, step: Step | None) -> str:
        """A step as a sentence, told now."""
        return "it is done." if step is None else sentence(self.machine.mem, step)
