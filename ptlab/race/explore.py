"""The race explorer: try every schedule of a scene that can make a difference.

Dynamic partial-order reduction with sleep sets (ptlab.race.dpor names the papers): schedules that
differ only in the order of independent neighbours end alike, so one of them is run. The search is
stateless: each schedule is run from the beginning. The part that it has in common with the schedule
before is replayed and not checked again.

With a bound on preemptions every schedule within the bound is run, without reduction, so that "no
failure up to 2 preemptions" means what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

from ptlab.base.footprint import Footprint
from ptlab.race.broken_locks import InCycle
from ptlab.race.broken_rule import Verdict
from ptlab.race.dpor import Node, Trace, asleep, still_asleep
from ptlab.race.limits import UNLIMITED, Limits
from ptlab.race.lock_graph import LockGraph
from ptlab.race.result import Result
from ptlab.race.scenes.scene import Scene, Variant
from ptlab.race.scheduler import MOST_STEPS, Scheduler
from ptlab.race.shortest import shortest_of


class Job(NamedTuple):
    """A part of the search: the schedules that begin with `prefix`, but not with one in `sleep`."""

    prefix: str
    sleep: dict[str, Footprint]


@dataclass
class Found:
    """What a job has found. `failures` are schedules, each with the part that led to its end."""

    schedules: int = 0
    pruned: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    """What has ended the search before all was run, in words."""
    tried: bool = False
    """Whether what the scene puts to the test has happened."""
    locks: LockGraph = field(default_factory=LockGraph)

    def count(self, scheduler: Scheduler, trace: Trace) -> None:
        """A schedule has failed, has come to its end, or would only repeat another from here."""
        self.locks.add(scheduler.checker.locks.links.values())
        if scheduler.verdict is not None:
            self.failures[scheduler.schedule] = trace.causes()
        elif scheduler.enabled():
            self.pruned += 1
            return
        self.schedules += 1

    def add(self, more: Found) -> None:
        """Count another job's findings too."""
        self.schedules += more.schedules
        self.pruned += more.pruned
        self.failures.update(more.failures)
        self.cut = self.cut or more.cut
        self.tried = self.tried or more.tried
        self.locks.add(more.locks.links.values())


_PARTS = 16
"""Into how many parts, at least, a search on several workers is cut."""


def explore(
    scene: Scene,
    variant: str | Variant = "broken",
    executor: Executor | None = None,
    preemptions: int | None = None,
    most: int | None = None,
    seconds: float | None = None,
    first: bool = False,
) -> Result:
    """Run every schedule of `scene` that can make a difference, on `executor` if one is given.

    `preemptions` bounds how often a task that could go on is left, `most` the schedules run in each
    part of the search, `seconds` the time; `first` stops at the first failure. The result states each
    bound that stopped it. ValueError if one is too small.
    """
    limits = Limits(preemptions, most, seconds, first).begin()
    began = perf_counter()
    if executor is None:
        found = search(scene, variant, Job("", {}), limits)
    else:
        found = _search_in_parts(executor, scene, variant, limits)
    shortest = shortest_of(scene, variant, found.failures)
    verdict = scene.run(shortest, variant).verdict if shortest else None
    cycles = found.locks.cycles() if _orders(scene, variant) else []
    if cycles and not shortest:  # no schedule had both orders in it
        shortest = max((link.schedule for link in cycles[0].links), key=len)
        verdict = Verdict((InCycle(cycles[0]),))
    bound = limits.in_words(found.schedules, found.cut)
    return Result(
        scene=scene.name,
        variant=variant if isinstance(variant, str) else variant.scheme.name,
        result="failure" if shortest else "bounded" if bound else "exhausted",
        schedules=found.schedules,
        pruned=found.pruned,
        shortest=shortest,
        verdict=verdict,
        seconds=perf_counter() - began,
        bound=bound,
        trial=scene.trial.what,
        exercised=found.tried,
        locks=found.locks,
    )


def _orders(scene: Scene, variant: str | Variant) -> bool:
    """Whether a wrong order of locks is a failure by itself."""
    return (scene.variant(variant) if isinstance(variant, str) else variant).lock_order


def _search_in_parts(
    executor: Executor, scene: Scene, variant: str | Variant, limits: Limits
) -> Found:
    jobs, found = [Job("", {})], Found()
    if limits.preemptions is None:  # the last parts tend to be the largest, so they begin first
        jobs = list(_split(scene, variant, _PARTS))[::-1]
    futures = [executor.submit(search, scene, variant, job, limits) for job in jobs]
    for future in futures:
        if not future.cancelled():
            found.add(future.result())
        if limits.first and found.failures:
            for other in futures:
                other.cancel()
    return found


def search(
    scene: Scene,
    variant: str | Variant,
    job: Job,
    limits: Limits = UNLIMITED,
    reduce: bool = True,
) -> Found:
    """One job, in this process. Without `reduce` (or with a bound) every schedule is run."""
    found, trace, nodes = Found(), Trace(), list[Node]()
    reduce = reduce and limits.preemptions is None
    first = len(job.prefix)
    while True:
        scheduler = scene.start(variant)
        scheduler.replay(trace.events)
        while scheduler.verdict is None:
            depth = len(trace.events)
            if depth == len(nodes):
                node = _node(scheduler, nodes, job, reduce, limits.preemptions)
                if node is None:
                    break
                nodes.append(node)
            node = nodes[depth]
            _, step, footprint = scheduler.go(node.chosen)
            found.tried = found.tried or scene.trial.taken(step)
            node.done[node.chosen] = footprint
            for race in trace.add(node.chosen, footprint):
                if reduce and race >= first:
                    _try_first(nodes[race], trace.first_of(race))
        found.count(scheduler, trace)
        while len(nodes) > first and not nodes[-1].left:
            nodes.pop()
        if len(nodes) == first:
            return found
        if limits.first and found.failures:
            return found
        endless = "a schedule has no end" if len(scheduler.schedule) >= MOST_STEPS else ""
        found.cut = endless or limits.reached(found.schedules)
        if found.cut:  # after a schedule without an end the next has none either
            return found
        nodes[-1].chosen = min(nodes[-1].left)
        trace.cut(len(nodes) - 1)


def _node(
    scheduler: Scheduler, nodes: list[Node], job: Job, reduce: bool, preemptions: int | None
) -> Node | None:
    """The state that the schedule has come to; None if no task needs to run there.

    Within a job's prefix there is no choice. The task that ran last is tried first.
    """
    enabled, depth = scheduler.enabled(), len(nodes)
    if depth < len(job.prefix):
        return Node(enabled, {}, set(job.prefix[depth]), chosen=job.prefix[depth])
    sleep: dict[str, Footprint] = {}
    if reduce:
        sleep = dict(job.sleep) if depth == len(job.prefix) else asleep(nodes[-1])
    awake = [letter for letter in enabled if letter not in sleep]
    if preemptions is not None:
        awake = _within(nodes, enabled, preemptions)
    if not awake:
        return None
    last = scheduler.schedule[-1:]
    chosen = last if last in awake else awake[0]
    return Node(enabled, sleep, {chosen} if reduce else set(awake), chosen=chosen)


def _within(nodes: list[Node], enabled: str, preemptions: int) -> list[str]:
    """The tasks that may run next: all, or only the last one when the bound has been reached."""
    if not nodes or nodes[-1].chosen not in enabled:
        return list(enabled)
    used = sum(
        before.chosen != after.chosen and before.chosen in after.enabled
        for before, after in pairwise(nodes)
    )
    return list(enabled) if used < preemptions else [nodes[-1].chosen]


def _try_first(node: Node, first: set[str]) -> None:
    """Let one of `first` run at `node`; if none of them can, let every task run that can."""
    choice = first & set(node.enabled)
    if not choice:
        node.todo |= set(node.enabled) - node.sleep.keys()
    elif not choice & (node.todo | node.sleep.keys()):
        node.todo.add(min(choice))


def _split(scene: Scene, variant: str | Variant, parts: int) -> Iterator[Job]:
    """Cut the search at its top: every task that can run in each of the first few states."""
    level = [Job("", {})]
    while level and len(level) < parts:
        deeper: list[Job] = []
        for job in level:
            scheduler = scene.run(job.prefix, variant)
            sleep = dict(job.sleep)
            enabled = [letter for letter in scheduler.enabled() if letter not in sleep]
            if not enabled and not scheduler.enabled():
                yield job
            for letter in enabled:
                footprint = scene.run(job.prefix, variant).go(letter).footprint
                deeper.append(Job(job.prefix + letter, still_asleep(sleep, footprint)))
                sleep[letter] = footprint
        level = deeper
    yield from level
