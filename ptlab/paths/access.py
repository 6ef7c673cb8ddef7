"""A program's accesses: the MMU looks them up, and what it cannot use becomes a page fault."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.facts import Access, Reason, Refusal
from ptlab.base.geometry import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PMD_SHIFT, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables, borders, first_of, is_run, split, table_count
from ptlab.paths.alike_faults import alike_faults
from ptlab.paths.expand_stack import stack_above
from ptlab.paths.fault import bad_area, exc_page_fault
from ptlab.paths.pieces import Piece, cut
from ptlab.paths.shmem_huge import may_get_huge
from ptlab.paths.thp import frames_of, thp_vma_allowable
from ptlab.paths.touched import NO_FAULT, Touched
from ptlab.state.huge_entry import huge_entry
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import VM, VM_ACCESS_FLAGS, Vma

U64 = np.uint64
_PMD = Level.PMD  # looked up once: Python 3.11 finds members slowly
_VALID, _VALID_WRITE = U64(pte.PRESENT), U64(pte.PRESENT | pte.RW)


def touch(mm: Mm, write: bool, start: int, length: int, stride: int = PAGE_SIZE) -> Path[Touched]:
    """A program accesses one byte every `stride` bytes of [start, start + length), in order.

    A refused access (SIGSEGV, SIGBUS) is counted and skipped.
    """
    so_far = NO_FAULT
    need = VM.WRITE if write else VM_ACCESS_FLAGS
    address, end = start, start + length
    while address < end:
        vma = mm.vmas.above(address)
        inside = vma is not None and vma.start <= address
        border = (vma.end if inside else vma.start) if vma else end
        accesses = (min(border, end) - address + stride - 1) // stride
        if vma and inside and vma.flags & need:
            for piece in _pieces(grain_of(mm, vma, stride), address, accesses, stride):
                result = yield from access(mm, piece, write)
                if result.refused and stride < PAGE_SIZE:  # each access to the page is refused
                    last = min(piece.first + PAGE_SIZE, address + accesses * stride)
                    refused = _between(address, stride, piece.first, last)
                    result = result._replace(refused=refused)
                so_far = so_far.add(result)
        elif stack_above(mm, address):  # the fault may extend it: one access, then look again
            page = next(cut("entry", address & PAGE_MASK, 1))
            so_far = so_far.add((yield from exc_page_fault(mm, page, write, locked=False)))
            accesses = 1
        else:
            so_far = so_far.add(Touched(0, accesses, address))
            yield bad_area(accesses, address, write, vma if inside else None)
        address += accesses * stride
    return so_far


def grain_of(mm: Mm, vma: Vma, stride: int = PAGE_SIZE) -> str:
    """How far one access may reach: page by page where what happens depends on the page.

    With several tasks it does: one of them may change some of the pages between two steps.
    """
    alone = not mm.machine.others.several
    if not alone or mm.counters[Count.SWAP] or (vma.file is not None and stride < PAGE_SIZE):
        return "entry"
    return mm.machine.grain


def _between(address: int, stride: int, first: int, last: int) -> int:
    """How many of the accesses at address, address + stride, ... lie in [first, last)."""
    return -(-(last - address) // stride) - max(0, -(-(first - address) // stride))


def _pieces(grain: str, address: int, accesses: int, stride: int) -> Iterator[Piece]:
    """The pages that `accesses` every `stride` bytes fall on, cut by the grain."""
    if stride % PAGE_SIZE == 0:
        return cut(grain, address, accesses, stride >> PAGE_SHIFT)
    if stride < PAGE_SIZE:
        first = address >> PAGE_SHIFT
        pages = ((address + (accesses - 1) * stride) >> PAGE_SHIFT) - first + 1
        return cut(grain, first << PAGE_SHIFT, pages)
    return (piece for k in range(accesses) for piece in cut("entry", address + k * stride, 1))


def access(mm: Mm, piece: Piece, write: bool, locked: bool = False) -> Path[Touched]:
    """Accesses to the entries of a piece: hits, page faults, refusals.

    This only finds out which. It returns the path that serves them.
    """
    mem, others, slots = mm.machine.mem, mm.machine.others, piece.slots
    pmd = mm.lookup(piece.first, _PMD)
    tables: Tables = mem.at(pmd, slots) if pmd else 0
    if is_run(slots):
        parts = split(slots, _borders(mm, piece, tables))
        if len(parts) > 1:
            return _access_runs(mm, piece, parts, write, locked)
    elif others.several and others.translate(mm.machine.task, piece.first, write):
        return _hit(piece, write)
    elif others.several and (cached := others.walk_cached(mm.machine.task, piece.first)):
        tables = cached  # the MMU does not read the PMD entry again
    elif mm.is_huge(pmd, slots) if tables else _may_be_huge(mm, piece):
        return _access_huge(mm, piece, write, locked)
    if first_of(tables) and mem.entries.filled(tables, piece.columns):
        return _access_entries(mm, piece, tables, write, locked)
    return _fault(mm, piece, tables, write, locked)


def _fault(mm: Mm, piece: Piece, tables: Tables, write: bool, locked: bool) -> Path[Touched]:
    """Page faults: of anonymous memory all at once, of a file those that are alike."""
    if piece.entries > 1 and (vma := mm.find_vma(piece.first)).file is not None:
        return _file_faults(mm, vma, piece, tables, write, locked)
    return exc_page_fault(mm, piece, write, locked)


def _file_faults(
    mm: Mm, vma: Vma, piece: Piece, tables: Tables, write: bool, locked: bool
) -> Path[Touched]:
    """Faults that are alike at once; else table by table, and below one table page by page."""
    faults = alike_faults(mm, vma, piece, tables, write)
    if faults is None and is_run(piece.slots):
        one_by_one = split(piece.slots, np.arange(1, piece.tables, dtype=np.int64))
        return (yield from _access_runs(mm, piece, one_by_one, write, locked))
    if faults is None:
        return (yield from _page_by_page(mm, vma, piece, write, locked))
    so_far = yield from exc_page_fault(mm, faults, write, locked)
    around = piece.entries - faults.entries
    if around:  # fault-around has mapped what the other accesses read
        tables = mm.machine.mem.at(mm.lookup(piece.first, _PMD), piece.slots)
        yield Step(Kind.HIT, "mmu", tables, around, 1, Access(piece.first, write))
    return so_far


def _page_by_page(mm: Mm, vma: Vma, piece: Piece, write: bool, locked: bool) -> Path[Touched]:
    """The first page alone; then what its fault has mapped around it, and what is left, if alike."""
    columns, so_far = piece.span, NO_FAULT
    step, start, pages = columns.step or 1, columns.start, 1
    while start < columns.stop:
        stop = min(start + (pages - 1) * step + 1, columns.stop)
        result = yield from access(mm, piece.part(start, stop), write, locked)
        so_far = so_far.add(result)
        if locked and result.refused:
            break
        start += pages * step
        if start < columns.stop:
            pages = _alike_accesses(mm, vma, piece.part(start, columns.stop), write)
    return so_far


def _alike_accesses(mm: Mm, vma: Vma, piece: Piece, write: bool) -> int:
    """How many of the accesses, from the first on, are hits or faults that are alike; at least 1."""
    pmd, slot = mm.lookup(piece.first, _PMD), first_of(piece.slots)
    if not pmd or mm.is_huge(pmd, slot):
        return 1
    table = int(mm.machine.mem.at(pmd, slot))
    if table and not write:  # a write maps nothing around
        closed = (mm.machine.mem.entries[table, piece.columns] & _VALID) == 0
        if not closed[0]:
            return int(np.argmax(closed)) if closed.any() else len(closed)
    return piece.entries if alike_faults(mm, vma, piece, table, write) else 1


def _hit(piece: Piece, write: bool) -> Path[Touched]:
    """The TLB has the translation: no table is read."""
    yield Step(Kind.HIT, "tlb", None, 1, 1, Access(piece.first, write))
    return NO_FAULT


def _access_runs(
    mm: Mm, piece: Piece, parts: list[Slots], write: bool, locked: bool
) -> Path[Touched]:
    """Accesses below tables, huge pages and empty slots: one kind at a time."""
    so_far = NO_FAULT
    start = piece.first - (first_of(parts[0]) << PMD_SHIFT)
    for part in parts:
        first = start + (first_of(part) << PMD_SHIFT)
        alike = Piece(first, part, piece.columns, table_count(part))
        so_far = so_far.add((yield from access(mm, alike, write, locked)))
    return so_far


def _access_entries(
    mm: Mm, piece: Piece, tables: Tables, write: bool, locked: bool
) -> Path[Touched]:
    """Accesses to a table that has entries. Entries that are alike are one piece; the rest is cut."""
    words = np.asarray(mm.machine.mem.entries[tables, piece.columns], U64)
    need = _VALID_WRITE if write else _VALID
    usable = (words & need) == need
    hits = int(np.count_nonzero(usable))
    if hits == piece.entries:
        bits = U64(pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY if write else pte.ACCESSED)
        marked = words | bits
        if np.count_nonzero(marked != words):
            mm.machine.mem.mark(tables, piece.columns, marked)
        if write and not locked and len(mm.machine.pages.blank):
            mm.machine.pages.written(np.atleast_1d(pte.pfn(words)))
        mm.machine.others.fill(mm.machine.task, piece.first, tables, words)
        yield Step(Kind.HIT, "mmu", tables, hits, 1, Access(piece.first, write))
        return NO_FAULT
    kinds = _kinds(words, usable)
    alike = bool((kinds == kinds.flat[0]).all())
    if not alike and is_run(piece.slots):
        one_by_one = split(piece.slots, np.arange(1, piece.tables, dtype=np.int64))
        return (yield from _access_runs(mm, piece, one_by_one, write, locked))
    if not alike:
        return (yield from _access_parts(mm, piece, kinds, write, locked))
    if kinds.flat[0] != _GUARDED:
        return (yield from _fault(mm, piece, tables, write, locked))
    fact = Refusal(piece.first, write, Reason.GUARD)
    yield Step(Kind.REFUSED, "handle_pte_marker", tables, piece.entries, 1, fact)
    return Touched(0, piece.entries, piece.first)


_GUARDED = 3


def _kinds(words: NDArray[np.uint64], usable: NDArray[np.bool_]) -> NDArray[np.int8]:
    """At each entry: 0 empty, 1 usable, 2 closed, 3 a guard marker, 4 swapped out."""
    kinds = np.where(usable, 1, np.where(words == 0, 0, np.where(pte.is_present(words), 2, 4)))
    return np.where(pte.is_marker(words), _GUARDED, kinds).astype(np.int8)


def _access_parts(
    mm: Mm, piece: Piece, kinds: NDArray[np.int8], write: bool, locked: bool
) -> Path[Touched]:
    """Accesses to the entries of one table, run by run of one kind, in the order of addresses."""
    step, start = piece.span.step or 1, piece.span.start
    borders = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    so_far = NO_FAULT
    for lo, hi in pairwise(borders):
        part = piece.part(start + lo * step, start + (hi - 1) * step + 1)
        so_far = so_far.add((yield from access(mm, part, write, locked)))
    return so_far


def _borders(mm: Mm, piece: Piece, tables: Tables) -> Any:
    """Where the kind changes in a run; everywhere, if a slot holds or may get a huge page."""
    if mm.has_huge or _may_be_huge(mm, piece):
        return np.arange(1, piece.tables, dtype=np.int64)
    return borders(tables != 0)


def _may_be_huge(mm: Mm, piece: Piece) -> bool:
    vma = mm.find_vma(piece.first)
    huge = thp_vma_allowable(mm, vma, piece.first) or may_get_huge(mm, vma, piece.first)
    return vma.hugetlb or huge


def _access_huge(mm: Mm, piece: Piece, write: bool, locked: bool) -> Path[Touched]:
    """Accesses below one PMD entry that maps a huge page, or that will."""
    mem, columns = mm.machine.mem, piece.span
    pmd, slot = huge_entry(mm, piece.first)
    word = mem.entries.word(pmd, slot) if pmd else 0
    need = pte.PRESENT | pte.RW if write else pte.PRESENT
    if word & need == need:
        bits = pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY if write else pte.ACCESSED
        if word | bits != word:
            mem.mark(pmd, slot, word | bits)
        if write and not locked and len(mm.machine.pages.blank):
            mm.machine.pages.written(frames_of(word)[columns])
        yield Step(Kind.HIT, "mmu", pmd, piece.entries, 1, Access(piece.first, write))
        return NO_FAULT
    # The first access faults. Whatever is there afterwards, a huge page or a table, serves the rest.
    step = columns.step or 1
    one = piece._replace(columns=slice(columns.start, columns.start + 1))
    so_far = yield from exc_page_fault(mm, one, write, locked)
    if write and not locked:
        _write_first(mm, one)
    if columns.start + step < columns.stop:
        left = piece.part(columns.start + step, columns.stop)
        so_far = so_far.add((yield from access(mm, left, write, locked)))
    return so_far


def _write_first(mm: Mm, one: Piece) -> None:
    """After its fault the first access writes to its part of the huge page, if it got one."""
    pmd, slot = mm.lookup(one.first, Level.PMD), first_of(one.slots)
    if pmd and mm.is_huge(pmd, slot):
        frames = frames_of(mm.machine.mem.entries.word(pmd, slot))[one.columns]
        mm.machine.pages.written(frames)
