"""The first write to a VMA under its own lock needs mmap_lock for the anon_vma: __vmf_anon_prepare()."""

from __future__ import annotations

from typing import Any

import pytest

from ptlab import KiB, MiB, Process
from ptlab.base.facts import Lock
from ptlab.base.steps import Kind
from ptlab.costs.meter import by_operation
from ptlab.paths.mmap import do_munmap
from ptlab.race.explore import explore
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, Paths, Scene, Variant, write
from ptlab.schemes import PtReclaim


@pytest.mark.parametrize(("kernel", "times"), [("6.1", 0), ("6.12", 1), ("6.18", 1)])
@pytest.mark.parametrize("advice", ["NOHUGEPAGE", "HUGEPAGE"])
def test_it_is_taken_once_for_each_vma_and_the_cost_table_has_it(kernel, times, advice):
    p = Process(kernel=kernel)
    heap = p.mmap(2 * MiB)
    p.madvise(heap, advice)
    for _ in range(2):
        p.touch(heap, 8 * KiB)
    taken = [step.fn == "mmap_read_trylock" for step in p.journal.steps]
    assert sum(taken) == times
    if times:
        at = taken.index(True)
        after = [step.fn for step in p.journal.steps[at + 1 : at + 3]]
        assert after == ["__anon_vma_prepare", "mmap_read_unlock"]
        assert by_operation(p)[2].costs.locks["mmap_lock read"] == 1


def test_a_read_takes_it_for_a_huge_page_only():
    for advice, times in (("NOHUGEPAGE", 0), ("HUGEPAGE", 1)):
        p = Process(kernel="6.18")
        heap = p.mmap(2 * MiB)
        p.madvise(heap, advice)
        p.touch(heap, write=False)
        assert sum(step.fn == "mmap_read_trylock" for step in p.journal.steps) == times


def _write_and_munmap(process: Process) -> Paths:
    process.mmap(TABLE, at=BASE)
    process.mmap(PAGE, at=BASE + 8 * TABLE)
    paths: dict[str, Any] = {
        "write": write(process, BASE),
        "munmap": do_munmap(process.mm, BASE + 8 * TABLE, PAGE),
    }
    return paths


SCENE = Scene("first-write", "", "", _write_and_munmap, Variant(PtReclaim), Variant(PtReclaim))


def test_where_another_task_changes_vmas_the_fault_begins_again_under_mmap_lock():
    run = SCENE.start("fixed", record=True)
    while not any(lock.name == "vma_lock" for lock in run.machine.held[0]):
        run.go("A")
    while Lock("mmap_lock", run.process.mm.id, "write") not in run.machine.held[1]:
        run.go("B")
    steps = []
    while able := run.enabled():
        steps.append(run.go(able[0]).step)
    about = (Kind.FAIL, Kind.LOCK, Kind.UNLOCK, Kind.DOWNGRADE)
    fns = [step.fn for step in steps if step and step.kind in about]
    failed = fns.index("mmap_read_trylock")
    assert fns[failed + 1] == "vma_end_read"
    assert fns.index("mmap_read_lock") > fns.index("mmap_write_downgrade") > failed
    assert run.process.counters.present == 1
    run.process.check()


def test_no_schedule_of_it_breaks_a_rule():
    result = explore(SCENE, "fixed")
    assert result.result == "exhausted" and result.schedules > 3
