"""The page fault: from handle_mm_fault() down to the entry in the PTE page.

Kernel source: mm/memory.c (Linux 6.12); for the reference counts of 2021 the v3 series, Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, patches 7, 9 and 10. Simplified: memory never
runs out; the anon_vma is made under the lock that the fault already holds.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.geometry import Level
from ptlab.memmap import count_each
from ptlab.mm import Count, Mm
from ptlab.paths.alloc import anon_vma_prepare, upper_tables, visit
from ptlab.paths.cut import Piece
from ptlab.paths.filemap import do_fault
from ptlab.paths.thp import do_huge_pmd_anonymous_page, do_huge_pmd_wp_page, thp_vma_allowable
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.vma import VM, Vma

U64 = np.uint64
Mask: TypeAlias = NDArray[np.bool_]


def handle_mm_fault(
    mm: Mm, vma: Vma, piece: Piece, write: bool, faulting: Mask | None, n: int
) -> Path[bool]:
    """handle_mm_fault() and __handle_mm_fault(): build the upper tables, top down, as needed.

    Then the PMD level, if a huge page is there or may be, else the PTE level. False: SIGBUS.
    """
    pmd = mm.lookup(piece.first, Level.PMD) or (yield from upper_tables(mm, piece.first))
    slots = piece.slots
    if isinstance(slots, int):
        word = mm.machine.mem.entries.word(pmd, slots)
        if not word and vma.flags & VM.HUGEPAGE and thp_vma_allowable(vma, piece.first):
            if write and vma.anon_vma is None:
                yield anon_vma_prepare(mm, vma)
            yield from do_huge_pmd_anonymous_page(mm, vma, pmd, slots, write)
            return True
        if word & pte.PSE and (yield from do_huge_pmd_wp_page(mm, pmd, slots)):
            return True
        if vma.file is not None:
            table = int(mm.machine.mem.at(pmd, slots))
            if not table or not mm.machine.mem.entries.word(table, piece.columns.start):
                return (yield from do_fault(mm, vma, pmd, piece, write))
    yield from handle_pte_fault(mm, vma, pmd, piece, write, faulting, n)
    return True


def handle_pte_fault(
    mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool, faulting: Mask | None, n: int
) -> Path[None]:
    """The PTE level. Empty entries go to do_anonymous_page(), read-only ones to do_wp_page().

    With the references of 2021 the walker arrives with pte_try_get(), or with pte_alloc() where
    there is no table yet, and leaves with pte_put_vmf().
    """
    columns = piece.columns
    tables = yield from visit(mm, pmd, piece.slots, n)
    words = mm.machine.mem.entries[tables, columns]
    empty = words == 0 if faulting is None else (words == 0) & faulting
    vacant = int(np.count_nonzero(empty))
    if vacant == piece.entries:
        yield from do_anonymous_page(mm, vma, tables, columns, None, n, write)
    elif vacant:
        yield from do_anonymous_page(mm, vma, tables, columns, empty, vacant, write)
    if vacant < n:
        protected = ~empty if faulting is None else faulting & ~empty
        yield from do_wp_page(mm, vma, tables, columns, protected, n - vacant)
    yield from mm.machine.scheme.visitor_leaves(mm, tables, n)


def do_anonymous_page(
    mm: Mm, vma: Vma, tables: Tables, columns: slice, empty: Mask | None, n: int, write: bool
) -> Path[None]:
    """Fill `n` empty entries: a new zeroed page on a write, the shared zero page on a read.

    `empty` tells which of `columns` they are; None: all of them.
    """
    machine = mm.machine
    if write and vma.anon_vma is None:
        yield anon_vma_prepare(mm, vma)
    yield from machine.lock("pte_offset_map_lock", "ptl", tables, "spin", n)
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


def do_wp_page(
    mm: Mm, vma: Vma, tables: Tables, columns: slice, protected: Mask, n: int
) -> Path[None]:
    """A write to `n` read-only entries: copy what is not the process's own, else reuse the page.

    Copied are the zero page, pages that another process maps too, and a file's pages in a private
    mapping. The entries stay non-none, so no reference changes.
    """
    machine = mm.machine
    if vma.anon_vma is None and not vma.shared:
        yield anon_vma_prepare(mm, vma)
    yield from machine.lock("pte_offset_map_lock", "ptl", tables, "spin", n)
    words = machine.mem.entries[tables, columns].copy()
    frames = pte.pfn(words)
    foreign = (frames == pte.ZERO_PFN) | machine.shared(frames)
    if not vma.shared:
        foreign |= frames >= pte.FILE_FRAME
    copied = protected & foreign
    copies = int(np.count_nonzero(copied))
    if copies:
        mm.count_pages(pte.census(words[copied]), -1)
        machine.unshare(words[copied])
        first = machine.frames(copies)
        words[copied] = pte.anon_entry(np.arange(first, first + copies, dtype=U64), True)
        mm.count(Count.ANON, copies)
    words[protected & ~foreign] |= U64(pte.RW | pte.DIRTY | pte.SOFT_DIRTY | pte.ACCESSED)
    machine.mem.write(tables, columns, words)
    fn = "wp_page_copy" if copies else "wp_page_reuse"
    yield Step(Kind.CHANGE, fn, tables, n, 1, (columns, "page"))
    yield machine.unlock("pte_unmap_unlock", "ptl", n)
