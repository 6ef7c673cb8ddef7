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

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, PMD_SIZE, Level
from ptlab.base.steps import Path
from ptlab.base.tables import Slots, first_of
from ptlab.paths.thp import frames_of, is_huge_zero, split_huge_pmd
from ptlab.paths.zap import try_to_unmap
from ptlab.state.entries import covers_whole
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm, base_address
from ptlab.state.page_cache import File
from ptlab.state.vma import Vma


class Reach(Enum):
    """What an advice finds below a PMD entry."""

    WHOLE = "a huge page that the range covers"
    ENTRIES = "small pages, perhaps since just now"
    NOTHING = "nothing that it may touch"


@not_in_kernel
def advised(mm: Mm, vma: Vma, pmd: int, slots: Slots, columns: slice) -> Path[Reach]:
    """Look at what is below `slots`; a huge page of which the range covers a part is split."""
    if not mm.is_huge(pmd, slots):
        return Reach.ENTRIES
    slot = first_of(slots)
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
    places = list(mappings(machine, vma.file, _first_page(mm, vma, pmd, slot)))
    if machine.profile.shared_by_process:
        return len({other.id for other, *_ in places}) > 1
    return len(places) > 1


def _first_page(mm: Mm, vma: Vma, pmd: int, slot: int) -> int:
    """The page of the file that the huge entry begins with."""
    return vma.page(base_address(mm, pmd) + (slot << PMD_SHIFT))


def mappings(machine: Machine, file: File, page: int) -> Iterator[tuple[Mm, int, int]]:
    """Each address space and range where the huge page at `page` is mapped, whole or in parts."""
    first = file.frame(page)
    for mm in machine.mms:
        for vma in mm.vmas:
            address = vma.start + ((page - vma.pgoff) << PAGE_SHIFT)
            start, end = max(address, vma.start), min(address + PMD_SIZE, vma.end)
            if vma.file is file and start < end and _maps(mm, start, end, first):
                yield mm, start, end


def _maps(mm: Mm, start: int, end: int, first: int) -> bool:
    """Whether an entry of [start, end) maps one of the 512 frames from `first` on."""
    for base in range(start & -PMD_SIZE, end, PMD_SIZE):
        pmd, slot = mm.lookup(base, Level.PMD), base >> PMD_SHIFT & 511
        if pmd and mm.is_huge(pmd, slot):
            words = np.array([mm.machine.mem.entries.word(pmd, slot)], np.uint64)
        elif pmd and (table := int(mm.machine.mem.at(pmd, slot))):
            words = mm.machine.mem.entries[table, slice(0, 512)]
        else:
            continue
        frames = pte.pfn(words[pte.is_present(words)])
        if ((frames >= first) & (frames < first + 512)).any():
            return True
    return False


def split_folio(mm: Mm, vma: Vma, pmd: int, slot: int) -> Path[None]:
    """Make the huge page at `slot` 512 small ones, for everybody."""
    if vma.file is None:
        yield from split_huge_pmd(mm, pmd, slot)
        return
    machine, file, page = mm.machine, vma.file, _first_page(mm, vma, pmd, slot)
    for other, start, end in list(mappings(machine, file, page)):
        there, theirs = other.lookup(start, Level.PMD), start >> PMD_SHIFT & 511
        if other.is_huge(there, theirs):
            yield from split_huge_pmd(other, there, theirs)
        else:
            yield from try_to_unmap(other, start, end)
    machine.store.put(file, "huge", page >> 9, False)
