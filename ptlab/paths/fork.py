"""fork and exit: copy an address space's tables, and take one down.

Kernel source: kernel/fork.c, dup_mmap(); mm/memory.c, copy_page_range() to copy_pte_range();
mm/mmap.c, exit_mmap() (Linux 6.12); references as in patch 11 of the v3 series. Simplified: nothing
is pinned, so no page is copied at fork; the child's own allocations (stack, libraries) are not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import FREED, EntriesSet, Maps, VmaMapped
from ptlab.base.geometry import Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import (
    Slots,
    Tables,
    borders,
    count_each,
    first_of,
    split,
    table_count,
    total,
    zero_each,
)
from ptlab.paths.hugetlb_mapping import hugetlb_vm_op_close
from ptlab.paths.hugetlb_range import copy_hugetlb_page_range
from ptlab.paths.pgtables import free_pgtables, still_found
from ptlab.paths.pieces import chunks
from ptlab.paths.recheck import arrive, vma_end_write_all, vma_start_write
from ptlab.paths.table_alloc import upper_tables, visit
from ptlab.paths.thp import copy_huge_pmd
from ptlab.paths.walk import Found, pte_tables
from ptlab.paths.zap import UNMAP, unmap_single_vma
from ptlab.state.blocks import Blocks
from ptlab.state.memmap import State
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.vma import VM, VM_LOCKED_MASK, Vma

U64 = np.uint64


def dup_mmap(mm: Mm) -> Path[Mm]:
    """fork(): a child with the same VMAs, and copies of the tables that faults could not rebuild."""
    machine = mm.machine
    child = Mm(machine)
    child.layout.inherit(mm.layout)
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    yield from machine.lock("mmap_write_lock_nested", "mmap_lock", child.id, "write")
    for vma in mm.vmas:
        if vma.flags & VM.DONTCOPY:
            continue
        yield from vma_start_write(mm, vma)
        copy = anon_vma_fork(child, vma)
        several = machine.others.several and vma.file is not None
        if (
            several and vma.file is not None
        ):  # a truncate finds the child's mapping after the parent's
            yield from machine.lock("i_mmap_lock_write", "i_mmap_rwsem", vma.file.number, "write")
        child.set_vmas(child.vmas.spliced(len(child.vmas), len(child.vmas), (copy,)))
        if several:
            yield machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")
        yield Step(Kind.VMA, "dup_mmap", None, 1, 1, VmaMapped(copy.span, copy.flags, copy.span))
        if vma_needs_copy(vma):
            yield from copy_page_range(mm, child, vma)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")  # the child's
    yield from machine.flush("flush_tlb_mm", None, 0)
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    return child


def anon_vma_fork(child: Mm, vma: Vma) -> Vma:
    """The child's VMA: an anon_vma of its own, linked to the parent's too; not locked any more."""
    flags = vma.flags & ~VM_LOCKED_MASK
    vma = replace(vma, reserved=None)  # hugetlb_dup_vma_private()
    if vma.anon_vma is None or vma.flags & VM.WIPEONFORK:
        return replace(vma, flags=flags, anon_vma=None, chain=0)
    return replace(vma, flags=flags, anon_vma=child.machine.new_anon_vma(), chain=vma.chain + 1)


def vma_needs_copy(vma: Vma) -> bool:
    """Tables are copied only where a fault could not bring the entries back.

    That is where an anon_vma is, or where guard markers may be.
    """
    own = vma.anon_vma is not None or bool(vma.flags & VM.MAYBE_GUARD)
    return own and not vma.flags & VM.WIPEONFORK


def copy_page_range(mm: Mm, child: Mm, vma: Vma) -> Path[None]:
    """copy_p4d_range() to copy_pmd_range(): each entry of the VMA that is not none, from the PGD on.

    The child gets each upper table that the parent has in this range, even if all that is below
    it belongs to a neighbour.
    """
    if vma.hugetlb:
        yield from copy_hugetlb_page_range(mm, child, vma)
        return
    scheme = mm.machine.scheme
    walk = yield from scheme.walk_begins(mm, vma.start, vma.end)
    child_walk = yield from scheme.walk_begins(child, vma.start, vma.end)
    for level, start, end in _upper_parts(mm, vma):
        child_table = yield from upper_tables(child, start, child_walk, level)
        if level is Level.PMD:
            yield from copy_pmd_range(mm, child, vma, child_table, start, end)
    yield from scheme.walk_ends(child, child_walk)
    yield from scheme.walk_ends(mm, walk)


def _upper_parts(mm: Mm, vma: Vma) -> Iterator[tuple[Level, int, int]]:
    """The part of the VMA below each PUD and PMD page there is, a PUD page before its PMD pages."""
    span = mm.machine.geometry.span
    for start, end in _cut(vma.start, vma.end, span(Level.PUD)):
        if mm.lookup(start, Level.PUD):
            yield Level.PUD, start, end
            for first, last in _cut(start, end, span(Level.PMD)):
                if mm.lookup(first, Level.PMD):
                    yield Level.PMD, first, last


def _cut(start: int, end: int, span: int) -> Iterator[tuple[int, int]]:
    """[start, end) in parts that end at multiples of `span`: pud_addr_end() and its kin."""
    while start < end:
        stop = min(end, (start | (span - 1)) + 1)
        yield start, stop
        start = stop


def copy_pmd_range(mm: Mm, child: Mm, vma: Vma, child_pmd: int, start: int, end: int) -> Path[None]:
    """The part of the VMA below one PMD page: huge pages and tables."""
    for pmd, slots, columns in pte_tables(mm, start, end):
        if mm.is_huge(pmd, slots):
            slot = first_of(slots)
            if pte.pfn(mm.machine.mem.entries.word(pmd, slot)) < pte.FILE_FRAME:
                yield from copy_huge_pmd(mm, child, pmd, slot, child_pmd)
        else:
            yield from copy_pte_range(mm, child, pmd, child_pmd, slots, columns, not vma.shared)


def copy_pte_range(
    mm: Mm, child: Mm, pmd: int, child_pmd: int, slots: Slots, columns: slice, cow: bool
) -> Path[None]:
    """Copy entries. The child's table is allocated before anyone looks at the parent's entries.

    A run is cut where the child's slots change from empty to filled (a neighbour VMA's table).
    """
    scheme, there = mm.machine.scheme, mm.machine.mem.at(child_pmd, slots)
    for part in split(slots, borders(there != 0)):
        theirs = yield from visit(child, child_pmd, part)
        ours = yield from arrive(mm, pmd, part)
        if ours is not None:  # otherwise another task has freed it since the walk saw it
            yield from _copy_locked(mm, child, Found(pmd, part, ours), theirs, columns, cow)
            yield from scheme.visitor_leaves(mm, ours)
        yield from scheme.visitor_leaves(child, theirs)


def _copy_locked(
    mm: Mm, child: Mm, found: Found, theirs: Tables, columns: slice, cow: bool
) -> Path[None]:
    """Take both PTE locks and copy.

    Under the parent's PTE lock the kernel does not look at the PMD entry again: mmap_lock is held
    for write, and a task that comes through the file takes no table of a VMA with an anon_vma.
    """
    machine, ours, n_tables = mm.machine, found.tables, table_count(found.tables)
    yield from machine.lock("pte_offset_map_lock", "ptl", theirs, "spin", n_tables)
    if machine.others.still_hooked(*found):
        yield from machine.lock("pte_offset_map_rw_nolock", "ptl", ours, "spin", n_tables)
        yield from _copy_entries(mm, child, ours, theirs, columns, cow)
        yield machine.unlock("spin_unlock", "ptl", n_tables)
    yield machine.unlock("pte_unmap_unlock", "ptl", n_tables)


def _copy_entries(
    mm: Mm, child: Mm, ours: Tables, theirs: Tables, columns: slice, cow: bool
) -> Path[None]:
    """In a private mapping (`cow`) pages become read-only on both sides."""
    machine, mem, copied = mm.machine, mm.machine.mem, zero_each(ours)
    for some in chunks(machine.grain, columns):
        words = mem.entries[ours, some]
        if not words.any():
            continue
        private = pte.is_present(words) & (pte.pfn(words) >= pte.FIRST_FRAME)
        if cow:
            words = np.where(pte.is_present(words), words & ~U64(pte.RW), words)
            mem.write(ours, some, words)
        mem.write(theirs, some, words)
        machine.pages.share(pte.pfn(words[private & ~pte.is_file(words)]))
        child.count_pages(pte.census(words), 1)
        each = count_each(ours, words)
        zero = count_each(ours, pte.is_zero_page(words))
        machine.scheme.entries_changed(child, theirs, each, zero)
        copied = copied + each
        n = total(ours, each)
        yield Step(Kind.SET, "copy_present_ptes", theirs, n, 1, EntriesSet(some, Maps.SHARED))
    n = total(ours, copied)
    if n:  # copy_present_pte() and its kin count each entry on its own
        yield from machine.scheme.entries_mapped(child, theirs, copied, n)


def exit_mmap(mm: Mm) -> Path[None]:
    """The process ends: everything is unmapped, all tables go, and in __mmdrop() the PGD.

    The OOM reaper may be at work in the same address space until mmap_lock is had for write.
    """
    machine = mm.machine
    yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    tlb = MmuGather(mm)
    gone = mm.vmas
    for vma in gone:
        yield from unmap_single_vma(mm, tlb, vma, vma.start, vma.end, UNMAP)
    alone = not machine.others.lacks(Precaution.EXIT_ALONE)
    if alone:
        yield machine.unlock("mmap_read_unlock", "mmap_lock")
        yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    mm.set_vmas(Blocks())
    still_found(mm, gone)
    yield from free_pgtables(mm, tlb, gone, 0, 0)
    yield from tlb_flush_mmu(tlb)
    for vma in gone:
        hugetlb_vm_op_close(vma)
    yield machine.unlock(f"mmap_{'write' if alone else 'read'}_unlock", "mmap_lock")
    machine.store.put(machine, "_mms", 0, tuple(m for m in machine.mms if m is not mm))
    machine.store.put(machine.mem, "state", mm.pgd, int(State.FREED))
    yield Step(Kind.FREE, "mm_free_pgd", mm.pgd, fact=FREED)
