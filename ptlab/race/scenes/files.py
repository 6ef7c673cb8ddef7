"""Scenes with a file: a path that comes through the file (rmap) does not hold mmap_lock."""

from __future__ import annotations

from typing import Any

from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.base.tables import Tables
from ptlab.paths.filemap import do_fault
from ptlab.paths.mmap import do_munmap
from ptlab.paths.pieces import Piece
from ptlab.paths.truncate import do_truncate
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    BASE,
    CLEARS,
    OF_ITS_TIME,
    PAGE,
    SETS,
    TABLE,
    UNMAPS,
    Paths,
    Scene,
    Variant,
    before_6_5,
    read,
)
from ptlab.schemes import PteRefcount, UnmapOnly
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.page_cache import File
from ptlab.state.vma import Vma, find_vma_intersection


class ZapLocksMm(PteRefcount):
    """Frees under mmap_lock for write, as if that lock made it safe."""

    name = "zap_locks_mm"
    fate = "Never proposed: the lock inversion named in the review of November 2021."

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """The put that may free the table, inside mmap_lock."""
        truncating = any(lock.name == "i_mmap_rwsem" for lock in mm.machine.held[mm.machine.task])
        if truncating:
            yield from mm.machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
        yield from super().entries_unmapped(mm, tables, n, tlb)
        if truncating:
            yield mm.machine.unlock("mmap_write_unlock", "mmap_lock")


def _shared_page(process: Process) -> tuple[File, int]:
    """A file of one page, mapped and touched."""
    file = process.file(PAGE, filled=True)
    area = process.mmap(TABLE, at=BASE, shared=True, file=file)
    process.touch(area, PAGE)
    return file, area


def _truncate(process: Process) -> Paths:
    file, area = _shared_page(process)
    return {
        "truncate": do_truncate(process.machine, file, 0),
        "munmap": do_munmap(process.mm, area, TABLE),
    }


truncate = before_6_5(
    "truncate",
    "truncate zaps under i_mmap_rwsem, behind which mmap_lock must not be taken",
    "a zap that wants mmap_lock",
    _truncate,
    PteRefcount,
    broken=ZapLocksMm,
    trial=CLEARS,
)


inversion = Scene(
    "inversion",
    "The same two tasks; nobody objects to the order of their locks until both wait",
    "a zap that wants mmap_lock",
    _truncate,
    Variant(PteRefcount, OF_ITS_TIME),
    Variant(ZapLocksMm, OF_ITS_TIME, lock_order=False),
    kernel="6.1",
    own_scheme=False,
    trial=CLEARS,
)


class InstallsByRmap(UnmapOnly):
    """A prefault that comes through the file and holds i_mmap_rwsem alone."""

    name = "installs_by_rmap"
    fate = "Forbidden: Documentation/mm/process_addrs.rst."


def _prefault(process: Process) -> Paths:
    file, area = _shared_page(process)
    mm, machine = process.mm, process.machine
    by_rmap = isinstance(process.scheme, InstallsByRmap)

    def prefault() -> Path[None]:
        if not by_rmap:
            yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
        yield from machine.lock("i_mmap_lock_read", "i_mmap_rwsem", file.number, "read")
        vma = find_vma_intersection(mm.vmas, area, area + PAGE)
        if vma is None and by_rmap:
            vma = next((one for one in mm.detached if one.start <= area < one.end), None)
        pmd = mm.lookup(area, Level.PMD)
        if vma is not None and pmd and not _is_mapped(mm, pmd, vma):
            yield from do_fault(mm, vma, pmd, Piece(area, area >> 21 & 511, slice(0, 1)), False)
        yield machine.unlock("i_mmap_unlock_read", "i_mmap_rwsem")
        if not by_rmap:
            yield machine.unlock("mmap_read_unlock", "mmap_lock")

    return {"prefault": prefault(), "munmap": do_munmap(mm, area, TABLE)}


def _is_mapped(mm: Mm, pmd: int, vma: Vma) -> bool:
    table = int(mm.machine.mem.at(pmd, vma.start >> 21 & 511))
    return bool(table and mm.machine.mem.entries.word(table, vma.start >> PAGE_SHIFT & 511))


rmap_install = before_6_5(
    "rmap-install",
    "munmap has zapped, but is still in the file's tree of mappings until free_pgtables()",
    "an install under i_mmap_rwsem alone",
    _prefault,
    UnmapOnly,
    broken=InstallsByRmap,
    own_scheme=False,
    trial=UNMAPS,
)


def _fault_and_truncate(process: Process) -> Paths:
    file, area = _shared_page(process)
    process.madvise(area, "DONTNEED", PAGE)
    return {"read page 0": read(process, area), "truncate": do_truncate(process.machine, file, 0)}


fault_truncate = Scene(
    "fault-truncate",
    "A fault has found a page of the file; truncate takes the page out of the file",
    "the fault does not lock the page and does not look whether the file still has it",
    _fault_and_truncate,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.FOLIO_LOCK})),
    kernel="6.12",
    trial=SETS,
    source="commit d00806b18315 (2.6.23)",
)

SCENES = (truncate, inversion, rmap_install, fault_truncate)
