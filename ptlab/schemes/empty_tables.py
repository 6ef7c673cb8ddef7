"""What several designs share: read the entries of a table, and unhook it if it is empty.

Lock order and scan as in try_to_free_pte(), mm/pt_reclaim.c (Linux 6.14), and freept_pmd_entry() of
the RFC <cover.1718267194.git.zhengqi.arch@bytedance.com>.
"""

from __future__ import annotations

import numpy as np

from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import UNHOOKED, Scan
from ptlab.base.geometry import PTRS_PER_TABLE, PUD_SHIFT, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, table_count
from ptlab.state.mm import COUNTED, Mm

_PMD, _PUD = Level.PMD, Level.PUD  # looked up once: Python 3.11 finds members slowly


@not_in_kernel
def unhook_if_empty(
    mm: Mm, tables: Tables, fn: str, mapper: str, after_fast: bool = False
) -> Path[Tables | None]:
    """PMD lock, then PTE lock, then a scan that ends at the first entry that is not none.

    Returns what was unhooked. `fn` is the function that does it, `mapper` the one that takes the
    PTE lock. `after_fast`: as in PT_RECLAIM, a faster way was tried before, and the caller counts the
    table off. pte_offset_map_rw_nolock() reads the PMD entry again, under its lock.
    """
    machine, n = mm.machine, table_count(tables)
    pmd, slots = machine.mem.parent_of(tables), machine.mem.slots_of(tables)
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
    others = machine.others
    if not others.lacks(Precaution.RECHECK_PMD) and not others.still_hooked(pmd, slots, tables):
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        return None  # another task was faster
    yield from machine.lock(mapper, "ptl", tables, "spin", n)
    empty, found = machine.mem.empty(tables), machine.mem.filled(tables)
    yield Step(Kind.SCAN, fn, tables, scanned(mm, tables), n, Scan(found, after_fast))
    if empty is not None:
        yield mm.unhook_pte(empty, fn, counted=not after_fast)
    yield machine.unlock("spin_unlock", "ptl", n)
    yield machine.unlock("spin_unlock", "pmd_lock", n)
    return empty


def scanned(mm: Mm, tables: Tables) -> int:
    """Entries that a scan reads: up to and including the first that is not none, in each table."""
    if not mm.machine.mem.filled(tables):
        return PTRS_PER_TABLE * table_count(tables)
    words = np.atleast_2d(mm.machine.mem.entries[tables, slice(None)]) != 0
    return int(np.sum(np.where(words.any(axis=1), words.argmax(axis=1) + 1, PTRS_PER_TABLE)))


def unhook_upper(mm: Mm, table: int, fn: str) -> Step:
    """Clear the entry that points to a PMD or PUD page; mm_dec_nr_pmds() is in the same step."""
    counted = COUNTED[mm.machine.mem.level.item(table)]
    mm.machine.mem.unhook(table)
    mm.count(counted, -1)
    return Step(Kind.UNHOOK, fn, table, fact=UNHOOKED)


def upper_pages(mm: Mm, start: int, end: int) -> list[int]:
    """The PUD pages of [start, end), each followed by its PMD pages. O(pages found)."""
    geometry, mem, pages = mm.machine.geometry, mm.machine.mem, list[int]()
    if start >> PUD_SHIFT == (end - 1) >> PUD_SHIFT:  # one GiB, as in every page fault
        pud = mm.lookup(start, _PUD)
        pmd = mm.lookup(start, _PMD) if pud else 0
        return [pud, pmd] if pmd else [pud] if pud else []
    span = geometry.span(_PUD)
    for base in range(start & -span, end, span):
        pud = mm.lookup(base, _PUD)
        if pud:
            first = geometry.index(max(start, base), _PUD)
            last = geometry.index(min(end, base + span) - 1, _PUD)
            below = np.asarray(mem.at(pud, np.arange(first, last + 1, dtype=np.int64)))
            pages += [pud, *below[below != 0].tolist()]
    return pages
