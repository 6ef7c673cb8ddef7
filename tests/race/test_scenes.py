"""Every broken scene is found, with a schedule that cannot be made shorter; every fixed one is safe."""

from __future__ import annotations

import json

import pytest

from ptlab.base.facts import Holder, References
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots
from ptlab.cli import main
from ptlab.race.all_scenes import SceneResults, races
from ptlab.race.explore import explore
from ptlab.race.scenes import SCENES, Variant
from ptlab.race.scenes.files import ZapLocksMm
from ptlab.race.scenes.references import LatePut, Naive, NoUpperVisitors
from ptlab.schemes import (
    PercpuRef,
    PteRefcount,
    PtReclaim,
    PtReclaimUnfixed,
    ReclaimScheme,
    TryGet,
    scheme_class,
)
from ptlab.state.mm import Mm
from tests.support.traces import assert_in, canonical, recording

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
    result = explore(SCENES[name], "fixed")
    assert result.result == "exhausted" and not result.untried


def test_a_scene_says_nothing_of_a_design_that_does_not_do_what_it_is_about() -> None:
    results = races("unmap_only", scenes=["slow-path", "exclusive"])
    assert [one.scene for one in results.untried] == ["slow-path"]
    said = "not exercised: it happens in no schedule that the design frees a table"
    assert said in results[0].sentence
    assert "Not exercised under unmap_only, so without a word on it: slow-path." in str(results)
    assert "not exercised" in results._repr_html_()


@pytest.mark.timeout(120)
def test_three_tasks_with_references_are_exhausted() -> None:
    assert explore(SCENES["abc"], "fixed").result == "exhausted"


MISSED_BY = {
    Precaution.RCU: ("pte_refcount", "try-get-rcu"),
    Precaution.PMD_SAME: ("pt_reclaim", "pmd-same"),
    Precaution.PTE_SAME: ("pte_refcount", "same-entry"),
    Precaution.PMD_NONE: ("pte_refcount", "install"),
    Precaution.DROP_LOCK: ("pte_refcount", "dying"),
    Precaution.FLUSH_FIRST: ("pte_refcount", "stale-tlb"),
    Precaution.IPI: ("unmap_only", "gup-ipi"),
    Precaution.UNSHARE_SYNC: ("unmap_only", "pmd-unshare"),
    Precaution.PUT_UNLOCKED: ("pte_refcount", "put-locked"),
    Precaution.MMAP_WRITE: ("unmap_only", "exclusive"),
    Precaution.RECHECK_PMD: ("pt_reclaim", "slow-path"),
    Precaution.VMA_FIRST: ("pt_reclaim", "august"),
    Precaution.RMAP_LOCKS: ("unmap_only", "move-collapse"),
    Precaution.FOLIO_LOCK: ("unmap_only", "fault-truncate"),
    Precaution.FLUSH_LOCKED: ("unmap_only", "move-flush"),
    Precaution.ANON_VMA: ("unmap_only", "retract-anon"),
    Precaution.GUP_RECHECK: ("pt_reclaim", "gup-fast"),
    Precaution.RETRACT_LOCKED: ("unmap_only", "retract-lock"),
    Precaution.EXIT_ALONE: ("unmap_only", "exit-reaper"),
    Precaution.HUGE_PMD: ("unmap_only", "huge-pmd"),
    Precaution.STACK_LOCKED: ("unmap_only", "stackrot"),
    Precaution.PMD_WMB: ("unmap_only", "pmd-wmb"),
    Precaution.UPTODATE_WMB: ("unmap_only", "uptodate-wmb"),
    Precaution.WALK_CACHES: ("pt_reclaim", "walk-cache"),
    Precaution.NEW_VMA_LOCKED: ("unmap_only", "move-fault"),
}
"""For each guard a scheme and a scene in which its loss is noticed."""

FREES_AT_ONCE = ("pte_refcount", "every_level", "pt_reclaim", "pt_rwsem", "write_scan")


@pytest.mark.parametrize("guard", Precaution)
def test_mutation_each_guard_is_missed_and_by_nothing_else(guard: Precaution) -> None:
    """With all guards the search is exhausted; without this one alone, it finds a failure."""
    scheme, name = MISSED_BY[guard]
    scene = SCENES[name]
    whole = scene.fixed if not scene.own_scheme else scene.under(scheme_class(scheme))
    assert guard not in whole.without
    assert explore(scene, whole).result == "exhausted"
    assert explore(scene, Variant(whole.scheme, whole.without | {guard})).result == "failure"


@pytest.mark.parametrize("scheme", FREES_AT_ONCE)
def test_mutation_every_scheme_needs_rcu_and_the_flush_first(scheme: str) -> None:
    for guard, name in ((Precaution.RCU, "gup-fast"), (Precaution.FLUSH_FIRST, "stale-tlb")):
        scene = SCENES[name]
        whole = scene.under(scheme_class(scheme))
        assert explore(scene, whole).result == "exhausted"
        assert explore(scene, Variant(whole.scheme, whole.without | {guard})).result == "failure"


class GetsFromZero(PteRefcount):
    """A pte_try_get that does not look whether the count is 0: an atomic_inc()."""

    name = "gets_from_zero"

    def pte_try_get(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[TryGet]:
        mem, table = mm.machine.mem, mm.machine.mem.at(pmd, slots)
        if not table:
            return TryGet.TRYGET_FAILED_NONE
        before = int(mm.machine.store.add(mem, "refcount", table, 1)) - 1
        mm.machine.store.add(mem, "visitors", table, 1)
        yield Step(
            Kind.GET, "pte_try_get", table, 1, 1, References(Holder.VISITOR, before, before + 1)
        )
        return TryGet.TRYGET_SUCCESSED


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        (Naive, "try-get-rcu"),  # no pte_try_get at all
        (GetsFromZero, "dying"),  # no test for zero
        (LatePut, "put-vmf"),  # put after mmap_lock
        (ZapLocksMm, "truncate"),  # mmap_lock in the put
        (NoUpperVisitors, "upper"),  # no visit of the PMD page
        (PtReclaimUnfixed, "february"),  # no second scan
    ],
)
def test_mutation_of_a_scheme(mutant: type[ReclaimScheme], name: str) -> None:
    scene = SCENES[name]
    assert explore(scene, Variant(mutant.__bases__[0], scene.fixed.without)).result == "exhausted"
    assert explore(scene, Variant(mutant, scene.fixed.without)).result == "failure"


@pytest.mark.parametrize("scheme", ["pt_rwsem", "every_level"])
@pytest.mark.parametrize("name", ["dying", "upper", "truncate", "february", "slow-path"])
def test_designs_that_free_upper_tables_break_nothing(scheme: str, name: str) -> None:
    scene = SCENES[name]
    assert explore(scene, scene.under(scheme_class(scheme)), most=400).result != "failure"


def test_a_collapse_leaves_a_table_that_has_visitors() -> None:
    """Since 6.5 it keeps no fault out of a file's mapping: the count would fall below zero."""
    scene = SCENES["retract-lock"]
    result = explore(scene, scene.under(scheme_class("pte_refcount")), most=300)
    assert result.result != "failure" and result.exercised, result


def test_percpu_ref_as_posted_unhooks_a_page_that_is_not_the_dead_one() -> None:
    """The second free_user_pte() finds the page that a fault has installed in between."""
    scene = SCENES["try-get-rcu"]
    result = explore(scene, scene.under(PercpuRef))
    assert result.verdict is not None
    assert "task B unhooks PTE page 5, whose count is 1, without" in result.verdict.sentence


def test_the_results_say_what_is_left_out_and_what_the_scheme_says_of_itself() -> None:
    results = races(PercpuRef, most=3)
    left_out = ", ".join(scene.name for scene in SCENES.values() if not scene.own_scheme)
    told = " ".join(str(results).split())
    assert f"Left out, because they say nothing of a design: {left_out}." in told
    assert not results.failures and "What percpu_ref says of itself" not in str(results)
    failed = SceneResults([explore(SCENES["try-get-rcu"], Variant(PercpuRef))], PercpuRef)
    told = " ".join(str(failed).split())
    assert "What percpu_ref says of itself: Every entry and every visitor holds" in told
    assert "the page that a page fault has put in its place" in failed._repr_html_()


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
    assert "two\ntables in one slot" in capsys.readouterr().out
    assert set(broken) == {
        *("scene", "variant", "scheme", "result", "schedules", "shortest", "seconds", "exercised")
    }
    assert main(["races", "install", "--json", "--preemptions", "0"]) == 1  # it is not found
    bounded = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (bounded["result"], bounded["bound"]) == ("bounded", "up to 0 preemptions")
    assert main(["races", "try-get-rcu", "--scheme", "percpu_ref"]) == 1
    assert "unhooks PTE page 5, whose count is" in " ".join(capsys.readouterr().out.split())
    assert main(["races", "install", "--scheme", "percpu_ref", "--json"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["instal"], "did you mean install?"),
        (["install", "--scheme", "pt_rwsen"], "did you mean pt_rwsem?"),
        (["gup-ipi", "--scheme", "pt_reclaim"], "makes no sense under pt_reclaim"),
        (["install", "--all"], "--all is every scene: leave install out"),
        (["--play", "AAB"], "--play runs one scene, not none: name it"),
        (["install", "--play", "AX"], "schedule 'AX': 'X' is not a task"),
        (["install", "--preemptions", "-1"], "preemptions: -1 is below 0"),
        (["install", "--jobs", "0"], "jobs: 0 is below 1"),
        (["install", "--most", "-1"], "most: -1 is below 1"),
    ],
)
def test_what_the_command_line_cannot_do_it_says(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["races", *arguments]) == 2
    assert said in capsys.readouterr().err


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
def test_no_random_schedule_is_a_trace_that_the_explorer_has_not_run(name: str) -> None:
    with recording() as runs:
        explore(SCENES[name], "fixed")
    explored = {canonical(events) for scheduler, events in runs if not scheduler.enabled()}
    for seed in range(25):
        assert_in(explored, SCENES[name], "fixed", seed)
