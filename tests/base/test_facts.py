"""Facts: each step has the one that is declared for its kind, and it is plain data."""

from enum import IntEnum

import numpy as np
import pytest

from ptlab import Process
from ptlab.base.facts import Change, Counting, Fact, Holder, Lock, Maps, Reason
from ptlab.base.steps import FACTS, Kind
from ptlab.race.scenes import SCENES
from ptlab.scenario.builtin import builtin
from ptlab.scenario.player import play

KINDS = {value for name, value in vars(Kind).items() if name.isupper()}
LISTED = {
    value
    for names in (Change, Counting, Holder, Maps, Reason)
    for name, value in vars(names).items()
    if name.isupper()
}
FILE_KINDS = {"memfd", "shm", "disk", "hugetlb"}
FULL_SIZE = {"cover-letter", "I04_cover_50G", "P_mix_pg_shared_buffers"}  # the same steps, many
RACING = {Kind.WAIT, Kind.LOOK, Kind.FAIL, Kind.VISIBLE}
"""Kinds that only several tasks have."""


def plain(value):
    """Whether a field is a number, an id, a listed name, or made of these."""
    if isinstance(value, str):
        return value in LISTED | FILE_KINDS
    if isinstance(value, tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, (int, slice, IntEnum, np.ndarray, np.integer))


def declared(step):
    return isinstance(step.fact, FACTS[step.kind])


def without_english(fact):
    if isinstance(fact, Lock):
        return " " not in fact.name + fact.mode and plain(fact.of)
    return plain(fact)


def test_every_kind_has_its_fact_and_every_fact_its_kind():
    assert set(FACTS) == KINDS
    types = {fact for kind in FACTS.values() for fact in getattr(kind, "__args__", (kind,))}
    assert types - {type(None)} == set(Fact.__args__)


@pytest.mark.parametrize("scheme", ["pte_refcount", "percpu_ref", "write_scan"])
def test_every_step_of_the_built_in_scenarios_has_the_fact_of_its_kind(scheme):
    wrong, one_of_each = [], {}

    def observe(steps):
        for step in steps:
            one_of_each[step.kind, type(step.fact)] = step.fact
            if not declared(step):
                wrong.append(step)

    for scenario in (builtin()[name] for name in builtin().keys() - FULL_SIZE):
        process = Process(scheme, record=False, grain="range")
        process.machine.observe = observe
        list(play(process, scenario))
        process.background()
    assert wrong == [] and all(map(without_english, one_of_each.values()))
    of_a_design = {Kind.GET, Kind.PUT, Kind.SWITCH, Kind.SCAN, Kind.UNCOUNT}
    assert {kind for kind, _ in one_of_each} >= KINDS - RACING - of_a_design


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_every_step_of_a_race_has_the_fact_of_its_kind(scene):
    scheduler, steps = scene.start("fixed"), []
    while enabled := scheduler.enabled():
        steps.append(scheduler.go(enabled[len(steps) % len(enabled)]).step)
    steps = [step for step in steps if step is not None]
    assert steps and all(declared(step) and without_english(step.fact) for step in steps)
