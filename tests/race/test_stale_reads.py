"""What is read and then written in one segment: something must keep it, or a step must be between."""

from __future__ import annotations

from typing import Any

import pytest

from ptlab.base.steps import Kind, Path, Step
from ptlab.race.explore import explore
from ptlab.race.scenes import SCENES
from ptlab.schemes import PteRefcount, ReclaimScheme
from ptlab.schemes.empty_tables import unhook_if_empty
from ptlab.state.memmap import State
from ptlab.state.mm import Mm


def look(table: int) -> Step:
    return Step(Kind.LOOK, "toy", table)


class Remembers(ReclaimScheme):
    """Each point below reads something, and works out from it what to write."""

    def __init__(self) -> None:
        self.words = [0, 0]


class CountsEmpty(Remembers):
    """Another task may set an entry between the look and the note."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        if not mm.machine.mem.nonnone[tables]:
            mm.machine.store.add(self, "words", 0, 1)
        yield look(tables)


class AsksWhetherHooked(Remembers):
    """The PMD lock is dropped again before anything comes of it."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        machine = mm.machine
        yield from machine.lock("mine", "pmd_lock", machine.mem.parent_of(tables), "spin")
        there = machine.mem.hooked(tables)
        machine.unlock("mine", "pmd_lock")  # without a yield: the segment goes on
        if there:
            machine.store.add(self, "words", 0, 1)
        yield look(tables)


class FreesWhatIsUnhooked(Remembers):
    """Two tasks may both find it unhooked."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        machine = mm.machine
        gone = yield from unhook_if_empty(mm, tables, "mine", "pte_offset_map_lock")
        yield from machine.flush("flush_tlb_range", tables, 0)
        if machine.mem.state[tables] == State.UNHOOKED:
            yield machine.call_rcu(tables)
        assert gone is None or gone == tables


class TrustsTheCount(PteRefcount):
    """The count may have changed, and what it is written from is old."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        mem, store = mm.machine.mem, mm.machine.store
        if mem.refcount[tables] > 0:
            store.put(mem, "refcount", tables, int(mem.refcount[tables]))
        yield look(tables)


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (CountsEmpty, "changes self.words in the step in which it reads the entries of PTE page 4"),
        (
            AsksWhetherHooked,
            "changes self.words in the step in which it reads entry 0 of PMD page 2",
        ),
        (FreesWhatIsUnhooked, "hands to RCU PTE page 4 in the step in which it reads the state"),
        (TrustsTheCount, "writes the reference count of PTE page 4 in the step in which it reads"),
    ],
)
def test_what_nothing_has_kept_is_told_in_any_schedule(
    scheme: type[ReclaimScheme], said: str
) -> None:
    scene = SCENES["put-locked"]
    result = explore(scene, scene.under(scheme), most=1)
    assert said in result.verdict.sentence, result
    assert f"({scheme.__name__}.zapped, line " in result.verdict.sentence


class UnderTheLock(CountsEmpty):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        yield from mm.machine.lock("mine", "ptl", tables, "spin")
        if not mm.machine.mem.nonnone[tables]:
            mm.machine.store.add(self, "words", 0, 1)
        yield mm.machine.unlock("mine", "ptl")


class AStepBetween(CountsEmpty):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        empty = not mm.machine.mem.nonnone[tables]
        yield look(tables)
        if empty:
            mm.machine.store.add(self, "words", 0, 1)
        yield look(tables)


@pytest.mark.parametrize("scheme", [UnderTheLock, AStepBetween])
def test_what_a_lock_keeps_or_a_step_shows_is_right(scheme: type[ReclaimScheme]) -> None:
    scene = SCENES["put-locked"]
    assert explore(scene, scene.under(scheme)).result == "exhausted"
