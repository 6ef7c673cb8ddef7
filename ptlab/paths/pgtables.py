"""free_pgtables(): free the tables that no remaining VMA needs. It never looks at entries.

Kernel source: mm/memory.c, free_pgtables(), free_pgd_range() down to free_pte_range() (Linux 6.12).
The rule: a table is freed when no VMA is left in its span. The rule uses `floor` (the end of the
VMA below) and `ceiling` (the start of the VMA above, 0 for none). Comparisons subtract 1, so that 0
can mean the top of the address space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptlab.base.facts import UNHOOKED
from ptlab.base.geometry import PMD_SIZE, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import pick
from ptlab.state.mm import COUNTED, Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.vma import Vma

_TOP = 1 << 64


def free_pgtables(
    mm: Mm, tlb: MmuGather, gone: Sequence[Vma], floor: int, ceiling: int
) -> Path[None]:
    """Free the tables of the VMAs `gone`, in groups that lie less than a PMD_SIZE apart.

    Before, each file is told that its VMA has gone. Simplified: for all groups at once.
    """
    if mm.machine.others.several:
        for vma in gone:
            yield from unlink_file_vma(mm, vma)
    index = 0
    while index < len(gone):
        start, end = gone[index].start, gone[index].end
        while index + 1 < len(gone) and gone[index + 1].start <= end + PMD_SIZE:
            index += 1
            end = gone[index].end
        index += 1
        above = gone[index].start if index < len(gone) else ceiling
        yield from free_pgd_range(mm, tlb, start, end, floor, above)


def still_found(mm: Mm, gone: Sequence[Vma]) -> None:
    """These VMAs have left the address space; their files lead to them until free_pgtables()."""
    if mm.machine.others.several:
        mm.machine.store.put(mm, "_detached", 0, (*mm.detached, *gone))


def unlink_file_vma(mm: Mm, vma: Vma) -> Path[None]:
    """From here on truncate does not find the VMA any more, and who has found it is done with it."""
    machine, file = mm.machine, vma.file
    if file is not None:
        yield from machine.lock("i_mmap_lock_write", "i_mmap_rwsem", file.number, "write")
    machine.store.put(mm, "_detached", 0, tuple(v for v in mm.detached if v is not vma))
    if file is not None:
        yield machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")


def free_pgd_range(
    mm: Mm, tlb: MmuGather, start: int, end: int, floor: int, ceiling: int
) -> Path[None]:
    """Round [start, end) to whole PTE pages that no neighbour needs, then descend."""
    start &= -PMD_SIZE
    if start < floor:
        start += PMD_SIZE
    if ceiling:
        ceiling &= -PMD_SIZE
        if not ceiling:
            return
    if end - 1 > (ceiling - 1) % _TOP:
        end -= PMD_SIZE
    if start > end - 1:
        return
    top = mm.machine.geometry.path[0]
    yield from _free_range(mm, tlb, mm.pgd, top, start, end, floor, ceiling)


def _free_range(
    mm: Mm, tlb: MmuGather, table: int, level: Level, start: int, end: int, floor: int, ceiling: int
) -> Path[None]:
    """free_p4d_range(), free_pud_range(), free_pmd_range(): the children first, then `table`."""
    geometry, mem = mm.machine.geometry, mm.machine.mem
    path = geometry.path
    below = path[path.index(level) + 1]
    if below is Level.PTE:
        yield from free_pte_range(mm, tlb, table, start, end)
    else:
        address = start
        while address < end:
            stop = min(end, (address | ((1 << geometry.shift(level)) - 1)) + 1)
            child = int(mem.at(table, geometry.index(address, level)))
            if child:
                yield from _free_range(mm, tlb, child, below, address, stop, floor, ceiling)
            address = stop
    if level is path[0]:
        return  # the PGD lives as long as the mm
    span = geometry.span(level)
    start &= -span
    if start < floor:
        return
    if ceiling:
        ceiling &= -span
        if not ceiling:
            return
    if end - 1 > (ceiling - 1) % _TOP:
        return
    mem.unhook(table)
    if level is not Level.P4D:
        mm.count(COUNTED[level], -1)
    tlb.free_tables(table)
    yield Step(Kind.UNHOOK, f"free_{level.name.lower()}_range", table, fact=UNHOOKED)


def free_pte_range(mm: Mm, tlb: MmuGather, pmd: int, start: int, end: int) -> Path[None]:
    """Every PTE page below PMD page `pmd` in [start, end), one by one or as a run."""
    machine = mm.machine
    first, last = start >> 21 & 511, (end - 1) >> 21 & 511
    slots = np.arange(first, last + 1, dtype=np.int64)
    there: Any = pick(machine.mem.at(pmd, slots), machine.mem.at(pmd, slots) != 0)
    if there is None:
        return
    whole = [there] if machine.grain == "range" and len(there) > 1 else there.tolist()
    for tables in whole:
        yield mm.unhook_pte(tables, "free_pte_range")
        tlb.free_tables(tables)
