"""The scheduler: segments, locks, RCU and the three schedules of the design document."""

from __future__ import annotations

import pytest

from ptlab.process.process import Process
from ptlab.race.broken_rule import ChangesUnhooked
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.references import Naive
from ptlab.race.scenes.scene import PAGE, TABLE, dontneed, one_table, write
from ptlab.race.scheduler import Scheduler
from ptlab.state.memmap import State


def two_writers() -> Scheduler:
    process = Process("unmap_only", "6.1")
    heap = one_table(process, 0)
    paths = {"write 1": write(process, heap + PAGE), "write 2": write(process, heap + 2 * PAGE)}
    return Scheduler(process, paths)


def until_done(scheduler: Scheduler) -> Scheduler:
    """Each task in turn, as far as it can go."""
    while scheduler.enabled():
        scheduler.go(scheduler.enabled()[0])
    return scheduler


def test_a_task_that_wants_a_lock_waits_and_says_for_whom() -> None:
    scheduler = two_writers()
    while not any(lock.name == "ptl" for lock in scheduler.machine.held[0]):
        scheduler.go("A")
    while "B" in scheduler.enabled():
        scheduler.go("B")
    assert str(scheduler.why_blocked(scheduler.tasks[1])) == (
        "waits for PTE lock of PTE page 4, which task A holds"
    )
    with pytest.raises(ValueError, match="'B' cannot run here, only A can"):
        scheduler.go("B")
    with pytest.raises(ValueError, match="'X' is not a task, only A can"):
        scheduler.go("X")


def test_two_readers_hold_mmap_lock_at_once() -> None:
    scheduler = two_writers()
    scheduler.run("AABB")
    assert [held[0].name for held in scheduler.machine.held] == ["mmap_lock", "mmap_lock"]


def test_undisturbed_tasks_break_nothing() -> None:
    for scene in SCENES.values():
        assert until_done(scene.start("fixed")).verdict is None, scene.name


def test_a_table_is_freed_when_the_grace_period_is_over() -> None:
    process = Process("pt_reclaim")
    heap = one_table(process, 0)
    scheduler = Scheduler(process, {"DONTNEED": dontneed(process, heap, TABLE)})
    table = len(process.machine.mem) - 1
    while scheduler.enabled() == "A":
        scheduler.go("A")
    assert process.machine.mem.state[table] == State.RCU
    scheduler.go("R")
    assert process.machine.mem.state[table] == State.FREED
    assert until_done(scheduler).verdict is None


def test_a_walker_holds_off_the_grace_period() -> None:
    scheduler = SCENES["walker-rcu"].start("fixed")
    while not scheduler.sanitizer.depth[0]:
        scheduler.go("A")  # the fault has looked the table up and wants its lock
    while "B" in scheduler.enabled():
        scheduler.go("B")
    assert scheduler.machine.rcu and "R" not in scheduler.enabled()
    assert until_done(scheduler).verdict is None


def test_the_design_document_today() -> None:
    """The walker has mmap_lock for read, so that munmap waits."""
    scheduler = SCENES["exclusive"].start("fixed")
    scheduler.run("AAAB")
    assert scheduler.enabled() == "A"
    assert str(scheduler.why_blocked(scheduler.tasks[1])) == (
        "waits for mmap_lock (write), which task A holds"
    )
    assert until_done(scheduler).verdict is None


def test_the_design_document_naive() -> None:
    """B frees the table between A's look at the PMD entry and A's lock."""
    scheduler = SCENES["abc"].start("broken")
    assert isinstance(scheduler.process.scheme, Naive)
    scheduler.run("AAA")
    while "B" in scheduler.enabled():
        scheduler.go("B")
    scheduler.run("AA")
    assert scheduler.verdict is not None
    (broken,) = scheduler.verdict.broken
    assert isinstance(broken, ChangesUnhooked) and (broken.task, broken.page.number) == ("A", 4)


def test_the_design_document_fixed() -> None:
    """A has its reference, so B only lowers the count, and A, the last to leave, frees."""
    process = Process("pte_refcount")
    heap = one_table(process, 0, 1)
    paths = {
        "DONTNEED page 1": dontneed(process, heap + PAGE, PAGE),
        "DONTNEED page 0": dontneed(process, heap, PAGE),
    }
    scheduler = Scheduler(process, paths)
    while not process.machine.mem.visitors[4]:
        scheduler.go("A")
    while "B" in scheduler.enabled():
        scheduler.go("B")
    assert process.machine.mem.state[4] == State.LIVE
    while "A" in scheduler.enabled():
        scheduler.go("A")
    assert process.machine.mem.state[4] == State.RCU
    assert until_done(scheduler).verdict is None


def test_a_race_is_a_story_for_the_stepper() -> None:
    story = SCENES["pmd-same"].story("AAABBBBBBBBBAA")
    assert story.operations[-3:] == ["A: write page 1", "B: DONTNEED the table", "A: write page 1"]
    assert story.title == (
        "pmd-same (broken) under pt_reclaim: task A writes into PTE page 4, unhooked 4 steps ago"
    )
    story = SCENES["pmd-same"].story("AAAB", "fixed")
    assert story.title == "pmd-same under pt_reclaim: no rule is broken"
    assert story.payload()["panes"][0]["steps"]
