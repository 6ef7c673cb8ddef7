"""A user's page that nobody has freed, moved or swapped out is lost; so is a reference put twice."""

from __future__ import annotations

from typing import Any

import pytest

from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.broken_rule import BelowZero, LosesPage
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, one_table, write
from ptlab.race.scheduler import Scheduler
from ptlab.schemes import PteRefcount, ReclaimScheme, UnmapOnly
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather


def run(process: Process, path: Path[Any]) -> Scheduler:
    scheduler = Scheduler(process, {"one": path})
    while scheduler.enabled():
        scheduler.go(scheduler.enabled()[0])
    return scheduler


class ForgetsPages(ReclaimScheme):
    """Empties the table of page 0 without a zap."""

    name = "forgets_pages"

    def background(self, mm: Mm) -> Path[None]:
        machine = mm.machine
        table = machine.mem.live().tolist()[-1]
        yield from machine.lock("spin_lock", "ptl", table, "spin")
        machine.mem.write(table, slice(0, 1), 0)
        yield Step(Kind.CLEAR, "forget", table, 1)
        yield machine.unlock("spin_unlock", "ptl")


def test_an_entry_that_is_wiped_out_loses_its_page() -> None:
    process = Process(ForgetsPages, record=False)
    process.mmap(TABLE, at=BASE)
    process.touch(BASE, PAGE)
    scheduler = run(process, process.scheme.background(process.mm))
    assert scheduler.verdict is not None
    (found,) = scheduler.verdict.broken
    assert isinstance(found, LosesPage)
    assert "task A loses a user's page: PTE page 3 mapped page frame 0x100000" in found.sentence


@pytest.mark.parametrize("advice", ["DONTNEED", "PAGEOUT", "FREE", "COLLAPSE", "GUARD_INSTALL"])
def test_what_the_kernel_does_with_a_page_loses_none(advice: str) -> None:
    from ptlab.paths.madvise import ADVICE_NAMES, do_madvise

    process = Process(UnmapOnly, "6.18", grain="table", record=False)
    process.machine.swap = True
    heap = one_table(process, 0, 1)
    numbers = {name: number for number, name in ADVICE_NAMES.items()}
    assert run(process, do_madvise(process.mm, heap, TABLE, numbers[advice])).verdict is None


class PutsTwice(PteRefcount):
    """Each visitor puts its reference, and then once more."""

    name = "puts_twice"

    def visitor_leaves(
        self, mm: Mm, tables: Any, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        mm.machine.store.add(mm.machine.mem, "refcount", tables, -2)
        yield from super().visitor_leaves(mm, tables, times, tlb)


def test_a_reference_that_is_put_twice_is_below_zero() -> None:
    process = Process(PutsTwice, "6.1", grain="table", record=False)
    process.mmap(TABLE, at=BASE)
    scheduler = run(process, write(process, BASE))
    assert scheduler.verdict is not None
    assert any(isinstance(found, BelowZero) for found in scheduler.verdict.broken)
    assert "that nobody has got: the count is -1" in scheduler.verdict.sentence
