"""Scenes of the reference count of 2021: who may use a PTE page, and who frees it.

The first two are those of Documentation/vm/pte_ref.rst, section 3, Message-Id
<20211110105428.32458-15-zhengqi.arch@bytedance.com>. Linux 6.1 had no pmd_same() check behind
pte_offset_map_lock(): the reference keeps a looked-up table in place.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.base.tables import Slots, Tables
from ptlab.paths.access import touch
from ptlab.paths.mmap import do_munmap
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    BASE,
    INSTALLS,
    PAGE,
    SETS,
    TABLE,
    UNMAPS,
    Paths,
    before_6_5,
    dontneed,
    fault_and_zap,
    one_table,
    two_zaps,
    write,
)
from ptlab.schemes import NOTHING, EveryLevel, PteRefcount, UnmapOnly
from ptlab.schemes.empty_tables import upper_pages
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather


class Naive(PteRefcount):
    """Counts entries, but no visitors: the naive freeing of the design document."""

    name = "naive"
    fate = "Never proposed: the design document's example of what goes wrong."
    counts_references = False

    def table_installed(self, mm: Mm, pmd: int, tables: Tables) -> Path[None]:
        """A fresh table has no entry and no reference."""
        return NOTHING  # type: ignore[no-any-return]

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """A visitor takes no reference."""
        return NOTHING  # type: ignore[no-any-return]

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """A visitor has no reference to put."""
        return NOTHING  # type: ignore[no-any-return]


def _munmap(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "write page 1": write(process, heap + PAGE),
        "munmap": do_munmap(process.mm, heap, 2 * TABLE),
    }


exclusive = before_6_5(
    "exclusive",
    "Linux 6.1: a walker holds mmap_lock for read, munmap for write",
    "munmap takes mmap_lock for read only",
    _munmap,
    UnmapOnly,
    without=Precaution.MMAP_WRITE,
    trial=UNMAPS,
)


def _abc(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "write page 1": write(process, heap + PAGE),
        "DONTNEED page 0": dontneed(process, heap, PAGE),
        "write page 2": write(process, heap + 2 * PAGE),
    }


abc = before_6_5(
    "abc",
    "Walker A, MADV_DONTNEED B and fault C all hold mmap_lock for read",
    "visitors hold no reference (no pte_try_get)",
    _abc,
    PteRefcount,
    broken=Naive,
)


def _install(process: Process) -> Paths:
    heap = one_table(process)
    return {
        "write page 0": write(process, heap),
        "write page 1": write(process, heap + PAGE),
    }


install = before_6_5(
    "install",
    "Two faults race to install one table; the loser frees its page",
    "no look at the PMD entry under the lock (pmd_none)",
    _install,
    UnmapOnly,
    without=Precaution.PMD_NONE,
    trial=INSTALLS,
)


def _same_entry(process: Process) -> Paths:
    heap = one_table(process, 1)
    return {"write page 0": write(process, heap), "write page 0 too": write(process, heap)}


same_entry = before_6_5(
    "same-entry",
    "Two faults on the same page; the second finds the entry filled",
    "no look at the entry under the PTE lock (pte_same)",
    _same_entry,
    UnmapOnly,
    without=Precaution.PTE_SAME,
    trial=SETS,
)


def _dying(process: Process) -> Paths:
    heap = one_table(process)

    def come_and_go() -> Path[None]:
        yield from write(process, heap + PAGE)
        yield from dontneed(process, heap + PAGE, PAGE)

    return {"write page 0": write(process, heap), "write, then DONTNEED page 1": come_and_go()}


dying = before_6_5(
    "dying",
    "pte_try_get against the dying table: at ZERO, wait until it is unhooked",
    "the waiter keeps the PMD lock, which the freer needs",
    _dying,
    PteRefcount,
    without=Precaution.DROP_LOCK,
)


class LatePut(PteRefcount):
    """A fault keeps its reference after it drops mmap_lock; the scene puts it later."""

    name = "late_put"
    written_atomically = frozenset({"late"})

    def __init__(self) -> None:
        self.late: list[Tables | None] = [None]
        """The table of the one fault of the scene."""

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """Only a zap puts at once."""
        if tlb is None:
            mm.machine.store.put(self, "late", 0, tables)
            return NOTHING  # type: ignore[no-any-return]
        return super().visitor_leaves(mm, tables, times, tlb)


def _put_vmf(process: Process) -> Paths:
    heap = one_table(process, 1)
    scheme = process.scheme

    def fault() -> Path[Any]:
        yield from touch(process.mm, True, heap, 1)
        if isinstance(scheme, LatePut) and scheme.late[0] is not None:
            yield from PteRefcount.visitor_leaves(scheme, process.mm, scheme.late[0])

    return {"write page 0": fault(), "munmap": do_munmap(process.mm, heap, 2 * TABLE)}


put_vmf = before_6_5(
    "put-vmf",
    "A fault must put its reference before it drops mmap_lock",
    "pte_put_vmf() after mmap_read_unlock()",
    _put_vmf,
    PteRefcount,
    broken=LatePut,
    trial=UNMAPS,
)


put_locked = before_6_5(
    "put-locked",
    "A put may free the table, for which it needs the PMD lock",
    "pte_put_many() before pte_unmap_unlock()",
    partial(two_zaps, PAGE),
    PteRefcount,
    without=Precaution.PUT_UNLOCKED,
)


try_get_rcu = before_6_5(
    "try-get-rcu",
    "pte_try_get reads the PMD entry, then counts: RCU keeps the page in between",
    "the freed page does not wait for a grace period",
    partial(fault_and_zap, PAGE),
    PteRefcount,
    without=Precaution.RCU,
)


class NoUpperVisitors(EveryLevel):
    """Upper tables count references for their entries only; a walk takes none."""

    name = "no_upper_visitors"
    fate = "Never proposed: what every_level would be without its visitors."

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[list[int]]:
        """A walk takes no reference on its way down."""
        return NOTHING  # type: ignore[no-any-return]

    def upper_met(self, mm: Mm, table: int, walk: Any, times: int = 1) -> Path[Any]:
        """Nor on a table that another task has built."""
        return NOTHING  # type: ignore[no-any-return]

    def upper_installed(self, mm: Mm, table: int, walk: Any, times: int = 1) -> Path[None]:
        """A fresh upper table has no visitor."""
        return NOTHING  # type: ignore[no-any-return]

    def walk_ends(
        self, mm: Mm, walk: Any, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """A zap frees the upper tables that it has emptied."""
        if tlb is not None:
            for table in reversed(upper_pages(mm, BASE, BASE + TABLE)):
                if not mm.machine.mem.nonnone[table]:
                    yield from self._free_upper(mm, table, tlb)


def _upper(process: Process) -> Paths:
    heap = process.mmap(TABLE, at=BASE)
    process.touch(heap, PAGE)
    return {
        "write page 1": write(process, heap + PAGE),
        "DONTNEED page 0": dontneed(process, heap, PAGE),
    }


upper = before_6_5(
    "upper",
    "The only table below a PMD page is freed while a fault is on its way down",
    "a walk holds no reference on the PMD page that it passes",
    _upper,
    EveryLevel,
    broken=NoUpperVisitors,
)

SCENES = (exclusive, abc, install, same_entry, dying, put_vmf, put_locked, try_get_rcu, upper)
