"""write_scan: MADV_DONTNEED takes mmap_lock for write and reads all 512 entries of each table.

Source: the straw man of the thread. Qi Zheng, "Re: [PATCH v3 00/15] Free user PTE page table
pages", 10 November 2021, Message-Id 32a2432f... (its first eight digits), who says what remains to
be done without a count: even under the write lock, the kernel has to read 512 entries to know that
a table is empty.

Nobody else walks while mmap_lock is held for write, so any empty table may go, whatever part of it
the call covered. Truncate walks under i_mmap_rwsem alone: the PTE lock is still needed.
"""

from __future__ import annotations

from ptlab.base.steps import Path
from ptlab.base.tables import Tables
from ptlab.schemes.empty_tables import unhook_if_empty
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.scheme import ReclaimScheme


class WriteScan(ReclaimScheme):
    """Lock all other tasks out, zap, scan, free. PTE pages only."""

    name = "write_scan"
    fate = "Never written: the alternative that the thread of November 2021 argues against."
    source = "the thread of <20211110105428.32458-1-zhengqi.arch@bytedance.com>, 10 November 2021"
    kernel = "6.1"
    zap_mode = "write"

    def zapped(self, mm: Mm, tables: Tables, walk: object, why: str, tlb: MmuGather) -> Path[None]:
        """Scan the tables that MADV_DONTNEED has just zapped, and free the empty ones."""
        if why != "madvise":
            return
        empty = yield from unhook_if_empty(mm, tables, "zap_pmd_range", "pte_offset_map_lock")
        if empty is not None:
            tlb.free_tables(empty)
