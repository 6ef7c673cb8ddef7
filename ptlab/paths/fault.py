"""The page fault: from exc_page_fault() down to the entry in the PTE page.

Kernel source: mm/memory.c (Linux 6.12); for the reference counts of 2021 the v3 series, Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, patches 7, 9 and 10. Simplified: memory never
runs out.
"""

from __future__ import annotations

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import Change, EntriesChanged, Maps, Reason, Refusal
from ptlab.base.geometry import PAGE_SIZE, Level
from ptlab.base.made_often import set_of
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step, step_of
from ptlab.base.tables import (
    Columns,
    Tables,
    count_each,
    first_column,
    first_of,
    is_run,
    table_count,
)
from ptlab.paths.expand_stack import lock_mm_and_find_vma, stack_above
from ptlab.paths.filemap import FOLIO_BUSY, VM_FAULT_RETRY, VM_FAULT_SIGBUS, do_fault
from ptlab.paths.hugetlb import hugetlb_fault
from ptlab.paths.pieces import Piece
from ptlab.paths.recheck import folio_wait_locked, lock_unless_changed
from ptlab.paths.swap import do_swap_page
from ptlab.paths.table_alloc import upper_tables, visit, vmf_anon_prepare
from ptlab.paths.thp import (
    do_huge_pmd_anonymous_page,
    do_huge_pmd_wp_page,
    split_huge_pmd,
    thp_vma_allowable,
)
from ptlab.paths.touched import Touched
from ptlab.paths.walk import Found
from ptlab.state.machine import Machine
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma, find_vma_intersection

U64 = np.uint64
VM_FAULT_SIGSEGV = 0x40
_PMD, _UPTODATE_WMB = Level.PMD, Precaution.UPTODATE_WMB
_ANON, _SWAP = Count.ANON, Count.SWAP
_MINFLT, _MAJFLT = Count.MINFLT, Count.MAJFLT
"""Looked up once: Python 3.11 finds members slowly."""


def exc_page_fault(mm: Mm, piece: Piece, write: bool, locked: bool) -> Path[Touched]:
    """One page fault for each entry of the piece, all of one kind.

    Unless the caller holds mmap_lock already, a fault takes its VMA's lock (6.4), else mmap_lock; also
    if that lock turns out not to be enough (VM_FAULT_RETRY).
    """
    machine, first, n = mm.machine, piece.first, piece.entries
    major = mm.counters[_MAJFLT]
    if locked:
        fault = yield from handle_mm_fault(mm, mm.find_vma(first), piece, write)
    else:
        fault, by_vma = VM_FAULT_RETRY, machine.profile.vma_lock_fault
        while fault == VM_FAULT_RETRY:  # once more, if only mmap_lock would do
            vma = yield from _lock_vma(mm, first, VM.WRITE if write else VM_ACCESS_FLAGS, n, by_vma)
            if vma is None:
                return Touched(0, n, first)
            fault, by_vma = (yield from handle_mm_fault(mm, vma, piece, write)), False
        yield _unlock_vma(machine, n)
    if fault == VM_FAULT_SIGSEGV:
        yield Step(
            Kind.REFUSED, "handle_pte_marker", None, n, 1, Refusal(first, write, Reason.GUARD)
        )
    if fault:
        return Touched(0, n, first, sigbus=fault == VM_FAULT_SIGBUS)
    mm.count(_MINFLT, n - (mm.counters[_MAJFLT] - major))
    return Touched(n)


def _lock_vma(mm: Mm, address: int, need: int, n: int, by_vma: bool) -> Path[Vma | None]:
    """Take the VMA's lock, or mmap_lock, and look again: the VMA may have gone or changed meanwhile.

    None, and no lock is held: nothing is mapped there now, or not with the rights in `need`
    (access_error()). A VMA whose start has changed was split. Then the lock is not its own, and the
    fault tries again.
    """
    machine = mm.machine
    vma = find_vma_intersection(mm.vmas, address, address + PAGE_SIZE)
    while vma is not None:
        of = vma.start
        if by_vma:
            yield from machine.lock("lock_vma_under_rcu", "vma_lock", of, "read", n)
        else:
            yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read", n)
        vma = find_vma_intersection(mm.vmas, address, address + PAGE_SIZE)
        if vma is not None and vma.flags & need and (vma.start == of or not by_vma):
            return vma
        yield _unlock_vma(machine, n)
        if vma is not None and not vma.flags & need:
            break
    if vma is None and stack_above(mm, address):
        vma = yield from lock_mm_and_find_vma(mm, address, n)
        if vma is not None and vma.flags & need:
            return vma
        if vma is not None:
            yield machine.unlock("mmap_read_unlock", "mmap_lock", n)
    yield bad_area(n, address, need == VM.WRITE, vma)
    return None


def bad_area(n: int, address: int, write: bool, vma: Vma | None) -> Step:
    """No VMA covers the address, or `vma` does not allow the access."""
    fact = Refusal(address, write, Reason.NO_VMA)
    if vma is not None:
        fact = Refusal(address, write, Reason.RIGHTS, vma.flags)
    return Step(Kind.REFUSED, "bad_area", None, n, 1, fact)


def _unlock_vma(machine: Machine, n: int) -> Step:
    """The other end of _lock_vma()."""
    held = machine.held[machine.task]
    if held[-1].name == "vma_lock" or any(lock.name == "vma_lock" for lock in held):
        return machine.unlock("vma_end_read", "vma_lock", n)
    return machine.unlock("mmap_read_unlock", "mmap_lock", n)


def handle_mm_fault(mm: Mm, vma: Vma, piece: Piece, write: bool) -> Path[int]:
    """The fault in a VMA that is locked.

    0, VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV or VM_FAULT_RETRY. While another task has the folio's lock,
    the fault holds no table: it waits, and walks anew.
    """
    if vma.hugetlb:
        return (yield from hugetlb_fault(mm, vma, piece.first, write))
    while (fault := (yield from _walk(mm, vma, piece, write))) == FOLIO_BUSY:
        assert vma.file is not None
        yield from folio_wait_locked(vma.file)
    return fault


def _walk(mm: Mm, vma: Vma, piece: Piece, write: bool) -> Path[int]:
    """__handle_mm_fault(): build the upper tables, top down, as needed."""
    scheme, first, n = mm.machine.scheme, piece.first, piece.entries
    walk = yield from scheme.walk_begins(mm, first, first + PAGE_SIZE, n)
    pmd = mm.lookup(first, _PMD) or (yield from upper_tables(mm, first, walk, times=n))
    fault = yield from _below_pmd(mm, vma, pmd, piece, write)
    yield from scheme.walk_ends(mm, walk, n)
    return fault


def _below_pmd(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """The path for the PMD level, if a huge page is there or may be, else for the PTE level."""
    if not is_run(piece.slots):
        word = mm.machine.mem.entries.word(pmd, first_of(piece.slots))
        if word & pte.PSE:
            return _huge_pmd_fault(mm, vma, pmd, piece, write)
        if not word and thp_vma_allowable(mm, vma, piece.first):
            return _empty_pmd_fault(mm, vma, pmd, first_of(piece.slots), write)
    return _pte_level(mm, vma, pmd, piece, write)


def _empty_pmd_fault(mm: Mm, vma: Vma, pmd: int, slot: int, write: bool) -> Path[int]:
    """A huge page where there is nothing yet; vmf_anon_prepare() comes first, for a read too."""
    if not (yield from vmf_anon_prepare(mm, vma)):
        return VM_FAULT_RETRY
    yield from do_huge_pmd_anonymous_page(mm, vma, pmd, slot, write)
    return 0


def _huge_pmd_fault(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """wp_huge_pmd(): a write to a huge page. If the write splits it, go on at the PTE level.

    A file's huge mapping is taken away: do_fault() knows what to map instead.
    """
    if not write:
        return 0
    if vma.file is not None:
        yield from split_huge_pmd(mm, pmd, first_of(piece.slots))
        if mm.is_huge(pmd, piece.slots):
            return 0  # another fault has brought it back: the access faults again
    elif (yield from do_huge_pmd_wp_page(mm, pmd, first_of(piece.slots))):
        return 0
    return (yield from _pte_level(mm, vma, pmd, piece, write))


def _pte_level(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """The path for a page of a file that is not mapped yet, or for all else."""
    slots, mem = piece.slots, mm.machine.mem
    if vma.file is not None:  # page by page
        table = first_of(mem.at(pmd, slots))
        if not table or not mem.entries.word(table, first_column(piece.columns)):
            return do_fault(mm, vma, pmd, piece, write)
    return handle_pte_fault(mm, vma, pmd, piece, write)


def handle_pte_fault(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """The PTE level. Empty entries go to do_anonymous_page(), read-only ones to do_wp_page().

    What other tasks may have put there since the access: a guard marker, which refuses it, or a page,
    which is all that a read wants (a spurious fault).

    With the references of 2021 the walker arrives with pte_try_get(), or with pte_alloc() where
    there is no table yet, and leaves with pte_put_vmf().
    """
    columns, n, done, fault = piece.columns, piece.entries, False, 0
    machine, others = mm.machine, mm.machine.others
    while not done:  # once, unless another task was faster
        tables = yield from visit(mm, pmd, piece.slots, n)
        if not first_of(tables):
            return 0  # a huge page is there now: the access faults again
        anonymous = write and not vma.shared and vma.anon_vma is None
        if anonymous and not (yield from vmf_anon_prepare(mm, vma)):
            yield from machine.scheme.visitor_leaves(mm, tables, n)
            return VM_FAULT_RETRY
        found = Found(pmd, piece.slots, tables)
        if others.several and not others.still_hooked(*found):  # another task has freed it
            yield from machine.scheme.visitor_leaves(mm, tables, n)
            continue
        if not machine.mem.entries.filled(tables, columns):
            if vma.file is not None:  # another task has zapped it since the access
                yield from machine.scheme.visitor_leaves(mm, tables, n)
                return (yield from do_fault(mm, vma, pmd, piece, write))
            done = yield from do_anonymous_page(mm, found, columns, n, write)
        elif mm.counters[_SWAP] and not pte.is_present(word := _first(mm, tables, columns)):
            if pte.is_marker(word):  # handle_pte_marker()
                done, fault = True, VM_FAULT_SIGSEGV
            else:
                done = yield from do_swap_page(mm, vma, found, columns, n)
        elif write:
            done = yield from do_wp_page(mm, vma, found, columns, n)
        else:
            done = True
        yield from machine.scheme.visitor_leaves(mm, tables, n)
    return fault


def _first(mm: Mm, tables: Tables, columns: Columns) -> int:
    """The first of the entries; they are all of one kind."""
    return mm.machine.mem.entries.word(first_of(tables), first_column(columns))


def do_anonymous_page(mm: Mm, found: Found, columns: Columns, n: int, write: bool) -> Path[bool]:
    """Fill `n` empty entries: a new zeroed page on a write, the shared zero page on a read.

    False: the table or the entry is no longer what it was (vmf_pte_changed()).
    """
    machine, tables = mm.machine, found.tables
    if (yield from lock_unless_changed(machine, found, columns, 0, n)):
        return False
    if write:
        first = machine.frames(n)
        words = pte.anon_entries(first, n)
        mm.count(_ANON, n)
        if not machine.others.lacks(_UPTODATE_WMB):
            machine.others.smp_wmb()  # __folio_mark_uptodate()
    else:
        words = pte.ZERO_PAGE_ENTRY
        mm.count(Count.ZERO, n)
    each = n // table_count(tables)
    if write and is_run(tables):
        words = words.reshape(len(tables), each)
    machine.mem.write(tables, columns, words)
    machine.scheme.entries_changed(mm, tables, each, 0 if write else each)
    fact = set_of(columns, Maps.PAGE if write else Maps.ZERO)
    yield step_of((Kind.SET, "set_pte_at", tables, n, 1, fact))
    yield from machine.scheme.entries_mapped(mm, tables, each, n)
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
    return True


def do_wp_page(mm: Mm, vma: Vma, found: Found, columns: Columns, n: int) -> Path[bool]:
    """A write to `n` read-only entries: copy a page that is not the process's own, else reuse it.

    It copies the zero page, pages that another process maps too, and a file's pages in a private
    mapping. The entries stay non-none, so no reference changes.
    """
    machine, tables = mm.machine, found.tables
    words = np.array(machine.mem.entries[tables, columns], U64, ndmin=1)
    if (yield from lock_unless_changed(machine, found, columns, words, n)):
        return False
    frames = pte.pfn(words)
    foreign = (frames == pte.ZERO_PFN) | machine.pages.shared(frames)
    if not vma.shared:
        foreign |= frames >= pte.FILE_FRAME
    copies = int(np.count_nonzero(foreign))
    if copies:
        zeros = frames == pte.ZERO_PFN
        machine.scheme.entries_changed(mm, tables, 0, -count_each(tables, zeros))
        mm.count_pages(pte.census(words[foreign]), -1)
        machine.pages.unshare(words[foreign])
        first = machine.frames(copies)
        machine.others.smp_wmb()  # __folio_mark_uptodate()
        words[foreign] = pte.anon_entries(first, copies)
        mm.count(_ANON, copies)
    machine.pages.reuse(frames[~foreign])
    words[~foreign] |= U64(pte.RW | pte.DIRTY | pte.SOFT_DIRTY | pte.ACCESSED)
    machine.mem.write(tables, columns, words)
    fn, how = ("wp_page_copy", Change.COPIED) if copies else ("wp_page_reuse", Change.WRITABLE)
    yield Step(Kind.CHANGE, fn, tables, n, 1, EntriesChanged(columns, how))
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
    return True
