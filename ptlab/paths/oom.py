"""The OOM reaper: it takes the pages of a process that is being killed, before that has ended.

Kernel source: mm/oom_kill.c, oom_reap_task_mm(), __oom_reap_task_mm() (Linux 6.12). Entries go, tables
stay. Simplified: it waits for mmap_lock where the kernel tries ten times.
"""

from __future__ import annotations

from ptlab.base.steps import Path
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu


def oom_reap_task_mm(mm: Mm) -> Path[None]:
    """Every mapping that is not shared is zapped, under mmap_lock for read."""
    yield from mm.machine.lock("mmap_read_trylock", "mmap_lock", mm.id, "read")
    for vma in mm.vmas:
        if not vma.shared:
            tlb = MmuGather(mm)
            yield from unmap_page_range(mm, tlb, vma.start, vma.end, ZapDetails())
            yield from tlb_flush_mmu(tlb)
    yield mm.machine.unlock("mmap_read_unlock", "mmap_lock")
