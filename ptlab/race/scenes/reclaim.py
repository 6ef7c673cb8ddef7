"""Scenes of pt_reclaim, Linux 6.14: no references, but a second check under the lock."""

from __future__ import annotations

from functools import partial

from ptlab.base.precautions import Precaution
from ptlab.paths.madvise import MADV_COLLAPSE, do_madvise
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    TABLE,
    Paths,
    Scene,
    Variant,
    dontneed,
    fault_and_zap,
    one_table,
    two_zaps,
    write,
)
from ptlab.schemes import PtReclaim
from ptlab.schemes.pt_reclaim import PtReclaimUnfixed

pmd_same = Scene(
    "pmd-same",
    "A fault has looked up the table; MADV_DONTNEED frees it before the fault has the lock",
    "no pmd_same() after the PTE lock is taken",
    partial(fault_and_zap, TABLE),
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.PMD_SAME})),
)

walker_rcu = Scene(
    "walker-rcu",
    "The PTE lock lies in the page: RCU keeps the page while a walker reaches for the lock",
    "the freed page does not wait for a grace period",
    partial(fault_and_zap, TABLE),
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.RCU})),
)


def _refill(process: Process) -> Paths:
    heap = one_table(process, 0, 1)
    return {
        "write page 0": write(process, heap),
        "DONTNEED the table": dontneed(process, heap, TABLE),
    }


february = Scene(
    "february",
    "The bug of February 2025: a zap that was interrupted trusts what it cleared before",
    "the fast path although the PTE lock was dropped on the way",
    _refill,
    Variant(PtReclaim),
    Variant(PtReclaimUnfixed),
    gather_pages=1,
    source="<20250211072625.89188-1-zhengqi.arch@bytedance.com> (6.14-rc)",
)

slow_path = Scene(
    "slow-path",
    "Two slow paths want to free one table: the second looks at the PMD entry again",
    "no second look at the PMD entry under the PMD lock",
    partial(two_zaps, TABLE),
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.RECHECK_PMD})),
    gather_pages=1,
)


def _collapse(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "collapse into a huge page": do_madvise(process.mm, heap, TABLE, MADV_COLLAPSE),
        "DONTNEED the table": dontneed(process, heap, TABLE),
    }


august = Scene(
    "august",
    "The bug of August 2025: a collapse holds mmap_lock for write, a zap its VMA's lock alone",
    "the collapse looks at the PMD entry before it has the VMA's lock",
    _collapse,
    Variant(PtReclaim),
    Variant(PtReclaim, frozenset({Precaution.VMA_FIRST})),
    source="<20250805035447.7958-1-21cnbao@gmail.com> (6.17)",
)

SCENES = (pmd_same, walker_rcu, february, slow_path, august)
