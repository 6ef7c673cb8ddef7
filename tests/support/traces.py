"""Schedules as traces: two schedules that only swap independent neighbours are the same trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias
from unittest.mock import patch

from ptlab.base.footprint import Footprint
from ptlab.race.dpor import Trace
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
