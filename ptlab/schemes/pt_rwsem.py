"""pt_rwsem: a lock of the page table itself, held by concurrent readers or concurrent PTL users.

Source: Jason Gunthorpe in the thread of the v3 series, 10 November 2021, Message-Ids
<20211110125601.GQ1740502> (an rwsem for the page table, split off mmap_lock: two atomics for a
walk, and tables of all levels could be freed), <20211110143859> (readers or PTL users, not both)
and <20211110163925>. Matthew Wilcox there calls such a lock red-blue. It was never written; what
follows is ptlab's reading of it. The functions have no kernel names, because there are none.

Every walk takes the lock as a PTL user: it may look at an entry only under that table's own lock. A
zap frees every table that it finds empty, from the PTE page upwards, under the locks of both
levels. It has no count to ask, so it reads the entries, which was Qi Zheng's objection.
"""

from __future__ import annotations

from ptlab.geometry import Level
from ptlab.mm import Mm
from ptlab.schemes.base import ReclaimScheme
from ptlab.schemes.empty import scanned, unhook_if_empty, unhook_upper, upper_pages
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.tlb import MmuGather


class Walk:
    """One walk: where it goes, and whether it has emptied a PMD page's slot."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end, self.parents = start, end, set[int]()


class PtRwsem(ReclaimScheme):
    """Readers or PTL users; whoever zaps frees empty tables of all levels."""

    name = "pt_rwsem"
    fate = "Proposed in the thread of November 2021, never written."
    source = "<20211110125601.GQ1740502>, <20211110143859>, <20211110163925>, Jason Gunthorpe"
    kernel = "6.1"

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[Walk]:
        """One atomic on a cache line that all CPUs share."""
        yield from mm.machine.lock("pt_lock_users", "pt_rwsem", mm.id, "users", times)
        return Walk(start, end)

    def walk_ends(
        self, mm: Mm, walk: Walk, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """Look at the upper tables above what was freed; then the second atomic."""
        if tlb is not None and walk.parents:
            pages = upper_pages(mm, walk.start, walk.end)
            for table in reversed(pages):  # PMD pages before their PUD page
                if table in walk.parents:
                    yield from self._free_if_empty(mm, table, walk, tlb)
        yield mm.machine.unlock("pt_unlock_users", "pt_rwsem", times)

    def zapped(self, mm: Mm, tables: Tables, walk: Walk, why: str, tlb: MmuGather) -> Path[None]:
        """Free PTE pages, in truncate too, which may not take mmap_lock. munmap does so anyway."""
        if why == "unmap":
            return
        empty = yield from unhook_if_empty(mm, tables, "zap_pmd_range", "pte_offset_map_lock")
        if empty is not None:
            tlb.free_tables(empty)
            first = empty if isinstance(empty, int) else int(empty[0])
            walk.parents.add(int(mm.machine.mem.parent[first]))

    def _free_if_empty(self, mm: Mm, table: int, walk: Walk, tlb: MmuGather) -> Path[None]:
        """A PMD or PUD page: its parent's lock, its own, then a scan of 512 entries."""
        machine, mem = mm.machine, mm.machine.mem
        yield from machine.lock("pud_lock", "page_table_lock", mm.id, "spin")
        found = int(mem.nonnone[table])
        yield Step(Kind.SCAN, "zap_pud_range", table, scanned(mm, table), 1, found)
        if not found:
            yield unhook_upper(mm, table, "zap_pud_range")
            tlb.free_tables(table)
            if mem.level[table] == Level.PMD:
                walk.parents.add(int(mem.parent[table]))
        yield machine.unlock("spin_unlock", "page_table_lock")
