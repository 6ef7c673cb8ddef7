"""Memory that grows down: a page fault below a MAP_GROWSDOWN mapping extends it, as far as it may.

Kernel source: mm/memory.c, lock_mm_and_find_vma(); mm/vma.c, expand_downwards(), acct_stack_growth()
(Linux 6.12). Since 6.5 the mapping changes under mmap_lock for write; before, only for read, which was
the bug StackRot (CVE-2023-3269; 8d7071af8907, also in the stable kernels of that time). Simplified:
RLIMIT_STACK is 8 MiB; mmap_lock is taken for write at once, while Linux looks under it for read first.
"""

from __future__ import annotations

from dataclasses import replace

from ptlab.base.facts import VmaGrown
from ptlab.base.geometry import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.recheck import vma_end_write_all, vma_start_write
from ptlab.paths.table_alloc import anon_vma_prepare
from ptlab.paths.unmapped_area import STACK_GUARD_GAP
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma

RLIMIT_STACK = 8 << 20
"""The usual limit, in bytes."""


def stack_above(mm: Mm, address: int) -> Vma | None:
    """The mapping that grows down to `address`, where nothing is mapped; None if there is none."""
    above = mm.vmas.above(address)
    return above if above and above.start > address and above.flags & VM.GROWSDOWN else None


def lock_mm_and_find_vma(mm: Mm, address: int, n: int) -> Path[Vma | None]:
    """Take mmap_lock for read and find the VMA; one that grows down is extended under it for write.

    None, and no lock is held: the mapping may not grow so far.
    """
    machine = mm.machine
    mode = "read" if machine.others.lacks(Precaution.STACK_LOCKED) else "write"
    yield from machine.lock(f"mmap_{mode}_lock", "mmap_lock", mm.id, mode, n)
    vma = stack_above(mm, address)
    if vma is not None and _may_grow(mm, vma, address & PAGE_MASK):
        yield from expand_downwards(mm, vma, address & PAGE_MASK)
        yield from vma_end_write_all(mm)
        if mode == "write":
            yield machine.downgrade("mmap_write_downgrade", "mmap_lock")
        return mm.find_vma(address)
    yield machine.unlock(f"mmap_{mode}_unlock", "mmap_lock", n)
    return None


def _may_grow(mm: Mm, vma: Vma, address: int) -> bool:
    """The guard gap to accessible memory below stays free, and the limit is kept."""
    index = mm.vmas.index_above(address)
    below = mm.vmas[index - 1] if index else None
    near = below is not None and address - below.end < STACK_GUARD_GAP
    if near and below and below.flags & VM_ACCESS_FLAGS and not below.flags & VM.GROWSDOWN:
        return False
    return address >= 16 * PAGE_SIZE and vma.end - address <= RLIMIT_STACK


def expand_downwards(mm: Mm, vma: Vma, address: int) -> Path[None]:
    """The VMA begins at `address` from now on. It has an anon_vma first, whose lock keeps it."""
    if vma.anon_vma is None:
        yield anon_vma_prepare(mm, vma)
    vma = mm.find_vma(address)
    yield from vma_start_write(mm, vma)
    pages = (vma.start - address) >> PAGE_SHIFT
    grown = replace(vma, start=address, pgoff=vma.pgoff - pages)
    index = mm.vmas.index_above(vma.start)
    mm.set_vmas(mm.vmas.spliced(index, index + 1, (grown,)))
    yield Step(Kind.VMA, "expand_downwards", None, 1, 1, VmaGrown(grown.span))
