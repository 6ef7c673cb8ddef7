"""A write without the locks that protect it fails in any schedule, with one task too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import scenario
from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.all_scenes import races
from ptlab.race.broken_rule import StaleRead, Unprotected
from ptlab.race.lock_table import RULES
from ptlab.race.sanitizer import Sanitizer
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.scene import PAGE, TABLE, dontneed, one_table
from ptlab.race.scheduler import Scheduler
from ptlab.schemes import NOTHING, SCHEMES, PteRefcount, PtRwsem, ReclaimScheme, UnmapOnly
from ptlab.state.blocks import Blocks
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from tests.support.strategies import programs


def alone(scheme: type[ReclaimScheme], kernel: str = "6.18") -> list[Unprotected]:
    """What one MADV_DONTNEED of a whole table does wrong under `scheme`, with nobody else there."""
    process = Process(scheme, kernel, grain="table")
    heap = one_table(process, 0)
    scheduler = Scheduler(process, {"DONTNEED": dontneed(process, heap, TABLE)})
    while scheduler.enabled():
        scheduler.go(scheduler.enabled()[0])
    broken = scheduler.verdict.broken if scheduler.verdict else ()
    return [one for one in broken if isinstance(one, Unprotected)]


class Wrong(ReclaimScheme):
    """Frees the table that MADV_DONTNEED has emptied; subclasses leave a lock out."""

    locks: tuple[str, ...] = ("pmd_lock", "ptl")
    mode = "spin"

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        machine = mm.machine
        of = {
            "pmd_lock": machine.mem.parent_of(tables),
            "ptl": tables,
            "page_table_lock": mm.id,
        }
        for name in self.locks:
            yield from machine.lock("wrong", name, of[name], self.mode)
        if machine.mem.hooked(tables) and not machine.mem.nonnone[tables]:
            yield mm.unhook_pte(tables, "wrong")
            yield from self.free(mm, tables, tlb)
        for name in reversed(self.locks):
            yield machine.unlock("wrong", name)

    def free(self, mm: Mm, tables: Any, tlb: MmuGather) -> Path[None]:
        tlb.free_tables(tables)
        return NOTHING  # type: ignore[no-any-return]


class NoLock(Wrong):
    locks = ()


class NoPmdLock(Wrong):
    locks = ("ptl",)


class NoPteLock(Wrong):
    locks = ("pmd_lock",)


class OtherLock(Wrong):
    locks = ("page_table_lock", "ptl")


class ForRead(Wrong):
    mode = "read"


class NoFlush(Wrong):
    def free(self, mm: Mm, tables: Any, tlb: MmuGather) -> Path[None]:
        yield mm.machine.call_rcu(tables)


class NoGracePeriod(Wrong):
    def free(self, mm: Mm, tables: Any, tlb: MmuGather) -> Path[None]:
        yield from mm.machine.flush("flush_tlb_range", tables, 0)
        yield mm.machine.free("wrong", tables)


class StillHooked(ReclaimScheme):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        yield mm.machine.call_rcu(tables)


class PlainCount(PteRefcount):
    def visitor_leaves(
        self, mm: Mm, tables: Any, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        mem = mm.machine.mem
        mm.machine.store.put(mem, "refcount", tables, mem.refcount[tables] - 1)
        mm.machine.store.add(mem, "visitors", tables, -1)
        yield Step(Kind.LOOK, "wrong", tables)


class CountsNothing(NoPteLock):
    stays_empty = "count"


class OwnLockNotTaken(Wrong):
    locks = ()
    stays_empty = "my_lock"


class ClearsAnEntry(ReclaimScheme):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        mm.machine.mem.write(tables, 0, 0x1234067)
        yield Step(Kind.LOOK, "wrong", tables)


class ChangesAVma(ReclaimScheme):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        mm.set_vmas(Blocks(vma.cut(vma.start, vma.end - PAGE) for vma in mm.vmas))
        yield Step(Kind.LOOK, "wrong", tables)


class ChangesALockedMm(ChangesAVma):
    zap_mode = "write"


@pytest.mark.parametrize(
    ("scheme", "missing"),
    [
        (NoLock, "the PMD lock of PMD page 2"),
        (NoPmdLock, "the PMD lock of PMD page 2"),
        (NoPteLock, "the PTE lock of PTE page 4"),
        (OtherLock, "the PMD lock of PMD page 2"),
        (ForRead, "the PMD lock of PMD page 2"),
        (NoFlush, "a TLB flush since it was unhooked"),
        (NoGracePeriod, "a grace period"),
        (StillHooked, "having unhooked it"),
        (PlainCount, "an atomic operation (store.add)"),
        (CountsNothing, "its PTE lock"),
        (ClearsAnEntry, "the PTE lock of PTE page 4"),
        (ChangesAVma, "mmap_lock for write"),
        (ChangesALockedMm, "the VMA lock of 0x100000000000 (write)"),
    ],
)
def test_what_is_missing_is_named(scheme: type[ReclaimScheme], missing: str) -> None:
    broken = alone(scheme)
    assert missing in [one.missing for one in broken]
    assert f"({scheme.__name__}." in broken[-1].sentence and ", line " in broken[-1].sentence


def test_a_lock_of_ones_own_that_nobody_takes() -> None:
    assert [one.missing for one in alone(OwnLockNotTaken)] == ["my_lock"]


def test_the_locks_in_order_are_enough() -> None:
    assert alone(Wrong) == []


def test_a_scheme_without_locks_fails_in_the_scenes_in_which_it_frees() -> None:
    failed = races(NoLock, most=1).failures
    assert {"pmd-same", "gup-fast"} <= {result.scene for result in failed}
    assert "without the PMD lock" in failed[0].verdict.sentence


class WalksWithoutTheLock(PtRwsem):
    """Only zaps take the lock: a page fault does not."""

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[Any]:
        if end - start == PAGE and times == 1:
            return (yield from UnmapOnly.walk_begins(self, mm, start, end, times))
        return (yield from super().walk_begins(mm, start, end, times))

    def walk_ends(
        self, mm: Mm, walk: Any, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        if walk:
            yield from super().walk_ends(mm, walk, times, tlb)


def test_a_lock_of_ones_own_must_be_taken_by_every_walk() -> None:
    scene = SCENES["same-entry"]
    scheduler = scene.start(scene.under(WalksWithoutTheLock))
    while scheduler.enabled():
        scheduler.go(scheduler.enabled()[0])
    assert "writes into PTE page 4 without pt_rwsem" in scheduler.verdict.sentence


def test_every_rule_says_where_the_kernel_says_so() -> None:
    for rule in RULES:
        assert all((rule.written, rule.needs, rule.kernels, rule.source))


schemes = st.sampled_from(sorted(SCHEMES))


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "6.18"])
@settings(max_examples=20)
@given(program=programs(longest=6, full=False) | programs(longest=4), scheme=schemes)
def test_no_path_and_no_design_writes_unprotected(kernel: str, program: str, scheme: str) -> None:
    """With one task: what the rules ask for does not depend on the others."""
    process = Process(scheme, kernel, grain="table", record=False)
    sanitizer = process.machine.others = Sanitizer(process.machine, 1)
    told = scenario.parse(f"scenario random\n{program}")[0]

    def step_by_step(steps: Iterable[Step]) -> None:
        for _ in steps:
            sanitizer.stale.new_segment()

    process.machine.observe = step_by_step
    for row in scenario.play(process, told):
        if row["op"].startswith("file"):  # before it, nothing but the language's own wall was put
            sanitizer.broken.clear()
        broken = [
            one.sentence for one in sanitizer.broken if isinstance(one, (Unprotected, StaleRead))
        ]
        assert not broken, f"{row['op']}: {broken[0]}"
        sanitizer.footprint.clear()
