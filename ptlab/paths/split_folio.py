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
    slot = first_of(slots)
    if not mm.is_huge(pmd, slots):
        if vma.file is not None:
            yield from _split_parts(mm, vma, pmd, slot, columns)
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
        yield from split_huge_pmd(mm, pmd, slot)
        return
    folio = vma.file.folio(_first_page(mm, vma, pmd, slot))
    yield from unmap_folio(mm.machine, vma.file, folio)
    vma.file.set_order(folio, 0)


def unmap_folio(machine: Machine, file: File, folio: range) -> Path[None]:
    """Before a file's folio is split: every mapping of its pages goes. Faults bring them back."""
    for mm, start, end in list(mappings(machine, file, folio)):
        pmd, slot = mm.lookup(start, Level.PMD), start >> PMD_SHIFT & 511
        if mm.is_huge(pmd, slot):
            yield from split_huge_pmd(mm, pmd, slot)
        else:
            yield from try_to_unmap(mm, start, end)
