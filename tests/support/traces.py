"""Schedules as traces: two schedules that only swap independent neighbours are the same trace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias
from unittest.mock import patch

from ptlab.base.footprint import Footprint
from ptlab.race.dpor import Trace, dependent
from ptlab.race.scenes import Scene
from ptlab.race.scheduler import Scheduler, Segment

Events: TypeAlias = list[tuple[str, Footprint]]


def canonical(events: Events) -> frozenset[tuple[str, int, tuple[tuple[str, int], ...]]]:
    """Each segment as (task, which of its segments, what happened before it): the partial order."""
    trace, number, so_far = Trace(), list[int](), Counter[str]()
    for task, footprint in events:
        trace.add(task, footprint)
        number.append(so_far[task])
        so_far[task] += 1
    return frozenset(
        (task, number[k], tuple(sorted((who, number[when]) for who, when in clock.items())))
        for k, ((task, _), clock) in enumerate(zip(trace.events, trace.clocks, strict=True))
    )


def as_good(events: Events) -> str | None:
    """A schedule in which a section begins after a hand-over that it precedes in `events`.

    Whatever can happen in `events` can happen in that schedule too. None if there is no such pair.
    """
    trace = Trace()
    for task, footprint in events:
        trace.add(task, footprint)
    after = [
        [i for i in range(k) if clock.get(events[i][0], -1) >= i]
        for k, clock in enumerate(trace.clocks)
    ]
    for j in range(len(events)):
        for i in after[j]:
            (one, begins), (other, hands_over) = events[i], events[j]
            because = [k for k in range(i + 1, j) if i in after[k]]
            if one == other or dependent(hands_over, begins) or set(because) & set(after[j]):
                continue
            between = [k for k in range(i + 1, j) if k not in because]
            order = [*range(i), *between, j, i, *because, *range(j + 1, len(events))]
            return "".join(events[k][0] for k in order)
    return None


@contextmanager
def recording() -> Iterator[list[tuple[Scheduler, Events]]]:
    """Every scheduler that runs meanwhile, with its segments and their footprints."""
    runs: list[tuple[Scheduler, Events]] = []
    go, replay = Scheduler.go, Scheduler.replay

    def events(scheduler: Scheduler) -> Events:
        if not runs or runs[-1][0] is not scheduler:
            runs.append((scheduler, []))
        return runs[-1][1]

    def note_go(scheduler: Scheduler, letter: str) -> Segment:
        segment = go(scheduler, letter)
        events(scheduler).append((letter, segment.footprint))
        return segment

    def note_replay(scheduler: Scheduler, segments: Sequence[tuple[str, Footprint]]) -> None:
        replay(scheduler, segments)
        events(scheduler).extend(segments)

    with patch.object(Scheduler, "go", note_go), patch.object(Scheduler, "replay", note_replay):
        yield runs


def assert_in(explored: set[Any], scene: Scene, variant: Any, seed: int) -> None:
    """A random schedule of `scene` is one of these traces, or another one of them is as good."""
    chance, scheduler = random.Random(seed), scene.start(variant)
    events = []
    while scheduler.enabled():
        able, last = scheduler.enabled(), scheduler.schedule[-1:]
        stay = last and last in able and chance.random() < 0.6
        letter = last if stay else chance.choice(able)
        events.append((letter, scheduler.go(letter).footprint))
    while canonical(events) not in explored:
        better = as_good(events)
        assert better, "".join(letter for letter, _ in events)
        again = scene.start(variant)
        events = [(letter, again.go(letter).footprint) for letter in better]
