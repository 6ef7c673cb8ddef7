"""split_folio(): advice about a part of a huge page makes small pages of all of it.

Kernel source: mm/madvise.c, madvise_cold_or_pageout_pte_range(), madvise_free_huge_pmd();
mm/huge_memory.c, unmap_folio() (Linux 6.1, 6.12, 6.18). Not so if others map the page too
(folio_likely_mapped_shared(); page_mapcount() in 6.1): then the advice does nothing. Of an anonymous
page each entry goes on mapping its part. A file's pages are unmapped everywhere, and its page cache
has 512 small ones from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import Change, EntriesChanged
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables, first_of
from ptlab.paths.thp import frames_of, is_huge_zero, split_huge_pmd
from ptlab.paths.walk import Found, pte_offset_map_lock
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.entries import covers_whole
from ptlab.state.machine import Machine
from ptlab.state.mm import Count, Mm, base_address
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma, overlapping

U64 = np.uint64


class Reach(Enum):
    """What an advice finds below a PMD entry."""

    WHOLE = "a huge page that the range covers"
    ENTRIES = "small pages, perhaps since just now"
    NOTHING = "nothing that it may touch"


@not_in_kernel
def advised(mm: Mm, vma: Vma, pmd: int, slots: Slots, columns: slice) -> Path[Reach]:
    """Look at what is below `slots`; a huge page of which the range covers a part is split."""
    slot = first_of(slots)
    if not mm.is_huge(pmd, slots):
        if vma.file is not None:
            yield from _split_parts(mm, vma, pmd, slot, columns)
        elif len(mm.machine.pages.blank):
            yield from _split_anon_parts(mm, pmd, slot, columns)
        return Reach.ENTRIES
    if is_huge_zero(mm.machine.mem.entries.word(pmd, slot)) or mapped_shared(mm, vma, pmd, slot):
        return Reach.NOTHING
    if covers_whole(columns):
        return Reach.WHOLE
    yield from split_folio(mm, vma, pmd, slot)
    return Reach.ENTRIES if mm.machine.mem.at(pmd, slot) else Reach.NOTHING


def mapped_shared(mm: Mm, vma: Vma, pmd: int, slot: int) -> bool:
    """Whether others map the huge page at `slot` too.

    Since 6.15 that is another process; before, a second mapping of a file counted as well.
    """
    machine = mm.machine
    if vma.file is None:
        word = machine.mem.entries.word(pmd, slot)
        return bool(machine.pages.shared(frames_of(word)).any())
    return _file_shared(machine, vma.file, vma.file.folio(_first_page(mm, vma, pmd, slot)))


def _file_shared(machine: Machine, file: File, folio: range) -> bool:
    places = list(mappings(machine, file, folio))
    if machine.profile.shared_by_process:
        return len({other.id for other, *_ in places}) > 1
    return len(places) > 1


def _split_parts(mm: Mm, vma: Vma, pmd: int, slot: int, columns: slice) -> Path[None]:
    """Large folios that a table maps with single entries: those that the range does not cover whole."""
    machine, file, offset = mm.machine, vma.file, _first_page(mm, vma, pmd, slot)
    assert file is not None
    if not file.order[max(offset + columns.start, 0) : max(offset + columns.stop, 0)].any():
        return
    words = machine.mem.entries[int(machine.mem.at(pmd, slot)), slice(0, 512)].copy()
    for column in np.flatnonzero(pte.is_file(words)).tolist():
        folio = file.folio(offset + column)
        here = range(
            max(folio.start - offset, columns.start), min(folio.stop - offset, columns.stop)
        )
        if len(folio) == 1 or column not in here:
            continue
        covered = len(here) == len(folio) and pte.is_file(words[here.start : here.stop]).all()
        if not covered and not _file_shared(machine, file, folio):
            yield from unmap_folio(machine, file, folio)
            file.set_order(folio, 0)


def _first_page(mm: Mm, vma: Vma, pmd: int, slot: int) -> int:
    """The page of the file that the huge entry begins with."""
    return vma.page(base_address(mm, pmd) + (slot << PMD_SHIFT))


def mappings(machine: Machine, file: File, folio: range) -> Iterator[tuple[Mm, int, int]]:
    """Each address space and range where pages of the folio are mapped, as a huge page or one by one."""
    frames = range(file.frame(folio.start), file.frame(folio.start) + len(folio))
    for mm in machine.mms:
        for vma in mm.vmas:
            address = vma.start + ((folio.start - vma.pgoff) << PAGE_SHIFT)
            end = min(address + (len(folio) << PAGE_SHIFT), vma.end)
            start = max(address, vma.start)
            if vma.file is file and start < end and _maps(mm, start, end, frames):
                yield mm, start, end


def _maps(mm: Mm, start: int, end: int, frames: range) -> bool:
    """Whether an entry of [start, end) maps one of the frames."""
    for base in range(start & -PMD_SIZE, end, PMD_SIZE):
        pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
        if pmd and mm.is_huge(pmd, slot):
            words = np.array([mm.machine.mem.entries.word(pmd, slot)], np.uint64)
        elif pmd and (table := int(mm.machine.mem.at(pmd, slot))):
            words = mm.machine.mem.entries[table, slice(0, 512)]
        else:
            continue
        mapped = pte.pfn(words[pte.is_present(words)])
        if ((mapped >= frames.start) & (mapped < frames.stop)).any():
            return True
    return False


def split_folio(mm: Mm, vma: Vma, pmd: int, slot: int) -> Path[None]:
    """Make the huge page at `slot` 512 small ones, for everybody."""
    if vma.file is None:
        frames = frames_of(mm.machine.mem.entries.word(pmd, slot))
        yield from split_huge_pmd(mm, pmd, slot)
        yield from try_to_map_unused_to_zeropage(mm, pmd, slot, frames)
        return
    folio = vma.file.folio(_first_page(mm, vma, pmd, slot))
    yield from unmap_folio(mm.machine, vma.file, folio)
    vma.file.set_order(folio, 0)


def _split_anon_parts(mm: Mm, pmd: int, slot: int, columns: slice) -> Path[None]:
    """A huge page that a table maps with single entries, if the range does not cover it whole."""
    pages = mm.machine.pages
    words = mm.machine.mem.entries[int(mm.machine.mem.at(pmd, slot)), columns]
    for base in np.unique(pte.pfn(words[pte.is_present(words)]) & ~U64(511)).tolist():
        frames = np.arange(base, base + 512, dtype=U64)
        here = int(np.count_nonzero(np.isin(pte.pfn(words), frames)))
        if here < 512 and pages.blank_parts(frames).any() and not pages.shared(frames).any():
            yield from try_to_map_unused_to_zeropage(mm, pmd, slot, frames)


def _mlocked(mm: Mm, base: int) -> NDArray[np.bool_]:
    """Which pages of the 2 MiB at `base` are mlocked."""
    locked = np.zeros(512, np.bool_)
    for vma in overlapping(mm.vmas, base, base + PMD_SIZE):
        if vma.flags & VM.LOCKED:
            first, last = max(vma.start - base, 0), vma.end - base
            locked[first >> PAGE_SHIFT : last >> PAGE_SHIFT] = True
    return locked


def try_to_map_unused_to_zeropage(
    mm: Mm, pmd: int, slot: int, frames: NDArray[np.uint64]
) -> Path[None]:
    """After a split of a huge page of these frames: parts full of zeros become the zero page (6.12).

    Not so in memory that is mlocked. Another task may have zapped the entries since, or the table may
    be gone.
    """
    machine, pages = mm.machine, mm.machine.pages
    found = Found(pmd, slot, int(machine.mem.at(pmd, slot)))
    if not machine.profile.zero_parts or mm.is_huge(pmd, slot):
        return
    blank = frames[pages.blank_parts(frames)]
    words, zeros = _mapped(machine, found.tables, blank)
    zeros = zeros & ~_mlocked(mm, base_address(mm, pmd) + (slot << PMD_SHIFT))
    blank = pte.pfn(words[zeros])
    pages.written(frames)  # no part of a huge page any more
    if not zeros.any():
        return
    if (yield from pte_offset_map_lock(machine, found)):
        return
    yield from _map_zeros(mm, found.tables, blank)
    yield machine.unlock("page_vma_mapped_walk_done", "ptl")


def _mapped(
    machine: Machine, table: Tables, frames: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """The entries of a table, and which of them map one of the frames."""
    words: NDArray[np.uint64] = machine.mem.entries[table, slice(0, 512)].copy()
    return words, pte.is_present(words) & np.isin(pte.pfn(words), frames)


def _map_zeros(mm: Mm, table: Tables, blank: NDArray[np.uint64]) -> Path[None]:
    machine = mm.machine
    words, zeros = _mapped(machine, table, blank)
    n = int(np.count_nonzero(zeros))
    if not n:
        return
    machine.pages.unshare(words[zeros])
    closed = zeros & ((words & U64(pte.PRESENT)) == 0)
    words[zeros] = pte.ZERO_PAGE_ENTRY
    words[closed] = pte.to_protnone(words[closed])
    machine.mem.write(table, slice(0, 512), words)
    mm.count(Count.ANON, -n)
    mm.count(Count.ZERO, n)
    machine.scheme.entries_changed(mm, table, 0, n)
    fact = EntriesChanged(slice(0, 512), Change.ZEROED)
    yield Step(Kind.CHANGE, "try_to_map_unused_to_zeropage", table, n, 1, fact)


def unmap_folio(machine: Machine, file: File, folio: range) -> Path[None]:
    """Before a file's folio is split: every mapping of its pages goes. Faults bring them back."""
    several = machine.others.several
    if several:
        yield from machine.lock("i_mmap_lock_read", "i_mmap_rwsem", file.number, "read")
    for mm, start, end in list(mappings(machine, file, folio)):
        pmd, slot = mm.lookup(start, Level.PMD), start >> PMD_SHIFT & 511
        if mm.is_huge(pmd, slot):  # its entry goes, and the table may be next
            walk = yield from machine.scheme.walk_begins(mm, start, end)
            if pmd := mm.lookup(start, Level.PMD):
                yield from split_huge_pmd(mm, pmd, slot)
            yield from machine.scheme.walk_ends(mm, walk)
        else:
            yield from try_to_unmap(mm, start, end)
    if several:
        yield machine.unlock("i_mmap_unlock_read", "i_mmap_rwsem")


def try_to_unmap(mm: Mm, start: int, end: int) -> Path[None]:
    """try_to_unmap() of a file's small pages in the range; tables and own pages stay."""
    if start < end:
        tlb = MmuGather(mm)
        yield from unmap_page_range(mm, tlb, start, end, ZapDetails(even_cows=False))
        yield from tlb_flush_mmu(tlb)
