"""Scenes with walkers that take no lock: GUP-fast, and the MMU with its TLB."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.paths.gup import gup_fast
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    CLEARS,
    PAGE,
    TABLE,
    Paths,
    Scene,
    Variant,
    dontneed,
    one_table,
    read,
)
from ptlab.schemes import PtReclaim

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

SCENES = (gup, gup_ipi, stale)
