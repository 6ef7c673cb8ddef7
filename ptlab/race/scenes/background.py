"""Scenes with work in the background: `Process.background()`, when time passes or memory is short."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.base.tables import Slots, table_count
from ptlab.paths.gup import gup_fast
from ptlab.paths.mmap import do_munmap
from ptlab.process.process import Process
from ptlab.race.scenes.hardware import QUIET
from ptlab.race.scenes.scene import (
    OF_ITS_TIME,
    PAGE,
    TABLE,
    Paths,
    Scene,
    Variant,
    dontneed,
    one_table,
    write,
)
from ptlab.schemes import AsyncScan, MappedCount
from ptlab.state.mm import Mm


class LooksOnce(MappedCount):
    """Waits for mmap_lock, and trusts what it saw before."""

    name = "looks_once"
    fate = "Never proposed: mapped_count as ptlab had it until two scans raced."

    def kfreeptd_pmd_entry(self, mm: Mm, address: int, slots: Slots) -> Path[None]:
        """The table is looked up before the wait."""
        machine, n = mm.machine, table_count(slots)
        table = mm.lookup(address, machine.geometry.path[-1])
        yield machine.unlock("mmap_read_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write", n)
        pmd = machine.mem.parent_of(table)
        yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
        unused = yield from self._unhook_unused(mm, table)
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        yield machine.unlock("mmap_write_unlock", "mmap_lock", n)
        yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read", n)
        if unused is not None:
            yield machine.free("kfreeptd_pmd_entry", unused)


def _empty(process: Process) -> int:
    """A table that MADV_DONTNEED has emptied, if the design has left it."""
    heap = one_table(process, 0)
    process.madvise(heap, "DONTNEED", TABLE)
    return heap


def _two_scans(process: Process) -> Paths:
    _empty(process)
    mm, scheme = process.mm, process.scheme
    return {"background": _of(scheme.background(mm)), "background too": _of(scheme.background(mm))}


def _of(path: Path[None]) -> Path[None]:
    """A design without background work gives no generator."""
    yield from path


two_scans = Scene(
    "two-scans",
    "Two scans in the background find one empty table; each waits for mmap_lock",
    "no second look after the wait",
    _two_scans,
    Variant(MappedCount, OF_ITS_TIME),
    Variant(LooksOnce, OF_ITS_TIME),
    kernel="6.1",
)


def _scan_and_fault(process: Process) -> Paths:
    heap = _empty(process)
    return {
        "write page 1": write(process, heap + PAGE),
        "background": _of(process.scheme.background(process.mm)),
    }


scan_fault = Scene(
    "scan-fault",
    "A scan in the background frees a table that a fault has looked up",
    "the freed page does not wait for a grace period",
    _scan_and_fault,
    Variant(AsyncScan),
    Variant(AsyncScan, frozenset({Precaution.RCU})),
    kernel="6.12",
)


class ScansUnlocked(AsyncScan):
    """Walks the VMAs and their tables without mmap_lock."""

    name = "scans_unlocked"
    fate = "Forbidden: Documentation/mm/process_addrs.rst, traversing page tables."

    def task_mm_pgtable_work(self, mm: Mm, anew: bool = False) -> Path[None]:
        """munmap does not wait for it."""
        for vma in mm.vmas:
            yield from self._scan(mm, vma, vma.start, vma.end)


def _scan_and_munmap(process: Process) -> Paths:
    heap = _empty(process)
    return {
        "background": _of(process.scheme.background(process.mm)),
        "munmap": do_munmap(process.mm, heap, 2 * TABLE),
    }


scan_munmap = Scene(
    "scan-munmap",
    "A scan in the background, or a shrinker, beside a munmap that frees PMD pages too",
    "the scan takes no mmap_lock",
    _scan_and_munmap,
    Variant(AsyncScan),
    Variant(ScansUnlocked),
    kernel="6.12",
)


def _scan_and_gup(process: Process) -> Paths:
    heap = one_table(process, 0)

    def later() -> Path[None]:
        yield from dontneed(process, heap, TABLE)
        yield from process.scheme.background(process.mm)

    return {
        "GUP-fast of page 0": gup_fast(process.mm, heap),
        "DONTNEED the table, then background": later(),
    }


scan_gup = Scene(
    "scan-gup",
    "A table is emptied, and freed later in the background; GUP-fast has looked it up",
    "the freed page does not wait for a grace period",
    _scan_and_gup,
    Variant(AsyncScan, QUIET),
    Variant(AsyncScan, QUIET | {Precaution.RCU}),
    kernel="6.12",
)

SCENES = (two_scans, scan_fault, scan_munmap, scan_gup)
