"""Scenes with walkers that take no lock: GUP-fast, and the MMU with its TLB."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.paths.gup import gup_fast
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    CLEARS,
    INSTALLS,
    PAGE,
    SETS,
    TABLE,
    Paths,
    Scene,
    Variant,
    dontneed,
    one_table,
    read,
    write,
)
from ptlab.schemes import PtReclaim, UnmapOnly

QUIET = frozenset({Precaution.IPI})
"""A hypervisor flushes the TLBs of its guests without an interrupt to them (PV TLB flush)."""


def _gup(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "GUP-fast of page 0": gup_fast(process.mm, heap),
        "DONTNEED the table": dontneed(process, heap, TABLE),
    }


gup = Scene(
    "gup-fast",
    "GUP-fast takes no lock and no reference; the flush sends no interrupt to its CPU",
    "the freed page does not wait for a grace period",
    _gup,
    Variant(PtReclaim, QUIET),
    Variant(PtReclaim, QUIET | {Precaution.RCU}),
)

gup_ipi = Scene(
    "gup-ipi",
    "Without RCU, only the interrupt of the flush makes the freer wait for GUP-fast",
    "a flush that sends no interrupt",
    _gup,
    Variant(PtReclaim, frozenset({Precaution.RCU})),
    Variant(PtReclaim, QUIET | {Precaution.RCU}),
    own_scheme=False,
)


def _stale(process: Process) -> Paths:
    heap = one_table(process, 0)

    def twice() -> Path[None]:
        yield from read(process, heap)
        yield from read(process, heap)

    return {"read page 0 twice": twice(), "DONTNEED page 0": dontneed(process, heap, PAGE)}


stale = Scene(
    "stale-tlb",
    "A CPU has the translation in its TLB while another frees the page",
    "pages are freed before the TLB is flushed",
    _stale,
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.FLUSH_FIRST})),
    trial=CLEARS,
)


def _install_and_gup(process: Process) -> Paths:
    heap = one_table(process)
    return {"write page 0": write(process, heap), "GUP-fast of page 0": gup_fast(process.mm, heap)}


wmb = Scene(
    "pmd-wmb",
    "A fault installs a new table; GUP-fast, without a lock, finds the entry that points to it",
    "no smp_wmb() between the zeroes of the table and the entry",
    _install_and_gup,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.PMD_WMB})),
    trial=INSTALLS,
    weak=True,
    source="commit 362a61ad6119 (2.6.26)",
)


def _write_and_read(process: Process) -> Paths:
    heap = one_table(process, 1)
    return {"write page 0": write(process, heap), "read page 0": read(process, heap)}


uptodate = Scene(
    "uptodate-wmb",
    "A fault maps a new zeroed page; another CPU reads it through the new entry",
    "no barrier between the zeroes of the page and the entry: what was there before is read",
    _write_and_read,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.UPTODATE_WMB})),
    own_scheme=False,
    trial=SETS,
    weak=True,
    source="commit 0ed361dec369 (2.6.25)",
)


def _walk_and_zap(process: Process) -> Paths:
    heap = one_table(process, 0, 1)

    def both() -> Path[None]:
        yield from read(process, heap)
        yield from read(process, heap + PAGE)

    return {
        "read page 0, then page 1": both(),
        "DONTNEED the table": dontneed(process, heap, TABLE),
    }


walk_cache = Scene(
    "walk-cache",
    "The MMU keeps the way to a PTE page in its paging-structure cache, and RCU does not know of it",
    "the flush for a freed table leaves the paging-structure caches as they are",
    _walk_and_zap,
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.WALK_CACHES})),
    weak=True,
    source="commit d86564a2f085 (4.19)",
)

SCENES = (gup, gup_ipi, stale, wmb, uptodate, walk_cache)
