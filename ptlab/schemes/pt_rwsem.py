"""pt_rwsem: a lock of the page table itself, for concurrent readers or concurrent PTL users.

Source: Jason Gunthorpe in the thread of the v3 series, 10 November 2021, in mails whose Message-Ids
begin with 20211110125601.GQ1740502 (an rwsem for the page table, split off mmap_lock: two atomics
for a walk, and tables of all levels could be freed), 20211110143859 (readers or PTL users, not both)
and 20211110163925. Matthew Wilcox there calls such a lock red-blue. It was never written; what
follows is ptlab's reading of it. The functions have no kernel names, because there are none.

Every walk takes the lock as a PTL user: it may look at an entry only under that table's own lock.
No table goes meanwhile. The other side, readers who look at entries without a PTE lock as hmm does,
has no path in ptlab; against a zap, readers and PTL users are alike. A zap that has let go takes
the lock once more, alone, and frees every table of its range that is empty, from the PTE page
upwards. It has no count to ask, so it reads the entries, which was Qi Zheng's objection; that
everybody else waits for it was David Hildenbrand's.

Races show one more: a fault takes the folio's lock inside this one; a hole punch takes this one
inside i_mmap_rwsem, and that inside the folio's lock. To wait there would close a cycle. So a fault
only tries the folio's lock; if another task has it, the fault lets go of the tables first. One cycle is
left: advice that splits a file's huge page takes i_mmap_rwsem inside this one, and a collapse takes
this one inside i_mmap_rwsem.
"""

from __future__ import annotations

from ptlab.base.facts import Scan
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, first_of, table_count
from ptlab.paths.walk import Found
from ptlab.schemes.empty_tables import scanned, unhook_upper, upper_pages
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.scheme import NOTHING, ReclaimScheme

_PTE, _PUD = int(Level.PTE), int(Level.PUD)


class Walk:
    """One walk: where it goes, and the PTE pages that it has zapped."""

    __slots__ = ("end", "start", "zapped")

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end, self.zapped = start, end, list[Found]()


class PtRwsem(ReclaimScheme):
    """Many PTL users, or one task alone, which frees empty tables of all levels."""

    name = "pt_rwsem"
    fate = "Proposed in the thread of November 2021, never written."
    source = "Jason Gunthorpe, 10 November 2021, Message-Id begins 20211110125601.GQ1740502"
    kernel = "6.1"
    stays_empty = "pt_rwsem"

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[Walk]:
        """One atomic on a cache line that all CPUs share."""
        yield from mm.machine.lock("pt_lock_users", "pt_rwsem", mm.id, "users", times)
        return Walk(start, end)

    def zapped(self, mm: Mm, tables: Tables, walk: Walk, why: str, tlb: MmuGather) -> Path[None]:
        """In truncate too, which may not take mmap_lock. munmap frees its tables anyway."""
        if why != "unmap":
            mem = mm.machine.mem
            walk.zapped.append(Found(mem.parent_of(tables), mem.slots_of(tables), tables))
        return NOTHING  # type: ignore[no-any-return]

    def walk_ends(
        self, mm: Mm, walk: Walk, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """The second atomic. After a zap, lock all other tasks out and free the empty tables."""
        machine = mm.machine
        yield machine.unlock("pt_unlock_users", "pt_rwsem", times)
        if tlb is None or not walk.zapped:
            return
        yield from machine.lock("pt_lock_alone", "pt_rwsem", mm.id, "write")
        above = set[int]()
        for found in walk.zapped:
            # Another may have been faster, and may have freed the PMD page too: look from the top.
            there = found.pmd in upper_pages(mm, walk.start, walk.end)
            if there and machine.others.still_hooked(*found):
                yield from self._free_if_empty(mm, found.tables, above, tlb)
        for table in reversed(upper_pages(mm, walk.start, walk.end)):  # PMD before PUD pages
            if table in above:
                yield from self._free_if_empty(mm, table, above, tlb)
        yield machine.unlock("pt_unlock_alone", "pt_rwsem")

    def _free_if_empty(self, mm: Mm, tables: Tables, above: set[int], tlb: MmuGather) -> Path[None]:
        """Read 512 entries of each table, and unhook the empty ones. Note the tables `above` them."""
        mem = mm.machine.mem
        level = mem.level.item(first_of(tables))
        fn = "zap_pmd_range" if level == _PTE else "zap_pud_range"
        empty, found = mem.empty(tables), mem.filled(tables)
        yield Step(Kind.SCAN, fn, tables, scanned(mm, tables), table_count(tables), Scan(found))
        if empty is None:
            return
        tlb.free_tables(empty)
        if level != _PUD:
            above.add(mem.parent_of(empty))
        if level == _PTE:
            yield mm.unhook_pte(empty, fn)
        else:
            yield unhook_upper(mm, first_of(empty), fn)
