"""pt_reclaim: CONFIG_PT_RECLAIM, in Linux since 6.14. MADV_DONTNEED frees the PTE pages it empties.

Source: Qi Zheng, "[PATCH v4 00/11] synchronously scan and reclaim empty user PTE pages",
4 December 2024, cover letter <cover.1733305182.git.zhengqi.arch@bytedance.com>; mm/memory.c and
mm/pt_reclaim.c, Linux 6.14, with the fix <20250211072625.89188-1-zhengqi.arch@bytedance.com>.

In 6.14 to 6.19 x86-64 alone has it, and may be built without (4817f70c25b6). Since 7.0 it is on
wherever page tables are freed by RCU (`def_bool y`, 9c8c02df3f87).

No count is kept. A call that covers all 2 MiB of a table, inside one VMA, has just cleared every
entry; if the PTE lock was held all the time, nothing needs to be checked; else 512 entries are scanned.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ptlab.base.steps import Path
from ptlab.base.tables import Tables, table_count
from ptlab.schemes.empty_tables import unhook_if_empty
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.scheme import ReclaimScheme


class PtReclaim(ReclaimScheme):
    """Scan and free in MADV_DONTNEED and MADV_DONTNEED_LOCKED, PTE pages only."""

    name = "pt_reclaim"
    fate = "In Linux since 6.14 (CONFIG_PT_RECLAIM)."
    source = "cover letter <cover.1733305182.git.zhengqi.arch@bytedance.com>; mm/pt_reclaim.c"
    kernel = "6.18"

    recheck: ClassVar[bool] = True
    """Whether a table whose lock was dropped on the way is scanned again (the fix of 2025)."""

    def zap_ends_locked(self, mm: Mm, tables: Tables, whole: bool, undisturbed: bool) -> Path[bool]:
        """try_get_and_clear_pmd(), the fast path: the PTE lock is held, so it can only trylock."""
        if not whole or (self.recheck and not undisturbed):
            return False
        machine, n, pmd = mm.machine, table_count(tables), mm.machine.mem.parent_of(tables)
        if not (yield from machine.lock("try_get_and_clear_pmd", "pmd_lock", pmd, "trylock", n)):
            return False
        yield mm.unhook_pte(tables, "try_get_and_clear_pmd", counted=False)
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        return True

    def zap_ends(
        self, mm: Mm, tables: Tables, whole: bool, locked_result: Any, tlb: MmuGather
    ) -> Path[None]:
        """After the fast path, else try_to_free_pte(): free_pte(), with no lock of a table."""
        if not whole:
            return
        free: Tables | None = tables
        if not locked_result:
            free = yield from self.try_to_free_pte(mm, tables)
        if free is not None:
            yield mm.count_off(free, "free_pte")
            tlb.free_tables(free)

    def try_to_free_pte(self, mm: Mm, tables: Tables) -> Path[Tables | None]:
        """The slow path: both locks, in order, then a scan. Returns what it unhooked."""
        fn, mapper = "try_to_free_pte", "pte_offset_map_rw_nolock"
        return (yield from unhook_if_empty(mm, tables, fn, mapper, after_fast=True))


class PtReclaimUnfixed(PtReclaim):
    """As merged in January 2025: the fast path trusted a lock that had been dropped on the way.

    Between two rounds of the zap another thread may refill what is cleared; its pages were lost
    with the table. With one task nothing goes wrong: the bug needs a race.
    """

    name = "pt_reclaim_unfixed"
    fate = "Only in release candidates of Linux 6.14; fixed in February 2025."
    source = "fixed by <20250211072625.89188-1-zhengqi.arch@bytedance.com>"
    recheck = False
