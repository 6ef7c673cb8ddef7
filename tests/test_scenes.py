"""Every broken scene is found, with a schedule that cannot be made shorter; every fixed one is safe."""

from __future__ import annotations

import json
import random

import pytest

from ptlab.cli import main
from ptlab.explore import explore
from ptlab.guards import Guard
from ptlab.scenes import SCENES, Scene, Variant
from ptlab.schemes import PtReclaim
from ptlab.tasks import Scheduler

SLOW = {"abc"}
"""Scenes of three tasks: thousands of schedules."""


@pytest.mark.parametrize("name", SCENES)
def test_the_broken_variant_is_found(name: str) -> None:
    scene = SCENES[name]
    result = explore(scene, "broken")
    assert result.result == "failure" and result.shortest is not None
    assert scene.run(result.shortest).verdict == result.verdict
    for k in range(len(result.shortest)):
        left_out = result.shortest[:k] + result.shortest[k + 1 :]
        scheduler = scene.start("broken")
        for letter in left_out:
            if letter not in scheduler.enabled():
                break
            scheduler.go(letter)
        assert scheduler.verdict is None, f"{left_out} fails too"


@pytest.mark.parametrize("name", [name for name in SCENES if name not in SLOW])
def test_the_fixed_variant_is_exhausted(name: str) -> None:
    assert explore(SCENES[name], "fixed").result == "exhausted"


@pytest.mark.timeout(120)
def test_three_tasks_with_references_are_exhausted() -> None:
    assert explore(SCENES["abc"], "fixed").result == "exhausted"


@pytest.mark.parametrize("guard", Guard)
def test_each_guard_is_missed_by_some_scene(guard: Guard) -> None:
    """Mutation: leave one more guard out of the fixed variants, until one of them breaks."""
    for scene in SCENES.values():
        if scene.name in SLOW or guard in scene.fixed.without:
            continue
        variant = Variant(scene.fixed.scheme, scene.fixed.without | {guard})
        if explore(scene, variant, most=300).result == "failure":
            return
    pytest.fail(f"no scene misses: {guard}")


def test_a_scheme_of_ones_own_runs_through_a_scene() -> None:
    class MyOwn(PtReclaim):
        name = "my_own"

    scene = SCENES["pmd-same"]
    assert explore(scene, Variant(MyOwn)).result == "exhausted"


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["races", "install", "--json"]) == 0
    broken, fixed = map(json.loads, capsys.readouterr().out.splitlines())
    assert (broken["scene"], broken["variant"], broken["result"]) == (
        "install",
        "broken",
        "failure",
    )
    assert (fixed["variant"], fixed["result"], fixed["shortest"]) == ("fixed", "exhausted", None)
    assert main(["races", "install", "--play", broken["shortest"]]) == 1
    assert "two tables in one slot" in capsys.readouterr().out
    assert main(["races", "instal"]) == 2
    assert "did you mean install?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["stale-tlb", "same-entry", "truncate"])
def test_no_shorter_schedule_fails(name: str) -> None:
    """Every schedule shorter than the one found is run, without any reduction."""
    scene = SCENES[name]
    shortest = explore(scene, "broken").shortest
    assert shortest is not None
    begun = [""]
    while begun:
        scheduler = scene.run(begun.pop())
        while len(scheduler.schedule) < len(shortest) - 1 and scheduler.enabled():
            first, *others = scheduler.enabled()
            begun += [scheduler.schedule + other for other in others]
            scheduler.go(first)
        assert scheduler.verdict is None, scheduler.schedule


@pytest.mark.parametrize("name", [name for name in SCENES if name not in SLOW])
def test_no_random_schedule_ends_where_the_explorer_has_not_been(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Scheduler] = []
    start = Scene.start

    def remember(
        scene: Scene, variant: Variant | str = "broken", record: bool = False
    ) -> Scheduler:
        started.append(start(scene, variant, record))
        return started[-1]

    with monkeypatch.context() as patch:
        patch.setattr(Scene, "start", remember)
        explore(SCENES[name], "fixed")
    explored = {end(scheduler) for scheduler in started if not scheduler.enabled()}
    for seed in range(25):
        chance, scheduler = random.Random(seed), SCENES[name].start("fixed")
        while scheduler.enabled():
            scheduler.go(chance.choice(scheduler.enabled()))
        assert end(scheduler) in explored, scheduler.schedule


def end(scheduler: Scheduler) -> tuple[object, ...]:
    """The tables, whatever their numbers are, and the counters."""
    mem = scheduler.machine.mem
    tables = sorted(
        (
            int(mem.level[table]),
            int(mem.state[table]),
            int(mem.slot[table]),
            int(mem.refcount[table]),
            *(bool(mem.entries.word(table, column)) for column in range(4)),
        )
        for table in range(len(mem))
    )
    return (*tables, *scheduler.process.mm.counters, scheduler.verdict)
