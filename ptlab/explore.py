"""The race explorer: try every schedule of a scene that can make a difference.

Dynamic partial-order reduction: Flanagan and Godefroid, "Dynamic Partial-Order Reduction for Model
Checking Software", POPL 2005; sleep sets: Godefroid, "Partial-Order Methods for the Verification of
Concurrent Systems", 1996. Two segments depend on each other when one writes what the other uses;
schedules that only swap neighbours that do not depend on each other end alike, and one of them is
enough. The search is stateless: each schedule is run from the beginning.

With a bound on preemptions every schedule within the bound is run, without reduction, so that "no
failure up to 2 preemptions" means what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

from ptlab.scenes.base import Scene, Variant
from ptlab.tasks import Scheduler
from ptlab.watch import Access, Footprint


@dataclass(frozen=True)
class Result:
    """What a search has found.

    result     "failure", "exhausted" (every schedule that matters was run) or "bounded"
    schedules  how many were run to their end
    pruned     how many were given up: a schedule that ends alike had been run
    shortest   the shortest failing schedule found, or None
    verdict    what breaks in it, in words
    bound      the bound in words, None without one
    """

    scene: str
    variant: str
    result: str
    schedules: int
    pruned: int
    shortest: str | None
    verdict: str | None
    seconds: float
    bound: str | None = None

    def __str__(self) -> str:
        name = f"{self.scene} ({self.variant})"
        ran = f"{self.schedules} schedules run, {self.pruned} pruned, {self.seconds:.1f} s"
        if self.result == "failure":
            return f"{name}: {self.verdict}. Schedule {self.shortest} ({ran})"
        if self.result == "bounded":
            return f"{name}: no failure {self.bound}; this is not 'no failure' ({ran})"
        return f"{name}: no failure in any schedule ({ran})"


class Job(NamedTuple):
    """A part of the search: the schedules that begin with `prefix`, but not with one in `sleep`."""

    prefix: str
    sleep: dict[str, Footprint]


@dataclass
class Found:
    """What a job has found; `failures` are schedules with their verdicts."""

    schedules: int = 0
    pruned: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    def add(self, more: Found) -> None:
        """Count another job's findings too."""
        self.schedules += more.schedules
        self.pruned += more.pruned
        self.failures.update(more.failures)
        self.cut = self.cut or more.cut


@dataclass
class _Node:
    """A state on the present schedule: what can run there and what of it is still to be tried."""

    enabled: str
    sleep: dict[str, Footprint]
    todo: set[str]
    done: dict[str, Footprint] = field(default_factory=dict)
    chosen: str = ""


def dependent(a: Footprint, b: Footprint) -> bool:
    """Whether the order of two segments makes a difference: one writes what the other uses."""
    if len(a) > len(b):
        a, b = b, a
    return any((how | b[thing]) & Access.WRITE for thing, how in a.items() if thing in b)


def explore(
    scene: Scene,
    variant: str | Variant = "broken",
    executor: Executor | None = None,
    preemptions: int | None = None,
    most: int | None = None,
) -> Result:
    """Run every schedule of `scene` that can make a difference, on `executor` if one is given.

    `preemptions` bounds how often a task is left that could go on; `most` bounds the schedules run
    in each part of the search. Both are stated in the result.
    """
    began, found = perf_counter(), Found()
    if executor is None:
        found = search(scene, variant, Job("", {}), preemptions, most)
    else:
        jobs = list(_split(scene, variant, 64)) if preemptions is None else [Job("", {})]
        futures = [executor.submit(search, scene, variant, job, preemptions, most) for job in jobs]
        for future in futures:
            found.add(future.result())
    named = variant if isinstance(variant, str) else variant.scheme.name
    shortest, verdict = _shortest(scene, variant, found.failures)
    bound = None if preemptions is None else f"up to {preemptions} preemptions"
    if found.cut:
        bound = f"in the first {found.schedules} schedules"
    result = "failure" if shortest is not None else "bounded" if bound else "exhausted"
    seconds = perf_counter() - began
    return Result(
        scene.name,
        named,
        result,
        found.schedules,
        found.pruned,
        shortest,
        verdict,
        seconds,
        bound,
    )


def search(
    scene: Scene,
    variant: str | Variant,
    job: Job,
    preemptions: int | None = None,
    most: int | None = None,
    reduce: bool = True,
) -> Found:
    """One job, in this process. Without `reduce` (or with a bound) every schedule is run."""
    found, nodes = Found(), [*_frozen(job.prefix)]
    reduce = reduce and preemptions is None
    first = len(nodes)
    while True:
        scheduler = scene.start(variant)
        events = _run(scheduler, nodes, job, reduce, preemptions)
        failed = scheduler.verdict is not None
        if failed or not scheduler.enabled():
            found.schedules += 1
        else:
            found.pruned += 1
        if failed:
            assert scheduler.verdict is not None
            found.failures[scheduler.schedule] = scheduler.verdict
        if reduce:
            _look_for_races(events, nodes, first)
        while len(nodes) > first and not (nodes[-1].todo - set(nodes[-1].done)):
            nodes.pop()
        if len(nodes) == first:
            return found
        if most is not None and found.schedules >= most:
            found.cut = True
            return found
        nodes[-1].chosen = min(nodes[-1].todo - set(nodes[-1].done))


def _frozen(prefix: str) -> Iterator[_Node]:
    """The nodes of a job's prefix: what else could run there is another job's."""
    for letter in prefix:
        yield _Node(letter, {}, {letter}, {}, letter)


def _run(
    scheduler: Scheduler, nodes: list[_Node], job: Job, reduce: bool, preemptions: int | None
) -> list[tuple[str, Footprint]]:
    """Replay `nodes`, then go on, preferably with the same task, to the end or to a sleeping one."""
    events: list[tuple[str, Footprint]] = []
    depth = 0
    while scheduler.verdict is None:
        if depth == len(nodes):
            enabled = scheduler.enabled()
            sleep = _asleep(nodes, job, events) if reduce else {}
            awake = [letter for letter in enabled if letter not in sleep]
            if preemptions is not None:
                awake = _within(nodes, enabled, preemptions)
            if not awake:
                break
            last = scheduler.schedule[-1:]
            chosen = last if last in awake else awake[0]
            nodes.append(_Node(enabled, sleep, {chosen} if reduce else set(awake), {}, chosen))
        node = nodes[depth]
        segment = scheduler.go(node.chosen)
        node.done[node.chosen] = segment.footprint
        events.append((node.chosen, segment.footprint))
        depth += 1
    return events


def _asleep(
    nodes: list[_Node], job: Job, events: list[tuple[str, Footprint]]
) -> dict[str, Footprint]:
    """Tasks that need not run next: a schedule in which they ran before ends alike."""
    if len(nodes) == len(job.prefix):
        return dict(job.sleep)
    node, (chosen, footprint) = nodes[-1], events[-1]
    before = {**node.sleep, **{t: f for t, f in node.done.items() if t != chosen}}
    return {task: f for task, f in before.items() if not dependent(f, footprint)}


def _within(nodes: list[_Node], enabled: str, preemptions: int) -> list[str]:
    """The tasks that may run next: all, or only the last one when the bound has been reached."""
    if not nodes or nodes[-1].chosen not in enabled:
        return list(enabled)
    used = sum(
        before.chosen != after.chosen and before.chosen in after.enabled
        for before, after in pairwise(nodes)
    )
    return list(enabled) if used < preemptions else [nodes[-1].chosen]


def _look_for_races(events: list[tuple[str, Footprint]], nodes: list[_Node], first: int) -> None:
    """For each two segments that depend on each other and could swap: try the later one first.

    Clocks are kept as in the paper: `clock[task]` is the last segment of each task that happened
    before the present one of `task`.
    """
    clocks: list[dict[str, int]] = []
    last: dict[str, int] = {}
    users: dict[Any, list[int]] = {}
    for j, (task, footprint) in enumerate(events):
        mine = clocks[last[task]] if task in last else {}
        clock = dict(mine)
        earlier = sorted({i for thing in footprint for i in users.get(thing, ())})
        for i in earlier:
            other, theirs = events[i]
            if other == task or not dependent(theirs, footprint):
                continue
            if mine.get(other, -1) < i and i >= first and _could_swap(theirs, footprint):
                _try_first(
                    nodes[i],
                    task,
                    {e[0] for k, e in enumerate(events[:j]) if i < k <= mine.get(e[0], -1)},
                )
            for who, when in clocks[i].items():
                clock[who] = max(clock.get(who, -1), when)
        clock[task] = j
        clocks.append(clock)
        last[task] = j
        for thing in footprint:
            users.setdefault(thing, []).append(j)


def _could_swap(a: Footprint, b: Footprint) -> bool:
    """Whether two dependent segments can be enabled together: not if one releases what the other
    waited for."""
    both = (how | b[thing] for thing, how in a.items() if thing in b)
    return any(
        how & Access.WRITE and (not how & Access.RELEASE or how & Access.TRY) for how in both
    )


def _try_first(node: _Node, task: str, leads: set[str]) -> None:
    """At `node`: let `task` run first, or one of those that lead to where it is later."""
    choice = {task} & set(node.enabled) or leads & set(node.enabled)
    if not choice:
        node.todo |= set(node.enabled) - set(node.sleep)
    elif not choice & (node.todo | set(node.sleep)):
        node.todo.add(min(choice))


def _split(scene: Scene, variant: str | Variant, parts: int) -> Iterator[Job]:
    """Cut the search at its top: every task that can run in each of the first few states."""
    level = [Job("", {})]
    while level and len(level) < parts:
        deeper: list[Job] = []
        for job in level:
            scheduler = scene.start(variant)
            scheduler.run(job.prefix)
            sleep = dict(job.sleep)
            enabled = [letter for letter in scheduler.enabled() if letter not in sleep]
            if not enabled and not scheduler.enabled():
                yield job
            for letter in enabled:
                ahead = scene.start(variant)
                ahead.run(job.prefix)
                footprint = ahead.go(letter).footprint
                left = {t: f for t, f in sleep.items() if not dependent(f, footprint)}
                deeper.append(Job(job.prefix + letter, left))
                sleep[letter] = footprint
        level = deeper
    yield from level


def _shortest(
    scene: Scene, variant: str | Variant, failures: dict[str, str]
) -> tuple[str | None, str | None]:
    """The shortest failing schedule: what did not lead to a failure is left out of each."""
    best: tuple[int, str] | None = None
    for schedule in sorted(failures, key=len)[:200]:
        short = _causes(scene, variant, schedule)
        best = min(best or (len(schedule), schedule), (len(short), short))
    if best is None:
        return None, None
    return best[1], scene.run(best[1], variant).verdict


def _causes(scene: Scene, variant: str | Variant, schedule: str) -> str:
    """Leave out of a failing schedule, from its end on, every segment without which it still fails."""
    letters = list(schedule)
    for k in range(len(letters) - 2, -1, -1):
        shorter = letters[:k] + letters[k + 1 :]
        fails = _fails(scene, variant, "".join(shorter))
        if fails is not None:
            letters = list(fails)
            if k >= len(letters):
                continue
    return "".join(letters)


def _fails(scene: Scene, variant: str | Variant, schedule: str) -> str | None:
    """The part of `schedule` up to its failure; None if it cannot be run or does not fail."""
    scheduler = scene.start(variant)
    for letter in schedule:
        if letter not in scheduler.enabled():
            return None
        scheduler.go(letter)
        if scheduler.verdict is not None:
            return scheduler.schedule
    return None
