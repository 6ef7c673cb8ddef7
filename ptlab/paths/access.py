"""A program's accesses: the MMU looks them up, and what it cannot use becomes a page fault."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.facts import Access, Reason, Refusal
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PMD_SHIFT, Level
from ptlab.base.steps import Kind, Path, Step, Tables
from ptlab.paths.fault import VM_FAULT_SIGBUS, VM_FAULT_SIGSEGV, handle_mm_fault
from ptlab.paths.pieces import Piece, cut
from ptlab.paths.thp import thp_vma_allowable
from ptlab.state.machine import Machine
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import VM, Vma, find, find_vma_intersection

U64 = np.uint64
_PMD = Level.PMD  # looked up once: Python 3.11 finds members slowly
_VALID, _VALID_WRITE = U64(pte.PRESENT), U64(pte.PRESENT | pte.RW)


class Touched(NamedTuple):
    """What became of a program's accesses.

    faults   page faults served
    refused  accesses that ended in SIGSEGV or SIGBUS
    address  the first of these
    sigbus   whether the last of these was a SIGBUS
    """

    faults: int
    refused: int = 0
    address: int = 0
    sigbus: bool = False

    def add(self, more: Touched) -> Touched:
        """This and what came after it."""
        if self is _NONE:
            return more
        faults = self.faults + more.faults
        if not more.refused:
            return Touched(faults, self.refused, self.address, self.sigbus)
        first = self.address if self.refused else more.address
        return Touched(faults, self.refused + more.refused, first, more.sigbus)


_NONE = Touched(0)


def touch(mm: Mm, write: bool, start: int, length: int, stride: int = PAGE_SIZE) -> Path[Touched]:
    """A program accesses one byte every `stride` bytes of [start, start + length), in order.

    A refused access (SIGSEGV, SIGBUS) is counted and skipped.
    """
    so_far = _NONE
    need = VM.WRITE if write else VM.READ
    address, end = start, start + length
    while address < end:
        vmas = mm.vmas
        index = find(vmas, address)
        vma = vmas[index] if index < len(vmas) else None
        inside = vma is not None and vma.start <= address
        border = (vma.end if inside else vma.start) if vma else end
        accesses = (min(border, end) - address + stride - 1) // stride
        if vma and inside and vma.flags & need:
            for piece in _pieces(_grain(mm, vma), address, accesses, stride):
                result = yield from _access(mm, piece, write)
                if result.refused and stride < PAGE_SIZE:  # each access to the page is refused
                    last = min(piece.first + PAGE_SIZE, address + accesses * stride)
                    refused = _between(address, stride, piece.first, last)
                    result = result._replace(refused=refused)
                so_far = so_far.add(result)
        else:
            so_far = so_far.add(Touched(0, accesses, address))
            yield _bad_area(accesses, address, write, vma if inside else None)
        address += accesses * stride
    return so_far


def _grain(mm: Mm, vma: Vma) -> str:
    """How far one access may reach: page by page where what happens depends on the page."""
    return "entry" if vma.file is not None or mm.counters[Count.SWAP] else mm.machine.grain


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


def populate_vma_page_range(mm: Mm, start: int, end: int, write: bool) -> Path[Touched]:
    """Fault in every page of a VMA's part, up to one that cannot be had; mmap_lock is held for read."""
    vma = mm.find_vma(start)
    so_far = _NONE
    for piece in cut(_grain(mm, vma), start, (end - start) >> PAGE_SHIFT):
        so_far = so_far.add((yield from _access(mm, piece, write, locked=True)))
        if so_far.refused:
            break
    return so_far


def _access(mm: Mm, piece: Piece, write: bool, locked: bool = False) -> Path[Touched]:
    """Accesses to the entries of a piece: hits, page faults, refusals.

    This only looks which; the path that serves them is what it returns.
    """
    mem, slots = mm.machine.mem, piece.slots
    pmd = mm.lookup(piece.first, _PMD)
    tables: Tables = mem.at(pmd, slots) if pmd else 0
    if isinstance(slots, np.ndarray):
        borders = _borders(mm, piece, tables)
        if len(borders):
            return _access_runs(mm, piece, np.split(slots, borders), write, locked)
    elif mm.machine.others.translate(mm.machine.task, piece.first, write):
        return _hit(piece, write)
    elif _is_or_may_be_huge(mm, piece, pmd, int(tables)):
        return _access_huge(mm, piece, write, locked)
    there = int(tables[0]) if isinstance(tables, np.ndarray) else tables
    if there and mem.entries.filled(tables, piece.columns):
        return _access_entries(mm, piece, tables, write, locked)
    return exc_page_fault(mm, piece, write, locked)


def _hit(piece: Piece, write: bool) -> Path[Touched]:
    """The TLB has the translation: no table is read."""
    yield Step(Kind.HIT, "tlb", None, 1, 1, Access(piece.first, write))
    return _NONE


def _access_runs(
    mm: Mm, piece: Piece, parts: list[NDArray[np.int64]], write: bool, locked: bool
) -> Path[Touched]:
    """Accesses below tables, huge pages and empty slots: one kind at a time."""
    so_far = _NONE
    start = piece.first - (int(parts[0][0]) << PMD_SHIFT)
    for part in parts:
        slot = int(part[0])
        alike = piece._replace(
            first=start + (slot << PMD_SHIFT), slots=part if len(part) > 1 else slot
        )
        so_far = so_far.add((yield from _access(mm, alike, write, locked)))
    return so_far


def _access_entries(
    mm: Mm, piece: Piece, tables: Tables, write: bool, locked: bool
) -> Path[Touched]:
    """Accesses to entries some of which are there: what is alike is one piece, the rest is cut."""
    words = mm.machine.mem.entries[tables, piece.columns]
    need = _VALID_WRITE if write else _VALID
    usable = (words & need) == need
    hits = int(np.count_nonzero(usable))
    if hits == piece.entries:
        bits = U64(pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY if write else pte.ACCESSED)
        marked = words | bits
        if np.count_nonzero(marked != words):
            mm.machine.mem.write(tables, piece.columns, marked)
        mm.machine.others.fill(mm.machine.task, piece.first, tables, words)
        yield Step(Kind.HIT, "mmu", tables, hits, 1, Access(piece.first, write))
        return _NONE
    kinds = _kinds(words, usable)
    alike = bool((kinds == kinds.flat[0]).all())
    if isinstance(piece.slots, np.ndarray) and not alike:
        so_far = _NONE
        for slot in piece.slots.tolist():
            first = piece.first + ((slot - int(piece.slots[0])) << PMD_SHIFT)
            one = piece._replace(first=first, slots=slot)
            so_far = so_far.add((yield from _access(mm, one, write, locked)))
        return so_far
    if not alike:
        return (yield from _access_parts(mm, piece, kinds, write, locked))
    if kinds.flat[0] != _GUARDED:
        return (yield from exc_page_fault(mm, piece, write, locked))
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
    step, start = piece.columns.step or 1, piece.columns.start
    borders = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    so_far = _NONE
    for lo, hi in pairwise(borders):
        columns = slice(start + lo * step, start + (hi - 1) * step + 1, step)
        part = piece._replace(first=piece.first + (lo * step << PAGE_SHIFT), columns=columns)
        so_far = so_far.add((yield from _access(mm, part, write, locked)))
    return so_far


def _borders(mm: Mm, piece: Piece, tables: Tables) -> Any:
    """Where a run changes its kind; every slot stands alone if one holds, or may get, a huge page."""
    if mm.counters[Count.HUGE] or _may_be_huge(mm, piece):
        return np.arange(1, piece.tables)
    return np.flatnonzero(np.diff(tables != 0)) + 1 if isinstance(tables, np.ndarray) else ()


def _may_be_huge(mm: Mm, piece: Piece) -> bool:
    vma = mm.find_vma(piece.first)
    return bool(vma.flags & VM.HUGEPAGE) and thp_vma_allowable(vma, piece.first)


def _is_or_may_be_huge(mm: Mm, piece: Piece, pmd: int, below: int) -> bool:
    if not below:
        return _may_be_huge(mm, piece)
    return isinstance(piece.slots, int) and mm.is_huge(pmd, piece.slots)


def _access_huge(mm: Mm, piece: Piece, write: bool, locked: bool) -> Path[Touched]:
    """Accesses below one PMD entry that maps a huge page, or that will."""
    mem, slot, columns = mm.machine.mem, piece.slots, piece.columns
    assert isinstance(slot, int)
    pmd = mm.lookup(piece.first, Level.PMD)
    word = mem.entries.word(pmd, slot) if pmd else 0
    need = pte.PRESENT | pte.RW if write else pte.PRESENT
    if word & need == need:
        bits = pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY if write else pte.ACCESSED
        if word | bits != word:
            mem.write(pmd, slot, word | bits)
        yield Step(Kind.HIT, "mmu", pmd, piece.entries, 1, Access(piece.first, write))
        return _NONE
    # The first access faults. Whatever is there afterwards, a huge page or a table, serves the rest.
    step = columns.step or 1
    first = piece._replace(columns=slice(columns.start, columns.start + 1))
    so_far = yield from exc_page_fault(mm, first, write, locked)
    if columns.start + step < columns.stop:
        rest = slice(columns.start + step, columns.stop, step)
        left = piece._replace(first=piece.first + (step << PAGE_SHIFT), columns=rest)
        so_far = so_far.add((yield from _access(mm, left, write, locked)))
    return so_far


def exc_page_fault(mm: Mm, piece: Piece, write: bool, locked: bool) -> Path[Touched]:
    """One page fault for each entry of the piece, all of one kind.

    Unless the caller holds mmap_lock already, a fault takes its VMA's lock (6.4), else mmap_lock.
    """
    machine, first, n = mm.machine, piece.first, piece.entries
    major = mm.counters[Count.MAJFLT]
    if locked:
        fault = yield from handle_mm_fault(mm, mm.find_vma(first), piece, write)
    else:
        vma = yield from _lock_vma(mm, first, VM.WRITE if write else VM.READ, n)
        if vma is None:
            return Touched(0, n, first)
        fault = yield from handle_mm_fault(mm, vma, piece, write)
        yield _unlock_vma(machine, n)
    if fault == VM_FAULT_SIGSEGV:
        fact = Refusal(first, write, Reason.GUARD)
        yield Step(Kind.REFUSED, "handle_pte_marker", None, n, 1, fact)
    if fault:
        return Touched(0, n, first, sigbus=fault == VM_FAULT_SIGBUS)
    mm.count(Count.MINFLT, n - (mm.counters[Count.MAJFLT] - major))
    return Touched(n)


def _lock_vma(mm: Mm, address: int, need: int, n: int) -> Path[Vma | None]:
    """Take the VMA's lock, or mmap_lock, and look again: the VMA may have gone or changed meanwhile.

    None, and no lock is held: nothing is mapped there now, or not with the rights in `need`
    (access_error()). A VMA whose start has changed was split: the lock is not its own, so once more.
    """
    machine, by_vma = mm.machine, mm.machine.profile.vma_lock_fault
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
    yield _bad_area(n, address, need == VM.WRITE, vma)
    return None


def _bad_area(n: int, address: int, write: bool, vma: Vma | None) -> Step:
    """No VMA covers the address, or `vma` does not allow the access."""
    fact = Refusal(address, write, Reason.NO_VMA)
    if vma is not None:
        fact = Refusal(address, write, Reason.RIGHTS, vma.flags)
    return Step(Kind.REFUSED, "bad_area", None, n, 1, fact)


def _unlock_vma(machine: Machine, n: int) -> Step:
    """The other end of _lock_vma()."""
    if machine.profile.vma_lock_fault:
        return machine.unlock("vma_end_read", "vma_lock", n)
    return machine.unlock("mmap_read_unlock", "mmap_lock", n)
