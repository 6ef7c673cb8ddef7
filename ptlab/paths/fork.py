"""fork and exit: copy an address space's tables, and take one down.

Kernel source: kernel/fork.c, dup_mmap(); mm/memory.c, copy_page_range() to copy_pte_range();
mm/mmap.c, exit_mmap() (Linux 6.12); references as in patch 11 of the v3 series. Simplified: nothing
is pinned, so no page is copied at fork; the child's own allocations (stack, libraries) are not there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ptlab import pte
from ptlab.memmap import Slots, State, count_each
from ptlab.memmap import count as table_count
from ptlab.mm import Mm, base_address
from ptlab.paths.alloc import upper_tables, visit
from ptlab.paths.cut import chunks
from ptlab.paths.pgtables import free_pgtables
from ptlab.paths.thp import copy_huge_pmd
from ptlab.paths.walk import pte_tables
from ptlab.paths.zap import UNMAP, unmap_page_range
from ptlab.steps import Kind, Path, Step
from ptlab.tlb import MmuGather, tlb_flush_mmu
from ptlab.vma import VM, Vma

U64 = np.uint64


def dup_mmap(mm: Mm) -> Path[Mm]:
    """fork(): a child with the same VMAs, and copies of the tables that it could not fault in again."""
    machine = mm.machine
    child = Mm(machine)
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    for vma in mm.vmas[0]:
        if vma.flags & VM.DONTCOPY:
            continue
        copy = anon_vma_fork(child, vma)
        child.set_vmas((*child.vmas[0], copy))
        yield Step(Kind.VMA, "dup_mmap", None, 1, 1, ("map", copy, copy))
        if vma_needs_copy(vma):
            yield from copy_page_range(mm, child, vma)
    yield Step(Kind.FLUSH, "flush_tlb_mm", None, 0)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    return child


def anon_vma_fork(child: Mm, vma: Vma) -> Vma:
    """The child's VMA: an anon_vma of its own, linked to the parent's too; not locked any more."""
    flags = vma.flags & ~VM.LOCKED
    if vma.anon_vma is None or vma.flags & VM.WIPEONFORK:
        return replace(vma, flags=flags, anon_vma=None, chain=0)
    return replace(vma, flags=flags, anon_vma=child.machine.new_anon_vma(), chain=vma.chain + 1)


def vma_needs_copy(vma: Vma) -> bool:
    """Tables are copied only where a fault could not bring the pages back: an anon_vma is there."""
    return vma.anon_vma is not None and not vma.flags & VM.WIPEONFORK


def copy_page_range(mm: Mm, child: Mm, vma: Vma) -> Path[None]:
    """copy_pmd_range(): each PMD entry of the VMA that is not none."""
    scheme = mm.machine.scheme
    walk = yield from scheme.walk_begins(mm, vma.start, vma.end)
    child_walk = yield from scheme.walk_begins(child, vma.start, vma.end)
    for pmd, slots, columns in pte_tables(mm, vma.start, vma.end):
        first = _address(mm, pmd, slots)
        child_pmd = yield from upper_tables(child, first, child_walk)
        if isinstance(slots, int) and mm.is_huge(pmd, slots):
            if pte.pfn(mm.machine.mem.entries.word(pmd, slots)) < pte.FILE_FRAME:
                yield from copy_huge_pmd(mm, child, pmd, slots, child_pmd)
        else:
            yield from copy_pte_range(mm, child, pmd, child_pmd, slots, columns, not vma.shared)
    yield from scheme.walk_ends(child, child_walk)
    yield from scheme.walk_ends(mm, walk)


def _address(mm: Mm, pmd: int, slots: Slots) -> int:
    return base_address(mm, pmd) + ((slots if isinstance(slots, int) else int(slots[0])) << 21)


def copy_pte_range(
    mm: Mm, child: Mm, pmd: int, child_pmd: int, slots: Slots, columns: slice, cow: bool
) -> Path[None]:
    """Copy entries. The child's table is allocated before anyone looks at the parent's entries.

    In a private mapping (`cow`) pages become read-only on both sides; nothing is copied but the
    entries.
    """
    machine, mem = mm.machine, mm.machine.mem
    for part in _alike(child, child_pmd, slots):
        theirs = yield from visit(child, child_pmd, part)
        while (yield from machine.scheme.visitor_arrives(mm, pmd, part)):
            pass  # the table is dying: look again
        ours = mem.at(pmd, part)
        n_tables = table_count(ours)
        yield from machine.lock("pte_offset_map_lock", "ptl", theirs, "spin", n_tables)
        yield from machine.lock("pte_offset_map_rw_nolock", "ptl", ours, "spin", n_tables)
        copied = None
        for some in chunks(machine.grain, columns):
            words = mem.entries[ours, some]
            if not words.any():
                continue
            private = pte.is_present(words) & (pte.pfn(words) >= pte.FIRST_FRAME)
            if cow:
                words = np.where(pte.is_present(words), words & ~U64(pte.RW), words)
                mem.write(ours, some, words)
            mem.write(theirs, some, words)
            machine.share(pte.pfn(words[private & ~pte.is_file(words)]), 1)
            child.count_pages(pte.census(words), 1)
            each = count_each(ours, words)
            zero = count_each(ours, pte.is_zero_page(words))
            machine.scheme.entries_changed(child, theirs, each, zero)
            copied = each if copied is None else copied + each
            n = int(np.sum(each))
            yield Step(Kind.SET, "copy_present_ptes", theirs, n, 1, (some, "copy"))
        if copied is not None:
            yield from machine.scheme.entries_mapped(child, theirs, copied)
        yield machine.unlock("spin_unlock", "ptl", n_tables)
        yield machine.unlock("pte_unmap_unlock", "ptl", n_tables)
        yield from machine.scheme.visitor_leaves(mm, ours)
        yield from machine.scheme.visitor_leaves(child, theirs)


def _alike(child: Mm, child_pmd: int, slots: Slots) -> list[Slots]:
    """Cut a run where the child's slots change from empty to filled (a neighbour VMA's table)."""
    if isinstance(slots, int):
        return [slots]
    there = np.asarray(child.machine.mem.at(child_pmd, slots)) != 0
    runs = np.split(slots, np.flatnonzero(np.diff(there)) + 1)
    return [run if len(run) > 1 else int(run[0]) for run in runs]


def exit_mmap(mm: Mm) -> Path[None]:
    """The process ends: everything is unmapped, all tables go, the PGD with them."""
    machine = mm.machine
    yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    tlb = MmuGather(mm)
    gone = list(mm.vmas[0])
    for vma in gone:
        yield from unmap_page_range(mm, tlb, vma.start, vma.end, UNMAP)
    yield machine.unlock("mmap_read_unlock", "mmap_lock")
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    mm.set_vmas(())
    yield from free_pgtables(mm, tlb, gone, 0, 0)
    yield from tlb_flush_mmu(tlb)
    machine.store.put(machine, "mms", 0, tuple(m for m in machine.mms[0] if m is not mm))
    machine.mem.set_state(mm.pgd, State.FREED)
    yield Step(Kind.FREE, "mm_free_pgd", mm.pgd)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
