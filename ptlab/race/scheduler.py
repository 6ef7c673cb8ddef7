"""Tasks and the scheduler: several kernel paths at once, each on its own CPU, one segment at a time.

A task is a kernel path, the same generator as everywhere. From one yield to the next it runs
undisturbed: that is one atomic segment, and one letter of a schedule. The schedule "AAB" runs two
segments of task A, then one of task B. "R" is RCU: it frees pages whose grace period is over.

Simplified: memory is sequentially consistent, unless a scene is `weak` (store_buffer), and everything
between two yields is atomic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ptlab.base.errors import KernelError, NotModelled
from ptlab.base.facts import Lock
from ptlab.base.footprint import Access, Footprint
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.draw.names import lock_name
from ptlab.draw.sentences import sentence
from ptlab.process.process import Process
from ptlab.race.broken_locks import Blocked, Deadlock, Starvation
from ptlab.race.broken_rule import GoesAstray, LosesPage, NeverEnds, Page, Verdict
from ptlab.race.mistakes import at_work, explain, handed_on, not_a_step
from ptlab.race.outside_state import OutsideState
from ptlab.race.rules import Checker
from ptlab.race.sanitizer import Sanitizer
from ptlab.race.task import Task, polled
from ptlab.race.watched_columns import place_of
from ptlab.state.journal import Operation

RCU = "R"
"""The letter of the task that ends grace periods."""

MOST_STEPS = 600
"""A schedule that is longer never ends. The longest of a scene that does end has some 200 steps."""

_LOOKING = (Kind.FAIL, Kind.LOOK, Kind.WAIT, Kind.LOCK, Kind.UNLOCK)
_REMEMBERED = (Kind.WAIT, Kind.UNHOOK)
_NOTHING: frozenset[Any] = frozenset()
_SPINS = ("pmd_lock", "ptl", "page_table_lock")


class Segment(NamedTuple):
    """What a task did in one go. `step` is None if the task has ended."""

    task: str
    step: Step | None
    footprint: Footprint


class Scheduler:
    """Runs the tasks of `paths` on the machine of `process`, as a schedule says.

    `paths` are the tasks by what they do; they get the letters A, B, C. `without` names the
    precautions to leave out. Without `lock_order` a wrong order of locks is no failure, only the
    deadlock is. `verdict` is None until a rule is broken.
    """

    def __init__(
        self,
        process: Process,
        paths: Mapping[str, Path[Any]],
        without: Iterable[Precaution] = (),
        lock_order: bool = True,
        weak: bool = False,
    ) -> None:
        self.process, self.machine = process, process.machine
        self.tasks = [
            Task(chr(ord("A") + number), doing, path)
            for number, (doing, path) in enumerate(paths.items())
        ]
        self._rcu = Task(RCU, "RCU: a grace period is over", process.machine.rcu_do_batch())
        machine = self.machine
        machine.held.extend(() for _ in self.tasks[1:])
        self.sanitizer = Sanitizer(machine, len(self.tasks), frozenset(without), weak)
        machine.others = self.sanitizer
        self.checker = Checker(process.mm, lock_order)
        self.schedule = ""
        self.verdict: Verdict | None = None
        owners = machine, machine.mem, *machine.mms, *machine.files
        self._outside = OutsideState(machine.scheme, owners)
        self._enabled = self._able()
        self._operation: tuple[str, Operation] | None = None

    # -- running --

    def enabled(self) -> str:
        """The letters of the tasks that can run now, in order; none after a verdict."""
        return self._enabled if self.verdict is None else ""

    def _able(self) -> str:
        letters = "".join(task.letter for task in self.tasks if self._can_run(task))
        return letters + RCU if self.sanitizer.grace_period_over() else letters

    def why_blocked(self, task: Task) -> Blocked | None:
        """What `task` waits for; None if it can run or is done."""
        if task.done or self._can_run(task):
            return None
        wants = task.wants
        holders = self._holders(task, wants) if wants else ()
        if wants is None or not holders:
            return Blocked(task.letter, table=polled(self.machine.mem, task))
        return Blocked(task.letter, lock_name(self.machine.mem, wants), holders)

    def run(self, schedule: str) -> Verdict | None:
        """Run the tasks as `schedule` says, up to a verdict, which is returned."""
        for letter in schedule:
            if self.verdict is not None:
                break
            self.go(letter)
        return self.verdict

    def replay(self, segments: Sequence[tuple[str, Footprint]]) -> None:
        """Run segments again that ran before from the same beginning and broke no rule.

        This is much faster than `go`: no rule is checked, no footprint is taken.
        """
        remember, now = self.checker.remember, len(self.schedule)
        with self.sanitizer.looking_away():
            for letter, footprint in segments:
                now += 1
                self.schedule += letter
                self.sanitizer.now, self.sanitizer.running = now, letter
                task = self._task(letter)
                if letter == RCU:
                    step: Step | None = next(self.machine.rcu_do_batch())
                else:
                    step = self._next(task)
                    self._look_again(task, step)
                self._wake(letter, footprint)
                if step is not None and step.kind in _REMEMBERED:
                    remember(task, step, self.schedule)
            self.checker.look()
        self.sanitizer.protection.pages.take()
        self._enabled = self._able()

    def go(self, letter: str) -> Segment:
        """Run one segment of the task `letter`."""
        enabled = self.enabled()
        if letter not in enabled or not letter:
            letters = [task.letter for task in self.tasks] + [RCU]
            why = "cannot run here" if letter in letters else "is not a task"
            raise ValueError(
                f"schedule {self.schedule + letter!r}: {letter!r} {why}, "
                f"{'only ' if enabled else ''}{' or '.join(enabled) or 'nobody'} can"
            )
        self.schedule += letter
        self.sanitizer.now, self.sanitizer.running = len(self.schedule), letter
        self.sanitizer.stale.new_segment()
        if letter == RCU:
            step = next(self.machine.rcu_do_batch())
            segment = Segment(letter, step, self.sanitizer.take())
            self._record(segment, self.machine.rcu_do_batch())
        else:
            segment = self._resume(self._task(letter))
            self._record(segment, self._task(letter).path)
        self._wake(letter, segment.footprint)
        self._enabled = self._able()
        self._judge(segment)
        return segment

    def _task(self, letter: str) -> Task:
        return self._rcu if letter == RCU else self.tasks[ord(letter) - ord("A")]

    def _next(self, task: Task) -> Step | None:
        """The next step of a path; None at its end."""
        self.machine.task = ord(task.letter) - ord("A")
        buffer = self.sanitizer.buffer
        if buffer and (late := buffer.late(self.machine.task)):
            buffer.settle(self.machine.task)
            return Step(Kind.VISIBLE, "store buffer", None, len(late))
        try:
            task.step = next(task.path)
        except (StopIteration, KernelError):
            task.step, task.done = None, True
        return task.step

    def _resume(self, task: Task) -> Segment:
        step: Step | None = None
        try:
            step = self._next(task)
        except NotModelled:
            raise
        except Exception as error:
            mistake = explain(error, self.machine.scheme)
            if mistake is not None:
                raise mistake from error
            # The simulated kernel trusts the tables; after a race they may hold anything.
            task.step, task.done = None, True
            called = handed_on(error, self.machine.scheme)
            self.sanitizer.broken.append(GoesAstray(task.letter, str(error), called))
        if not task.done and not isinstance(task.step, Step):
            raise not_a_step(task.step, task.path, self.machine.scheme)
        self._outside.look()
        segment = Segment(task.letter, step, self.sanitizer.take())
        self._look_again(task, step)
        return segment

    # -- waiting --

    def _can_run(self, task: Task) -> bool:
        if task.done or task.asleep:
            return False
        step = task.step
        if step is None or step.kind is not Kind.WAIT:
            return True
        assert isinstance(step.fact, Lock)
        return not self.machine.taken(step.fact, ord(task.letter) - ord("A"))

    def _look_again(self, task: Task, step: Step | None) -> None:
        """A task that polls twice without a change is suspended: no schedule goes on for ever.

        It is suspended where it holds no spinlock. If it never drops its spinlocks between two
        polls, it is suspended with them, and the tasks that need them wait.
        """
        if step is None or step.kind not in _LOOKING:
            task.vain, task.tired = _NOTHING, False
            return
        if step.kind is not Kind.FAIL and not task.vain and task.let_go:
            return
        holds = any(lock.name in _SPINS for lock in self.machine.held[self.machine.task])
        task.let_go = task.let_go or not holds
        if step.kind is Kind.FAIL and isinstance(step.tables, int):
            again, lets_go = bool(task.vain), task.let_go
            parent = int(self.machine.mem.parent[step.tables])
            slot = int(self.machine.mem.slot[step.tables])
            counts = {("count", step.tables, number) for number in range(len(self.tasks))}
            task.vain = frozenset({*counts, ("entry", parent, place_of(slot))})
            task.tired, task.let_go = again, not holds
            if again and not lets_go:
                task.asleep = task.vain
        if task.tired and not holds:
            task.asleep = task.vain

    def _wake(self, letter: str, footprint: Footprint) -> None:
        waiting = [t for t in self.tasks if t.vain or t.asleep]
        if not waiting:
            return
        written = {thing for thing, how in footprint.items() if how & Access.WRITE}
        for task in waiting:
            if task.letter != letter and written & (task.asleep | task.vain):
                task.asleep, task.vain, task.tired = _NOTHING, _NOTHING, False

    def _holders(self, task: Task, lock: Lock) -> tuple[str, ...]:
        return tuple(
            other.letter
            for other, held in zip(self.tasks, self.machine.held, strict=True)
            if other is not task and any(h.name == lock.name and h.of == lock.of for h in held)
        )

    # -- judging --

    def _judge(self, segment: Segment) -> None:
        broken = self.sanitizer.broken.copy()
        # What the checks read belongs to no footprint.
        self.sanitizer.away = self.sanitizer.judging = True
        broken += self.checker.after(self._task(segment.task), segment.step, self.schedule)
        lost = self.sanitizer.protection.pages.take()
        if lost and not broken:
            frame, table = min(lost.items())
            broken.append(LosesPage(segment.task, frame, Page.of(self.machine.mem, table)))
        if len(self.schedule) >= MOST_STEPS and segment.step is not None and segment.task != RCU:
            where = at_work(self._task(segment.task).path, self.machine.scheme)
            broken.append(NeverEnds(segment.task, MOST_STEPS, where))
        if not broken and not self._enabled:
            blocked = tuple(filter(None, map(self.why_blocked, self.tasks)))
            rule = Starvation if any(task.asleep for task in self.tasks) else Deadlock
            with self.sanitizer.unwatched():
                broken = [rule(blocked)] if blocked else list(self.checker.at_rest())
        self.sanitizer.away = self.sanitizer.judging = False
        self.sanitizer.take()
        self.sanitizer.broken.clear()
        if broken and self.verdict is None:
            self.verdict = Verdict(tuple(broken))

    # -- words --

    def _record(self, segment: Segment, path: Path[Any]) -> None:
        journal, step = self.process.journal, segment.step
        if journal is None or step is None:
            return
        task = self._task(segment.task)
        doing = task.doing if task is self._rcu else f"{task.letter}: {task.doing}"
        if self._operation is None or self._operation[0] != segment.task:
            now, who = len(journal), self.process.mm.id
            self._operation = segment.task, Operation(doing, now, now, who)
            journal.operations.append(self._operation[1])
        journal.commit(step, path)
        self._operation[1].last = len(journal)

    def tell(self, step: Step | None) -> str:
        """`step`, which has just run, as a sentence."""
        return "it is done." if step is None else sentence(self.machine.mem, step)
