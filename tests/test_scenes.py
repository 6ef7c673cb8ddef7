"""Every broken scene is found, with a schedule that cannot be made shorter; every fixed one is safe."""

from __future__ import annotations

import json

import pytest

from ptlab.cli import main
from ptlab.explore import explore
from ptlab.guards import Guard
from ptlab.scenes import SCENES, Variant
from ptlab.schemes import PtReclaim

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
