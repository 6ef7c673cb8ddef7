"""mprotect: other rights for a range. No table is built or freed.

Kernel source: mm/mprotect.c, do_mprotect_pkey(), mprotect_fixup(), change_pte_range() (Linux 6.12);
references as in patch 11 of the v3 series."""

from __future__ import annotations

import errno

import numpy as np

from ptlab.base import pte
from ptlab.base.errors import KernelError
from ptlab.base.facts import EntriesProtected
from ptlab.base.geometry import PAGE_SIZE, page_align
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import first_of, table_count
from ptlab.paths.hugetlb_range import hugetlb_change_protection
from ptlab.paths.mmap import vma_modify
from ptlab.paths.pieces import chunks
from ptlab.paths.populate import populate_vma_page_range
from ptlab.paths.recheck import arrive, vma_end_write_all, vma_start_write
from ptlab.paths.thp import change_huge_pmd, split_if_huge
from ptlab.paths.vma_change import refuse_sealed
from ptlab.paths.walk import Found, pte_offset_map_lock, pte_tables
from ptlab.paths.writable import stays_read_only
from ptlab.state.entries import covers_whole
from ptlab.state.mm import Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma


def do_mprotect(mm: Mm, start: int, length: int, prot: int) -> Path[None]:
    """mprotect(). EINVAL: unaligned. ENOMEM: a hole; EPERM: sealed; what lies before is changed."""
    if start % PAGE_SIZE:
        raise KernelError(
            errno.EINVAL, f"mprotect: address {start:#x} is not a multiple of {PAGE_SIZE}"
        )
    if length < 0:
        raise KernelError(
            errno.ENOMEM, f"mprotect: length {length} wraps around; nothing was changed"
        )
    if length == 0:
        return
    machine, end = mm.machine, start + page_align(length)
    yield from machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    done, failed = start, None
    try:
        for vma, first, done in mm.parts(start, end):
            refuse_sealed("mprotect", vma)
            yield from mprotect_fixup(mm, vma, first, done, prot)
    except KernelError as error:
        failed = error
    yield from vma_end_write_all(mm)
    yield machine.unlock("mmap_write_unlock", "mmap_lock")
    if failed is not None:
        raise failed
    if done < end:
        raise KernelError(
            errno.ENOMEM,
            f"mprotect: nothing is mapped at {done:#x}; [{start:#x}, {done:#x}) was changed",
        )


def mprotect_fixup(mm: Mm, vma: Vma, start: int, end: int, prot: int) -> Path[None]:
    """One VMA's part: its flags, its accounting, its entries."""
    flags = (vma.flags & ~VM_ACCESS_FLAGS) | prot
    if flags == vma.flags:
        return
    yield from vma_start_write(mm, vma)
    if prot & VM.WRITE:
        charged = VM.ACCOUNT | VM.WRITE | VM.HUGETLB | VM.SHARED | VM.NORESERVE
        if not vma.flags & charged:
            flags |= VM.ACCOUNT
    elif mm.machine.profile.unaccount and vma.file is None and vma.anon_vma is None:
        flags &= ~VM.ACCOUNT
    yield from vma_modify(mm, "mprotect_fixup", vma, start, end, flags)
    changed = yield from change_protection(mm, vma, start, end, prot)
    if changed:
        yield from mm.machine.flush("tlb_flush_range", None, 0)
    if vma.flags & (VM.WRITE | VM.SHARED | VM.LOCKED) == VM.LOCKED and prot & VM.WRITE:
        # Locked memory must not fault later.
        yield from populate_vma_page_range(mm, mm.find_vma(start), start, end)


def change_protection(mm: Mm, vma: Vma, start: int, end: int, prot: int) -> Path[int]:
    """change_pmd_range(): every PTE page of the range that exists. Returns the entries changed."""
    if vma.hugetlb:
        return (yield from hugetlb_change_protection(mm, vma, start, end, prot))
    scheme, changed = mm.machine.scheme, 0
    walk = yield from scheme.walk_begins(mm, start, end)
    for pmd, slots, columns in pte_tables(mm, start, end):
        if mm.is_huge(pmd, slots) and covers_whole(columns):
            changed += yield from change_huge_pmd(mm, vma, pmd, first_of(slots), prot)
            continue
        if not (yield from split_if_huge(mm, pmd, slots)):
            continue
        tables = yield from arrive(mm, pmd, slots)
        if tables is None:
            continue  # another task has freed it since the walk saw it
        changed += yield from change_pte_range(mm, vma, Found(pmd, slots, tables), columns, prot)
        yield from scheme.visitor_leaves(mm, tables)
    yield from scheme.walk_ends(mm, walk)
    return changed


def change_pte_range(mm: Mm, vma: Vma, found: Found, columns: slice, prot: int) -> Path[int]:
    """Rewrite the present entries under the PTE lock. They stay non-none: no reference changes.

    Some stay read-only, so that the next write faults: see ptlab.paths.writable.
    """
    machine, tables = mm.machine, found.tables
    n_tables = table_count(tables)
    changed = 0
    if (yield from pte_offset_map_lock(machine, found, n_tables)):
        return changed  # -EAGAIN: there is nothing left to change here
    for part in chunks(machine.grain, columns):
        words = machine.mem.entries[tables, part]
        present = pte.is_present(words)
        if not present.any():
            continue
        new = pte.protect(words, prot, stays_read_only(mm, vma, words))
        new = np.where(present, new, words)
        n = int(np.count_nonzero(present))
        changed += n
        machine.mem.write(tables, part, new)
        fact = EntriesProtected(part, prot)
        yield Step(Kind.CHANGE, "ptep_modify_prot_commit", tables, n, 1, fact)
    yield machine.unlock("pte_unmap_unlock", "ptl", n_tables)
    return changed
