"""Wrong schemes, each as a learner writes it: the verdict names the missing lock, or what is lost."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from ptlab import ReclaimScheme
from ptlab.base.errors import SchemeMistake
from ptlab.base.steps import Kind, Step
from ptlab.paths.walk import pte_tables
from ptlab.race.all_scenes import races
from ptlab.race.explore import Job, search
from ptlab.race.limits import Limits
from ptlab.race.scenes import SCENES
from ptlab.schemes import PteRefcount
from ptlab.schemes.empty_tables import unhook_if_empty


def look(tables: Any) -> Step:
    return Step(Kind.LOOK, "look", tables)


class Frees(ReclaimScheme):
    """Unhooks in `zapped`, under the locks in `takes`; a mutant changes one thing."""

    takes: tuple[str, ...] = ("pmd_lock", "ptl")
    name = "frees"

    def zapped(self, mm, tables, walk, why, tlb):
        if why != "madvise":
            return
        m = mm.machine
        of = {"pmd_lock": m.mem.parent_of(tables), "ptl": tables, "mine": 0, "page_table_lock": 0}
        for name in self.takes:
            yield from m.lock("f", name, of[name], "spin")
        if m.mem.hooked(tables) and not m.mem.nonnone[tables]:
            yield mm.unhook_pte(tables, "f")
            yield from self._give_back(mm, tables, tlb)
        for name in reversed(self.takes):
            yield m.unlock("f", name)

    def _give_back(self, mm, table, tlb):
        tlb.free_tables(table)
        yield from ()


class AsksAndUnhooks(Frees):
    takes = ()


class OnlyThePmdLock(Frees):
    takes = ("pmd_lock",)


class OnlyThePteLock(Frees):
    takes = ("ptl",)


class AnotherLock(Frees):
    takes = ("page_table_lock",)


class ALockOfItsOwn(Frees):
    takes = ("mine",)


class WrongOrder(Frees):
    takes = ("ptl", "pmd_lock")


class TakesItTwice(Frees):
    takes = ("ptl", "ptl")


class DropsTooEarly(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        m = mm.machine
        yield from m.lock("f", "pmd_lock", m.mem.parent_of(tables), "spin")
        yield from m.lock("f", "ptl", tables, "spin")
        empty = m.mem.hooked(tables) and not m.mem.nonnone[tables]
        yield m.unlock("f", "ptl")
        if empty:
            yield mm.unhook_pte(tables, "f")
            tlb.free_tables(tables)
        yield m.unlock("f", "pmd_lock")


class DoesNotLookAgain(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        m = mm.machine
        if m.mem.nonnone[tables]:
            return
        yield from m.lock("f", "pmd_lock", m.mem.parent_of(tables), "spin")
        yield from m.lock("f", "ptl", tables, "spin")
        yield mm.unhook_pte(tables, "f")
        tlb.free_tables(tables)
        yield m.unlock("f", "ptl")
        yield m.unlock("f", "pmd_lock")


class NoFlush(Frees):
    def _give_back(self, mm, table, tlb):
        yield mm.machine.call_rcu(table)


class NoGracePeriod(Frees):
    def _give_back(self, mm, table, tlb):
        yield from mm.machine.flush("f", table, 0)
        yield mm.machine.free("f", table)


class FreesTwice(Frees):
    def _give_back(self, mm, table, tlb):
        yield from ()
        tlb.free_tables(table)
        tlb.free_tables(table)


class NeverFrees(Frees):
    def _give_back(self, mm, table, tlb):
        yield from ()


class UsesWhatItFreed(Frees):
    takes = ("pmd_lock", "ptl")

    def _give_back(self, mm, table, tlb):
        yield from mm.machine.flush("f", table, 0)
        yield mm.machine.call_rcu(table)

    def zap_ends(self, mm, tables, whole, locked_result, tlb):
        yield from super().zapped(mm, tables, None, "madvise", tlb)
        yield look(tables)
        yield from mm.machine.lock("f", "ptl", tables, "spin")
        yield mm.machine.unlock("f", "ptl")


class FreesWhatIsHooked(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        yield look(tables)
        tlb.free_tables(tables)


class LosesEntries(Frees):
    def zapped(self, mm, tables, walk, why, tlb):
        m = mm.machine
        yield from m.lock("f", "ptl", tables, "spin")
        m.mem.write(tables, slice(0, 512), 0)
        yield Step(Kind.CLEAR, "f", tables, 1)
        yield m.unlock("f", "ptl")


class ShrinksUnlocked(ReclaimScheme):
    def background(self, mm):
        for vma in mm.vmas:
            for pmd, slots, _ in pte_tables(mm, vma.start, vma.end):
                table = mm.machine.mem.at(pmd, slots)
                if (yield from unhook_if_empty(mm, table, "f", "pte_offset_map_lock")):
                    yield from mm.machine.flush("f", table, 0)
                    yield mm.machine.call_rcu(table)


class CountsInAnAttribute(ReclaimScheme):
    def __init__(self):
        self.zaps = defaultdict(int)

    def zapped(self, mm, tables, walk, why, tlb):
        before = self.zaps[0]
        yield look(tables)
        mm.machine.store.put(self, "zaps", 0, before + 1)


class CountsInAnArray(CountsInAnAttribute):
    def __init__(self):
        self.zaps = np.zeros(8, int)


class LocksOnlyTheWrite(CountsInAnAttribute):
    def zapped(self, mm, tables, walk, why, tlb):
        before = self.zaps[0]
        yield from mm.machine.lock("f", "mine", 0, "spin")
        mm.machine.store.put(self, "zaps", 0, before + 1)
        yield mm.machine.unlock("f", "mine")


class GetsOneTooMany(PteRefcount):
    name = "one_too_many"

    def table_installed(self, mm, pmd, tables):
        mm.machine.store.put(mm.machine.mem, "refcount", tables, 2)
        mm.machine.store.put(mm.machine.mem, "visitors", tables, 1)
        yield look(tables)

    def check(self, mm):
        return []


class PutsOneTooMany(PteRefcount):
    name = "puts_one_too_many"

    def visitor_leaves(self, mm, tables, times=1, tlb=None):
        yield from super().visitor_leaves(mm, tables, times, tlb)
        mm.machine.store.add(mm.machine.mem, "refcount", tables, -1)

    def check(self, mm):
        return []


class CountsPlainly(PteRefcount):
    name = "counts_plainly"

    def entries_mapped(self, mm, tables, n, times=1):
        mem = mm.machine.mem
        before = mem.refcount[tables]
        yield look(tables)
        mm.machine.store.put(mem, "refcount", tables, before + n)
        mm.machine.store.add(mem, "owed", tables, n)


@pytest.mark.parametrize(
    ("scheme", "scene", "said"),
    [
        (AsksAndUnhooks, "slow-path", "without the PMD lock of PMD page 2"),
        (OnlyThePmdLock, "slow-path", "unhooks PTE page 4 without the PTE lock of PTE page 4"),
        (OnlyThePteLock, "slow-path", "without the PMD lock of PMD page 2"),
        (AnotherLock, "slow-path", "without the PMD lock of PMD page 2"),
        (ALockOfItsOwn, "slow-path", "without the PMD lock of PMD page 2"),
        (WrongOrder, "slow-path", "wants pmd_lock while it holds ptl: lock order"),
        (TakesItTwice, "slow-path", "waits for the PTE lock of PTE page 4, which it holds itself"),
        (DropsTooEarly, "slow-path", "unhooks PTE page 4 without the PTE lock of PTE page 4"),
        (DoesNotLookAgain, "pmd-same", "unhooks PTE page 4 with 1 entry in it, lost"),
        (NoFlush, "slow-path", "hands to RCU PTE page 4 without a TLB flush since"),
        (NoGracePeriod, "slow-path", "frees PTE page 4 without a grace period"),
        (FreesTwice, "slow-path", "frees PTE page 4 a second time"),
        (NeverFrees, "slow-path", "PTE page 4 has leaked"),
        (UsesWhatItFreed, "pmd-same", "uses the lock in PTE page 4, freed"),
        (FreesWhatIsHooked, "slow-path", "hands to RCU PTE page 4 without having unhooked it"),
        (LosesEntries, "abc", "loses a user's page: PTE page 4 mapped page frame"),
        (ShrinksUnlocked, "scan-fault", "without mmap_lock, a VMA's lock or i_mmap_rwsem"),
        (CountsInAnAttribute, "slow-path", "reads self.zaps and writes it without a lock"),
        (CountsInAnArray, "slow-path", "reads self.zaps and writes it without a lock"),
        (LocksOnlyTheWrite, "slow-path", " writes self.zaps, which it read before task "),
        (GetsOneTooMany, "put-locked", "PTE page 4 will never be freed: its count is 1"),
        (PutsOneTooMany, "install", "(PTE page 4 has a count of 0 and 1 entry)"),
        (CountsPlainly, "abc", " writes the count of PTE page 4, which it read before "),
    ],
)
def test_what_is_missing_or_lost_is_named(scheme: Any, scene: str, said: str) -> None:
    stage = SCENES[scene]
    variant = stage.under(scheme)
    failures = search(stage, variant, Job("", {}), Limits(most=40)).failures
    assert any(
        said in stage.run(schedule, variant).verdict.sentence for schedule in list(failures)[:3]
    )


def test_a_stage_that_is_never_set_is_a_mistake_of_the_scheme() -> None:
    with pytest.raises(SchemeMistake) as refused:
        races(PutsOneTooMany, scenes=["put-locked"])
    assert "the stage of scene put-locked is never set" in str(refused.value)
    assert "it is in PutsOneTooMany.pte_try_get, line " in str(refused.value)


COUNT = {"zaps": 0}
ZAPS = 0


class InTheModule(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        before = COUNT["zaps"]
        yield look(tables)
        COUNT["zaps"] = before + 1


class InAGlobal(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        global ZAPS
        yield look(tables)
        ZAPS += 1


def _in_a_closure() -> type[ReclaimScheme]:
    zaps = {}

    class InAClosure(ReclaimScheme):
        def zapped(self, mm, tables, walk, why, tlb):
            yield look(tables)
            zaps[tables] = zaps.get(tables, 0) + 1

    return InAClosure


class InTheClass(ReclaimScheme):
    zaps = 0

    def zapped(self, mm, tables, walk, why, tlb):
        yield look(tables)
        type(self).zaps += 1


def _note(table: int, seen: list[int] = []) -> None:  # noqa: B006
    seen.append(table)


class InADefault(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        yield look(tables)
        _note(tables)


class AtTheFunction(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        yield look(tables)
        AtTheFunction.zapped.zaps = tables


class AtTheMm(ReclaimScheme):
    def zapped(self, mm, tables, walk, why, tlb):
        yield look(tables)
        mm.zaps = tables


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (InTheModule, "InTheModule.zapped, line {}: the module's COUNT has changed."),
        (InAGlobal, "InAGlobal.zapped, line {}: the module's ZAPS has changed."),
        (_in_a_closure(), "InAClosure.zapped, line {}: the enclosing function's zaps has changed."),
        (InTheClass, "InTheClass.zapped, line {}: InTheClass.zaps has changed."),
        (InADefault, "_note, line {}: the default of seen has changed."),
        (AtTheFunction, "AtTheFunction.zapped, line {}: an attribute of zapped has changed."),
        (AtTheMm, "AtTheMm.zapped, line {}: the Mm's zaps has changed."),
    ],
)
def test_what_is_remembered_elsewhere_is_refused_with_its_line(scheme: Any, said: str) -> None:
    code = _note.__code__ if scheme is InADefault else vars(scheme)["zapped"].__code__
    last = max(line for *_, line in code.co_lines() if line)
    with pytest.raises(SchemeMistake) as refused:
        races(scheme, scenes=["slow-path"], most=10)
    assert str(refused.value).startswith(said.format(last))
    assert "mm.machine.store.put(self, " in str(refused.value)
