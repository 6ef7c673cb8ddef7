"""The graph of a small race says what the scheduler says, along any way through it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ptlab.draw.names import plural
from ptlab.race.scenes import SCENES
from ptlab.race.scheduler import Scheduler
from ptlab.race.shown import end_of, holds, in_words
from ptlab.race.state_graph import state_graph
from ptlab.race.state_key import nth_segment
from ptlab.story.code import Code


def verdict(parts: list[Any], schedule: str) -> str:
    """The sentence of a verdict, for a schedule that may not be the one that it was found in."""

    def ago(letter: str, nth: int) -> str:
        steps = [
            k for k in range(1, len(schedule) + 1) if nth_segment(schedule, k) == (letter, nth)
        ]
        return plural(len(schedule) - steps[0], "step")

    return "".join(part if isinstance(part, str) else ago(*part) for part in parts)


def assert_alike(state: Any, scheduler: Scheduler) -> None:
    assert sorted(state["moves"]) == sorted(scheduler.enabled()), scheduler.schedule
    assert state["end"] == end_of(scheduler)
    assert state["waiting"] == len(scheduler.machine.rcu)
    for task, held, done, blocked in zip(
        scheduler.tasks, state["holds"], state["done"], state["blocked"], strict=True
    ):
        assert done == task.done
        assert held == list(holds(scheduler, ord(task.letter) - ord("A")))
        if scheduler.verdict is None:
            why = scheduler.why_blocked(task)
            assert blocked == (None if why is None else str(why))


@pytest.mark.parametrize(
    ("name", "variant"),
    [("pmd-same", "broken"), ("same-entry", "fixed"), ("gup-fast", "broken")],
)
def test_random_ways_through_the_graph_are_schedules(name: str, variant: str) -> None:
    scene = SCENES[name]
    graph = state_graph(scene, scene.variant(variant), Code())
    assert graph is not None
    for seed in range(25):
        chance, scheduler, state = random.Random(seed), scene.start(variant), graph["states"][0]
        while scheduler.enabled():
            assert_alike(state, scheduler)
            last = scheduler.schedule[-1:]
            stays = last in state["moves"] and chance.random() < 0.6
            letter = last if stays else chance.choice(sorted(state["moves"]))
            move = state["moves"][letter]
            assert move["did"] == in_words(scheduler, scheduler.go(letter).step)
            assert verdict(move["verdict"], scheduler.schedule) == (
                scheduler.verdict.sentence if scheduler.verdict else ""
            )
            state = graph["states"][move["to"]]
        assert_alike(state, scheduler)


def test_how_few_switches_break_a_race() -> None:
    scene = SCENES["same-entry"]
    broken, fixed = (state_graph(scene, scene.variant(how), Code()) for how in ("broken", "fixed"))
    assert broken is not None and fixed is not None
    assert (broken["switches"], fixed["switches"]) == (2, None)
    for letters in ("AB", "BA"):  # one switch is not enough: each task runs as far as it can
        scheduler = scene.start("broken")
        for letter in letters:
            while letter in scheduler.enabled():
                scheduler.go(letter)
        assert scheduler.verdict is None


def test_a_large_race_has_no_graph() -> None:
    assert state_graph(SCENES["pmd-same"], SCENES["pmd-same"].fixed, Code(), most=20) is None
