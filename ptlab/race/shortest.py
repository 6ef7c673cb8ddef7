"""The shortest schedule that fails: what does not matter for the failure is left out."""

from __future__ import annotations

from ptlab.race.scenes.scene import Scene, Variant
from ptlab.race.scheduler import MOST_STEPS


def shortest_of(scene: Scene, variant: str | Variant, failures: dict[str, str]) -> str | None:
    """The shortest failing schedule: segments that did not lead to the failure are left out.

    A verdict on the end of a schedule, such as a leak, can need all of it.
    """
    best: str | None = None
    for schedule, causes in sorted(failures.items(), key=lambda item: (len(item[1]), item))[
        :_TRIES
    ]:
        short = schedule
        if len(schedule) < MOST_STEPS:
            short = _without_idle(scene, variant, _fails(scene, variant, causes) or schedule)
        best = min(best or short, short, key=lambda found: (len(found), found))
    return best


_TRIES = 4
"""How many of the failing schedules, those with the fewest causes, are cut down."""


def _without_idle(scene: Scene, variant: str | Variant, schedule: str) -> str:
    """Leave out of a failing schedule, from its end on, every segment without which it still fails."""
    for k in range(len(schedule) - 2, -1, -1):
        schedule = _fails(scene, variant, schedule[:k] + schedule[k + 1 :]) or schedule
    return schedule


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
