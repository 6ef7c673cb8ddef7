"""Is a long walk cheaper under references, or under a lock of the page table?

>>> tables_from_which_rwsem_wins("FREE", cpus=2), tables_from_which_rwsem_wins("DONTNEED", cpus=2)
(15, None)

References cost something in every table, pt_rwsem only once a walk. But a zap under pt_rwsem reads
every entry to find out which tables are empty. The simulator counts the walks, and
ptlab.costs.contention puts prices on the counts.
"""

from __future__ import annotations

from dataclasses import replace

from ptlab.base.errors import unknown
from ptlab.base.geometry import PAGE_SIZE, PTRS_PER_TABLE
from ptlab.costs.contention import (
    KERNEL,
    Constants,
    Scheme,
    Work,
    counted,
    once,
    private_ns,
    response,
)
from ptlab.costs.meter import Meter
from ptlab.process.process import Process
from ptlab.schemes import ReclaimScheme, scheme_class

CONSTANTS = Constants()
WALKS = ("FREE", "DONTNEED")
"""Advice whose walk over whole tables takes mmap_lock for read: one only marks the entries, the other
clears them."""


@once
def walk(scheme: type[ReclaimScheme], advice: str, tables: int) -> Work:
    """What one walk over `tables` full tables does, counted in the simulator."""
    process = Process(scheme, KERNEL, grain="range", record=False)
    memory = process.mmap(tables * PTRS_PER_TABLE * PAGE_SIZE)
    process.touch(memory)
    meter = Meter(process)
    process.madvise(memory, advice)
    return counted(meter.costs, 1, meter.costs.tables_freed)


def walk_cost(
    scheme: Scheme, advice: str, tables: int, cpus: int, constants: Constants = CONSTANTS
) -> float:
    """Nanoseconds that one madvise() of WALKS over `tables` full tables costs on top of unmap_only's.

    All `cpus` do nothing but walk, and an entry takes them as long as a page's share of a zap. What
    pt_rwsem does while it is alone is priced as if no CPU waited for it, which is too little.
    ValueError if WALKS has no such advice.
    """
    if advice not in WALKS:
        raise unknown("walk", advice, WALKS)
    c, base = constants, walk(scheme_class("unmap_only"), advice, tables)
    private = c.zap * tables * PTRS_PER_TABLE
    own = walk(scheme_class(scheme), advice, tables)
    alone, with_own = (
        response(private + private_ns(work, c), work.lines, cpus, c) for work in (base, own)
    )
    return with_own - alone


def tables_from_which_rwsem_wins(
    advice: str, cpus: int, constants: Constants = CONSTANTS
) -> int | None:
    """The shortest walk, in tables, for which the rwsem costs less than the references.

    None if there is none of up to 512 tables, which is 1 GiB. The freeing of tables is left out,
    because both designs free the same PTE pages.
    """
    priced = replace(constants, table=0.0)

    def wins(tables: int) -> bool:
        mine = walk_cost("pt_rwsem", advice, tables, cpus, priced)
        return mine < walk_cost("pte_refcount", advice, tables, cpus, priced)

    return next((tables for tables in range(1, PTRS_PER_TABLE + 1) if wins(tables)), None)
