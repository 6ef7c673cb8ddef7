"""The page fault: from an access of a program down to the entry in the PTE page.

Kernel source: mm/memory.c, arch/x86/mm/fault.c (Linux 6.12); for the reference counts of 2021 the
v3 series, Message-Id <20211110105428.32458-1-zhengqi.arch@bytedance.com>, patches 7, 9 and 10.
Simplified: memory never runs out; the MMU's walk and its A/D bits are one step; the anon_vma is
made under the lock that the fault already holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.geometry import PAGE_SHIFT, PAGE_SIZE, Level
from ptlab.memmap import Slots, count_each
from ptlab.memmap import count as table_count
from ptlab.mm import Count, Mm
from ptlab.paths.cut import Piece, cut
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.vma import VM, Vma, find, reusable_anon_vma

U64 = np.uint64
Mask = NDArray[np.bool_]
_VALID, _VALID_WRITE = U64(pte.PRESENT), U64(pte.PRESENT | pte.RW)


class Touched(NamedTuple):
    """What became of a program's accesses: page faults served, accesses refused, the first refused."""

    faults: int
    refused: int
    address: int


def touch(mm: Mm, write: bool, start: int, length: int, stride: int = PAGE_SIZE) -> Path[Touched]:
    """A program accesses one byte every `stride` bytes of [start, start + length), in order.

    A refused access (SIGSEGV) is counted and skipped.
    """
    faults = refused = first_refused = 0
    need = VM.WRITE if write else VM.READ
    address, end = start, start + length
    while address < end:
        vmas = mm.vmas[0]
        index = find(vmas, address)
        vma = vmas[index] if index < len(vmas) else None
        inside = vma is not None and vma.start <= address
        border = (vma.end if inside else vma.start) if vma else end
        accesses = (min(border, end) - address + stride - 1) // stride
        if vma and inside and vma.flags & need:
            for piece in _pieces(mm.machine.grain, address, accesses, stride):
                faults += yield from _access(mm, piece, write)
        else:
            first_refused = first_refused if refused else address
            refused += accesses
            yield Step(
                Kind.REFUSED,
                "bad_area",
                None,
                accesses,
                1,
                (address, write, vma if inside else None),
            )
        address += accesses * stride
    return Touched(faults, refused, first_refused)


def _pieces(grain: str, address: int, accesses: int, stride: int) -> Iterator[Piece]:
    """The pages that `accesses` every `stride` bytes fall on, cut by the grain."""
    if stride % PAGE_SIZE == 0:
        return cut(grain, address, accesses, stride >> PAGE_SHIFT)
    if stride < PAGE_SIZE:
        first = address >> PAGE_SHIFT
        pages = ((address + (accesses - 1) * stride) >> PAGE_SHIFT) - first + 1
        return cut(grain, first << PAGE_SHIFT, pages)
    return (piece for k in range(accesses) for piece in cut("entry", address + k * stride, 1))


def populate(mm: Mm, start: int, end: int, write: bool) -> Path[None]:
    """populate_vma_page_range(): fault in every page of a VMA's part; mmap_lock is held for read."""
    for piece in cut(mm.machine.grain, start, (end - start) >> PAGE_SHIFT):
        yield from _access(mm, piece, write, locked=True)


def _access(mm: Mm, piece: Piece, write: bool, locked: bool = False) -> Path[int]:
    """The MMU looks the entries up; what it cannot use faults. Returns the number of faults."""
    mem = mm.machine.mem
    pmd = mm.lookup(piece.first, Level.PMD)
    tables: Tables = mem.at(pmd, piece.slots) if pmd else 0
    if isinstance(tables, np.ndarray) and isinstance(piece.slots, np.ndarray):
        there = tables != 0
        existing = int(np.count_nonzero(there))
        if 0 < existing < len(tables):  # some PTE pages exist, some do not: one kind at a time
            faults = 0
            borders = np.flatnonzero(np.diff(there)) + 1
            for slots in np.split(piece.slots, borders):
                part: Slots = slots if len(slots) > 1 else int(slots[0])
                faults += yield from _access(mm, piece._replace(slots=part), write, locked)
            return faults
    else:
        existing = int(tables)
    n = piece.entries
    if not existing:
        yield from exc_page_fault(mm, piece, write, locked, None, n)
        return n
    words = mem.entries[tables, piece.columns]
    need = _VALID_WRITE if write else _VALID
    usable = (words & need) == need
    hits = int(np.count_nonzero(usable))
    if not hits:
        yield from exc_page_fault(mm, piece, write, locked, None, n)
        return n
    bits = U64(pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY if write else pte.ACCESSED)
    marked = words | bits if hits == n else np.where(usable, words | bits, words)
    if np.count_nonzero(marked != words):
        mem.write(tables, piece.columns, marked)
    if hits == n:
        yield Step(Kind.HIT, "mmu", tables, n, 1, (piece.first, write))
        return 0
    yield from exc_page_fault(mm, piece, write, locked, ~usable, n - hits)
    return n - hits


def exc_page_fault(
    mm: Mm, piece: Piece, write: bool, locked: bool, faulting: Mask | None, n: int
) -> Path[None]:
    """`n` page faults: those of `faulting`, all entries of the piece if None.

    Unless the caller holds mmap_lock already, a fault takes its VMA's lock (6.4), else mmap_lock.
    """
    machine = mm.machine
    vma = mm.vmas[0][find(mm.vmas[0], piece.first)]
    if locked:
        yield from handle_mm_fault(mm, vma, piece, write, faulting, n)
    elif machine.profile.vma_lock_fault:
        yield machine.lock("lock_vma_under_rcu", "vma_lock", vma.start, "read", n)
        yield from handle_mm_fault(mm, vma, piece, write, faulting, n)
        yield machine.unlock("vma_end_read", "vma_lock", n)
    else:
        yield machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read", n)
        yield from handle_mm_fault(mm, vma, piece, write, faulting, n)
        yield machine.unlock("mmap_read_unlock", "mmap_lock", n)


def handle_mm_fault(
    mm: Mm, vma: Vma, piece: Piece, write: bool, faulting: Mask | None, n: int
) -> Path[None]:
    """handle_mm_fault() and __handle_mm_fault(): build the upper tables, top down, as needed."""
    mm.count(Count.MINFLT, n)
    pmd = mm.lookup(piece.first, Level.PMD) or (yield from _upper_tables(mm, piece.first))
    yield from handle_pte_fault(mm, vma, pmd, piece, write, faulting, n)


def _upper_tables(mm: Mm, address: int) -> Path[int]:
    """The PMD page for `address`; what is missing above it is built."""
    geometry, table = mm.machine.geometry, mm.pgd
    for upper, lower in zip(geometry.path[:-2], geometry.path[1:-1], strict=True):
        index = geometry.index(address, upper)
        child = int(mm.machine.mem.at(table, index))
        table = child or (yield from _alloc_upper(mm, table, index, lower))
    return table


def _alloc_upper(mm: Mm, parent: int, index: int, level: Level) -> Path[int]:
    """__p4d_alloc(), __pud_alloc(), __pmd_alloc(): a zeroed page, entered under page_table_lock."""
    machine, fn = mm.machine, f"__{level.name.lower()}_alloc"
    table = int(machine.mem.alloc(mm.id, level))
    yield Step(Kind.ALLOC, f"{level.name.lower()}_alloc_one", table)
    yield machine.lock(fn, "page_table_lock", mm.id, "spin")
    machine.mem.hook(table, parent, index)
    if level is not Level.P4D:
        mm.count(Count[level.name], 1)
    yield Step(Kind.INSTALL, fn, table)
    yield machine.unlock(fn, "page_table_lock")
    return table


def handle_pte_fault(
    mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool, faulting: Mask | None, n: int
) -> Path[None]:
    """The PTE level. Empty entries go to do_anonymous_page(), read-only ones to do_wp_page().

    With the references of 2021 the walker arrives with pte_try_get(), or with pte_alloc() where
    there is no table yet, and leaves with pte_put_vmf().
    """
    machine, columns = mm.machine, piece.columns
    slots = piece.slots
    first = slots if isinstance(slots, int) else int(slots[0])
    if machine.mem.at(pmd, first):
        while (yield from machine.scheme.visitor_arrives(mm, pmd, slots, n)):
            pass  # the table is dying: fault again
        tables = machine.mem.at(pmd, slots)
        words = machine.mem.entries[tables, columns]
        empty = words == 0 if faulting is None else (words == 0) & faulting
        vacant = int(np.count_nonzero(empty))
        if vacant == piece.entries:
            yield from do_anonymous_page(mm, vma, tables, columns, None, n, write)
        elif vacant:
            yield from do_anonymous_page(mm, vma, tables, columns, empty, vacant, write)
        if vacant < n:
            protected = ~empty if faulting is None else faulting & ~empty
            yield from do_wp_page(mm, tables, columns, protected, n - vacant)
    else:
        tables = yield from pte_alloc(mm, pmd, slots)
        yield from do_anonymous_page(mm, vma, tables, columns, None, n, write)
    yield from machine.scheme.visitor_leaves(mm, tables, n)


def pte_alloc(mm: Mm, pmd: int, slots: Slots) -> Path[Tables]:
    """pte_alloc(), __pte_alloc(): PTE pages for the empty `slots` of PMD page `pmd`."""
    machine = mm.machine
    wanted = len(slots) if isinstance(slots, np.ndarray) else 1
    tables = machine.mem.alloc(mm.id, Level.PTE, wanted)
    yield Step(Kind.ALLOC, "pte_alloc_one", tables)
    yield from pmd_install(mm, pmd, slots, tables)
    return tables


def pmd_install(mm: Mm, pmd: int, slots: Slots, tables: Tables) -> Path[None]:
    """Enter PTE pages into the PMD page, under its lock, and count them (mm_inc_nr_ptes)."""
    machine, n = mm.machine, table_count(tables)
    yield machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
    yield from machine.scheme.table_installed(mm, tables)
    machine.mem.hook(tables, pmd, slots)
    mm.count(Count.PTE, n)
    yield Step(Kind.INSTALL, "pmd_populate", tables)
    yield machine.unlock("spin_unlock", "pmd_lock", n)


def do_anonymous_page(
    mm: Mm, vma: Vma, tables: Tables, columns: slice, empty: Mask | None, n: int, write: bool
) -> Path[None]:
    """Fill `n` empty entries: a new zeroed page on a write, the shared zero page on a read.

    `empty` tells which of `columns` they are; None: all of them.
    """
    machine = mm.machine
    if write and vma.anon_vma is None:
        yield _anon_vma_prepare(mm, vma)
    yield machine.lock("pte_offset_map_lock", "ptl", tables, "spin", n)
    if write:
        first = machine.frames(n)
        values = pte.anon_entry(np.arange(first, first + n, dtype=U64), True)
        mm.count(Count.ANON, n)
    else:
        values = np.full(n, pte.ZERO_PAGE_ENTRY, U64)
        mm.count(Count.ZERO, n)
    if empty is None:
        words = values if isinstance(tables, int) else values.reshape(len(tables), -1)
        each: Any = n if isinstance(tables, int) else n // len(tables)
    else:
        words = machine.mem.entries[tables, columns].copy()
        words[empty] = values
        each = count_each(tables, empty)
    machine.mem.write(tables, columns, words)
    machine.scheme.entries_changed(mm, tables, each)
    yield Step(Kind.SET, "set_pte_at", tables, n, 1, (columns, "page" if write else "zero"))
    yield from machine.scheme.entries_mapped(mm, tables, each)
    yield machine.unlock("pte_unmap_unlock", "ptl", n)


def _anon_vma_prepare(mm: Mm, vma: Vma) -> Step:
    """The VMA's first page of its own: it gets an anon_vma, a neighbour's if they may merge one day."""
    vmas = mm.vmas[0]
    anon = reusable_anon_vma(vmas, vma) or mm.machine.new_anon_vma()
    index = find(vmas, vma.start)
    marked = Vma(vma.start, vma.end, vma.flags, vma.pgoff, anon)
    mm.set_vmas((*vmas[:index], marked, *vmas[index + 1 :]))
    return Step(Kind.VMA, "__anon_vma_prepare", None, 1, 1, ("anon_vma", marked))


def do_wp_page(mm: Mm, tables: Tables, columns: slice, protected: Mask, n: int) -> Path[None]:
    """A write to `n` read-only entries: copy the zero page into a new page, or reuse the page.

    The entries stay non-none, so no reference changes.
    """
    machine = mm.machine
    yield machine.lock("pte_offset_map_lock", "ptl", tables, "spin", n)
    words = machine.mem.entries[tables, columns].copy()
    zero = protected & pte.is_zero_page(words)
    copies = int(np.count_nonzero(zero))
    first = machine.frames(copies)
    words[zero] = pte.anon_entry(np.arange(first, first + copies, dtype=U64), True)
    words[protected & ~zero] |= U64(pte.RW | pte.DIRTY | pte.SOFT_DIRTY | pte.ACCESSED)
    machine.mem.write(tables, columns, words)
    mm.count(Count.ANON, copies)
    mm.count(Count.ZERO, -copies)
    fn = "wp_page_copy" if copies else "wp_page_reuse"
    yield Step(Kind.CHANGE, fn, tables, n, 1, (columns, "page"))
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
