"""async_scan: every 100 ms, on its way back to user space, a task scans for empty PTE pages.

Source: Qi Zheng, "[RFC PATCH 0/3] asynchronously scan and free empty user PTE pages", 13 June 2024,
<cover.1718267194.git.zhengqi.arch@bytedance.com>, and mm/freept.c of its patch 3.

Nothing is done in MADV_DONTNEED. A scan goes through whole VMAs until it has seen 256 MiB of
addresses; it leaves out VMAs with huge pages and tables that several VMAs share.

Simplified: ptlab has no clock. Its clock is the page fault: 512 faults and the MADV_DONTNEED of
their 2 MiB took 796 to 810 us on Linux 6.18 (two CPUs, a virtual machine), so that 100 ms are
64 000 faults.
"""

from __future__ import annotations

from collections import defaultdict

from ptlab.base.geometry import PMD_SIZE, MiB
from ptlab.base.steps import Path
from ptlab.base.tables import Tables, table_count
from ptlab.paths.walk import pte_tables
from ptlab.schemes.empty_tables import unhook_if_empty
from ptlab.state.mm import Count, Mm
from ptlab.state.scheme import ReclaimScheme
from ptlab.state.vma import VM, Vma

MM_PGTABLE_SCAN_SIZE = 256 * MiB
SCAN_DELAY_FAULTS = 64_000
"""MM_PGTABLE_SCAN_DELAY, 100 ms, in page faults."""


class AsyncScan(ReclaimScheme):
    """A task_work that scans for empty PTE pages and frees them, as numa_balancing scans."""

    name = "async_scan"
    fate = "An RFC of June 2024; replaced by the synchronous scan that was merged as pt_reclaim."
    source = "<cover.1718267194.git.zhengqi.arch@bytedance.com>"
    kernel = "6.12"
    written_atomically = frozenset({"next_scan", "offset"})

    def __init__(self) -> None:
        self.next_scan: defaultdict[int, int] = defaultdict(lambda: SCAN_DELAY_FAULTS)
        """mm_pgtable_next_scan, by mm: the number of page faults at which a scan is due."""
        self.offset: defaultdict[int, int] = defaultdict(int)
        """mm_pgtable_scan_offset, by mm: where the next scan starts."""

    def returns_to_user(self, mm: Mm) -> Path[None]:
        """task_tick_mm_pgtable() has added the work if a scan was due."""
        if mm.counters[Count.MINFLT] >= self.next_scan[mm.id]:
            yield from self.task_mm_pgtable_work(mm)

    def background(self, mm: Mm) -> Path[None]:
        """The process runs on for as long as it takes to have scanned everything once."""
        yield from self.task_mm_pgtable_work(mm, anew=True)
        while self.offset[mm.id]:
            yield from self.task_mm_pgtable_work(mm)

    def task_mm_pgtable_work(self, mm: Mm, anew: bool = False) -> Path[None]:
        """Scan VMA by VMA from where the last scan ended, or `anew`, until 256 MiB have been seen."""
        machine = mm.machine
        due = mm.counters[Count.MINFLT] + SCAN_DELAY_FAULTS
        machine.store.put(self, "next_scan", mm.id, due)
        yield from machine.lock("mmap_read_trylock", "mmap_lock", mm.id, "read")
        offset = 0 if anew else self.offset[mm.id]
        vmas = [vma for vma in mm.vmas if vma.end > offset]
        if not vmas:
            offset, vmas = 0, list(mm.vmas)
        stop = 0
        for vma in vmas:
            start, end = -(-vma.start // PMD_SIZE) * PMD_SIZE, vma.end & -PMD_SIZE
            if vma.flags & VM.HUGEPAGE or end - start < PMD_SIZE:
                continue
            yield from self._scan(mm, vma, start, end)
            if end - offset >= MM_PGTABLE_SCAN_SIZE and vma is not vmas[-1]:
                stop = vma.end
                break
        yield machine.unlock("mmap_read_unlock", "mmap_lock")
        machine.store.put(self, "offset", mm.id, stop)

    def _scan(self, mm: Mm, vma: Vma, start: int, end: int) -> Path[None]:
        """walk_page_range_vma() with freept_pmd_entry() for every PTE page."""
        for pmd, slots, _ in pte_tables(mm, start, end):
            if mm.is_huge(pmd, slots):
                continue
            tables: Tables = mm.machine.mem.at(pmd, slots)
            empty = yield from unhook_if_empty(
                mm, tables, "freept_pmd_entry", "pte_offset_map_nolock"
            )
            if empty is not None:
                n = table_count(empty)
                yield from mm.machine.flush("flush_tlb_range", empty, 0, n)
                yield mm.machine.call_rcu(empty)
