"""mmu_gather: pages and tables that were taken out of the tree, kept until the TLB is flushed.

Kernel source: mm/mmu_gather.c, include/asm-generic/tlb.h, arch/x86/include/asm/tlb.h (Linux 6.12).
The order is always: unhook, invalidate the TLB, free. Simplified: a batch page can always be
allocated; one CPU, so a flush is one step and no interrupt is sent.
"""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.base.tables import Tables
from ptlab.state.mm import Mm

_LOCAL = 8 - 1
_BATCH = (4096 - 16) // 8 - 1
GATHER_PAGES = _LOCAL + (10000 // (_BATCH + 1)) * _BATCH
"""Pages after which __tlb_remove_folio_pages() says that it is full and the zap must break off.

struct mmu_gather has room for 8 pages in itself, then MAX_GATHER_BATCH_COUNT batches of
MAX_GATHER_BATCH; one slot in each stays free for a folio that needs two.
"""


class MmuGather:
    """struct mmu_gather: what one zap or munmap has collected so far."""

    def __init__(self, mm: Mm) -> None:
        self.mm = mm
        self.pages = 0
        self.room = mm.machine.gather_pages or GATHER_PAGES
        """How many more pages fit before the zap must break off and flush."""
        self.dirty = False
        self.tables: list[Tables] = []
        self.span: tuple[int, int] | None = None
        """The addresses that the flush must name; None: nothing was collected so far."""
        self.frames: list[int] = []
        self.filed: list[int] = []
        """The pages themselves, anonymous or of a file, where another task could still use them."""

    def reach(self, start: int, end: int) -> None:
        """__tlb_adjust_range(): the flush is to cover [start, end) too."""
        low, high = self.span or (start, end)
        self.span = min(low, start), max(high, end)

    def add_pages(self, pages: int) -> None:
        """__tlb_remove_page(): keep `pages` until the flush."""
        self.pages += pages
        self.room -= pages
        self.dirty = True

    def free_tables(self, tables: Tables) -> None:
        """pte_free_tlb(), pmd_free_tlb(), ...: keep unhooked tables until the flush."""
        self.tables.append(tables)
        self.dirty = True


def tlb_flush_mmu(tlb: MmuGather) -> Path[None]:
    """Invalidate the TLB, then free the pages; the tables go to RCU."""
    if not tlb.dirty:
        return
    machine = tlb.mm.machine
    flush_first = not machine.others.lacks(Precaution.FLUSH_FIRST)
    walks = bool(tlb.tables) and not machine.others.lacks(Precaution.WALK_CACHES)  # freed_tables
    if flush_first:
        yield from machine.flush(
            "tlb_flush_mmu_tlbonly", None, tlb.pages, span=tlb.span, walks=walks
        )
    machine.others.free_gathered(tlb.frames, tlb.filed)
    for tables in tlb.tables:
        yield machine.call_rcu(tables)
    if not flush_first:
        yield from machine.flush(
            "tlb_flush_mmu_tlbonly", None, tlb.pages, span=tlb.span, walks=walks
        )
    tlb.room += tlb.pages
    tlb.pages, tlb.dirty = 0, False
    tlb.tables.clear()
    tlb.frames, tlb.filed = [], []
