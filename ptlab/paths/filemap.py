"""Faults on a file's pages: fault-around on a read, a copy or the page itself on a write.

Kernel source: mm/memory.c, do_fault(), do_fault_around(), finish_fault(); mm/filemap.c,
filemap_map_pages(); mm/shmem.c, shmem_fault() (Linux 6.12). Simplified: no
readahead, no dirty tracking.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.errors import NotModelled
from ptlab.base.facts import EntriesSet, Maps, Reason, Refusal
from ptlab.base.geometry import PAGE_SHIFT, PMD_SIZE, PTRS_PER_TABLE
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, count_each, first_of, is_run, table_count, total
from ptlab.paths.pieces import Piece
from ptlab.paths.recheck import folio_trylock, folio_unlock, lock_unless_changed, still_has
from ptlab.paths.shmem_huge import shmem_alloc_and_add_folio
from ptlab.paths.table_alloc import visit, vmf_anon_prepare
from ptlab.paths.thp import do_set_pmd
from ptlab.paths.walk import Found, pte_offset_map_lock
from ptlab.state.mm import Count, Mm
from ptlab.state.vma import VM, Vma

U64 = np.uint64
Pages = NDArray[np.int64]
FAULT_AROUND_PAGES = 16
"""fault_around_bytes, 64 KiB, in pages."""


VM_FAULT_SIGBUS, VM_FAULT_RETRY = 0x2, 0x400
FOLIO_BUSY = -1
"""Not the kernel's: another task has the folio's lock, so that the walk has to end first."""


def do_fault(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """Empty entries of a file mapping; more than one are alike (alike_faults.py), and fault each.

    VM_FAULT_SIGBUS: the page is beyond the file's end; VM_FAULT_RETRY; FOLIO_BUSY; else 0.
    do_read_fault(), do_cow_fault() and do_shared_fault().
    """
    assert vma.file is not None
    file, slot, page = vma.file, first_of(piece.slots), vma.page(piece.first)
    own = write and not vma.shared  # do_cow_fault() copies 4 KiB, also of a huge page
    if not own and (done := (yield from _set_pmd(mm, vma, pmd, slot, piece.first))) is not None:
        return done
    if not write and (yield from _map_around(mm, vma, pmd, piece)):
        return 0
    # also for a page that turns out to be beyond the file's end
    if own and not (yield from vmf_anon_prepare(mm, vma)):
        return VM_FAULT_RETRY
    if page >= file.pages:
        yield _beyond_file(piece.first, write)
        return VM_FAULT_SIGBUS
    if file.kind == "disk" and not file.frame(page):
        raise NotModelled("a page of a disk file that is not in the page cache: readahead decides")
    shmem_alloc_and_add_folio(mm.machine, vma, piece.first)
    file.bring(shown(vma, piece, piece.span))
    mm.machine.others.smp_wmb()  # folio_mark_uptodate()
    if own:
        return (yield from _map_copies(mm, vma, pmd, piece))
    if (done := (yield from _set_pmd(mm, vma, pmd, slot, piece.first))) is not None:
        return done
    columns = piece.span
    if piece.entries == 1:
        columns = _finished(mm, vma, pmd, slot, columns.start, page - columns.start)
    frames = file.frames(shown(vma, piece, columns))
    return (yield from _map(mm, vma, pmd, piece, columns, frames, write))


def _set_pmd(mm: Mm, vma: Vma, pmd: int, slot: int, address: int) -> Path[int | None]:
    """Map the huge page of the page cache that the address shows, if there is one and it may be.

    0, FOLIO_BUSY, or None: there is no huge page now.
    """
    file, page = vma.file, vma.page(address)
    assert file is not None
    huge = _fits_huge(vma, address, page) and not file.blank[page] and _may_map_huge(mm, vma)
    if not huge or mm.machine.mem.at(pmd, slot):
        return None
    if not (yield from do_set_pmd(mm, pmd, slot, file, page & -512, _writable(vma))):
        return FOLIO_BUSY
    return 0 if mm.is_huge(pmd, slot) else None


def _map_around(mm: Mm, vma: Vma, pmd: int, piece: Piece) -> Path[bool]:
    """do_fault_around(): map the cached neighbours too. True: the page itself was one of them."""
    assert vma.file is not None
    slots, column, mem = piece.slots, piece.span.start, mm.machine.mem
    columns = window(vma, piece)
    if mm.machine.profile.whole_around and piece.entries == 1:
        columns = _whole_folios(vma, columns, vma.page(piece.first) - column)
    frames = vma.file.ready(shown(vma, piece, columns))
    tables = mem.at(pmd, slots)
    if first_of(tables):
        frames = np.where(mem.entries[tables, columns] == 0, frames, 0)
    if frames.any() and (yield from _map(mm, vma, pmd, piece, columns, frames)):
        return False
    return bool(frames[..., column - columns.start].all())


def shown(vma: Vma, piece: Piece, columns: slice) -> Pages:
    """The pages of the file that `columns` show: (columns,), or (tables, columns) for a run."""
    base = vma.page(piece.first) - piece.span.start
    pages: Pages = base + np.arange(columns.start, columns.stop, columns.step, dtype=np.int64)
    if is_run(piece.slots):
        below = (piece.slots - piece.slots[0]) * PTRS_PER_TABLE
        pages = below[:, None] + pages
    return pages


def window(vma: Vma, piece: Piece) -> slice:
    """do_fault_around(): the columns around those of the piece, clamped to the VMA and to the table."""
    column, last = piece.span.start, piece.span.stop - 1
    before = (piece.first - vma.start) >> PAGE_SHIFT
    after = (vma.end - piece.first) >> PAGE_SHIFT
    first = max(column & -FAULT_AROUND_PAGES, column - before)
    stop = first + (last - first & -FAULT_AROUND_PAGES) + FAULT_AROUND_PAGES
    return slice(first, min(stop, PTRS_PER_TABLE, column + after))


def _fits_huge(vma: Vma, address: int, page: int) -> bool:
    """`page` is of a huge page, whose 2 MiB and those of the address lie alike, inside the VMA."""
    assert vma.file is not None
    base = address & -PMD_SIZE
    return (
        vma.file.is_huge(page)
        and page & 511 == address >> PAGE_SHIFT & 511
        and vma.start <= base
        and base + PMD_SIZE <= vma.end
    )


def _may_map_huge(mm: Mm, vma: Vma) -> bool:
    """vma_thp_disabled() in do_set_pmd() says no"""
    return not (mm.machine.profile.nohuge_file and vma.flags & VM.NOHUGEPAGE)


def _whole_folios(vma: Vma, around: slice, offset: int) -> slice:
    """filemap_map_folio_range(): all of each folio that fits into the VMA and into the table."""
    assert vma.file is not None
    if not vma.file.order[offset + around.start : offset + around.stop].any():
        return around
    first, stop = around.start, around.stop
    for column in range(around.start, around.stop):
        folio = vma.file.folio(offset + column)
        if _fits(vma, folio, offset):
            first, stop = min(first, folio.start - offset), max(stop, folio.stop - offset)
    return slice(first, stop)


def _fits(vma: Vma, folio: range, offset: int) -> bool:
    """Whether the VMA shows the whole folio, below one table; page offset + c is at column c."""
    inside = vma.pgoff <= folio.start and folio.stop <= vma.page(vma.end)
    return inside and offset <= folio.start and folio.stop <= offset + PTRS_PER_TABLE


def _finished(mm: Mm, vma: Vma, pmd: int, slot: int, column: int, offset: int) -> slice:
    """What finish_fault() maps: since 6.11 the whole folio of shared memory, if nothing is there yet."""
    assert vma.file is not None
    alone, folio = slice(column, column + 1), vma.file.folio(offset + column)
    if len(folio) == 1 or not mm.machine.profile.whole_finish or not _fits(vma, folio, offset):
        return alone
    columns = slice(folio.start - offset, folio.stop - offset)
    table = first_of(mm.machine.mem.at(pmd, slot))
    return alone if table and mm.machine.mem.entries.filled(table, columns) else columns


def _writable(vma: Vma) -> bool:
    """vm_page_prot: a shared mapping is writable at once, unless the file tracks first writes."""
    assert vma.file is not None
    return vma.shared and bool(vma.flags & VM.WRITE) and vma.file.kind != "disk"


def _map(
    mm: Mm,
    vma: Vma,
    pmd: int,
    piece: Piece,
    columns: slice,
    frames: Pages,
    write: bool | None = None,
) -> Path[int]:
    """Enter pages of the file at `columns`: where `frames` is not 0. `write` None: fault-around.

    0 or FOLIO_BUSY.
    """
    machine, file, n = mm.machine, vma.file, piece.entries
    assert file is not None
    tables = yield from visit(mm, pmd, piece.slots, n)
    if not first_of(tables):
        return 0  # a huge page is there now
    if not (yield from folio_trylock(file)):
        yield from machine.scheme.visitor_leaves(mm, tables, n)
        return FOLIO_BUSY
    if not (yield from pte_offset_map_lock(machine, Found(pmd, piece.slots, tables), n)):
        if machine.others.several:
            frames = _still_wanted(vma, piece, tables, columns, frames)
        if frames.any():  # else another fault or a truncate was faster: the access faults again
            yield from _set(mm, vma, tables, columns, frames, n, write)
        yield machine.unlock("pte_unmap_unlock", "ptl", n)
    yield from folio_unlock(file)
    yield from machine.scheme.visitor_leaves(mm, tables, n)
    return 0


def _still_wanted(vma: Vma, piece: Piece, table: Tables, columns: slice, frames: Pages) -> Pages:
    """Under the locks: the frames of those entries that are none still, and pages of the file still."""
    file, pages, frames = vma.file, shown(vma, piece, columns), frames.copy()
    assert file is not None
    for k in np.flatnonzero(frames).tolist():
        entry = slice(columns.start + k, columns.start + k + 1)
        empty = file.machine.others.unchanged(table, entry, 0)
        if not empty or not still_has(file, int(pages[k]), int(frames[k])):
            frames[k] = 0
    return frames


def _set(
    mm: Mm,
    vma: Vma,
    tables: Tables,
    columns: slice,
    frames: Pages,
    times: int,
    write: bool | None,
) -> Path[None]:
    """set_pte_range(), under the PTE lock: `frames` are 0 where the entry stays as it is."""
    machine, there = mm.machine, frames != 0
    if not is_run(tables) and not there.all():
        first, last = np.flatnonzero(there)[[0, -1]].tolist()
        columns = slice(columns.start + first, columns.start + last + 1)
        frames, there = frames[first : last + 1], there[first : last + 1]
    words = pte.file_entry(frames.astype(U64), bool(write) or _writable(vma), bool(write))
    if not there.all():
        words = np.where(there, words, machine.mem.entries[tables, columns])
    each = count_each(tables, there)
    machine.mem.write(tables, columns, words)
    n = total(tables, each)
    mm.count(Count.FILE, n)
    machine.scheme.entries_changed(mm, tables, each)
    fn = "filemap_map_pages" if write is None else "finish_fault"
    yield Step(Kind.SET, fn, tables, n, 1, EntriesSet(columns, Maps.FILE))
    yield from machine.scheme.entries_mapped(mm, tables, each, times)


def _map_copies(mm: Mm, vma: Vma, pmd: int, piece: Piece) -> Path[int]:
    """do_cow_fault(): a private mapping gets pages of its own with the file's content.

    0 or FOLIO_BUSY.
    """
    machine, file, slots, columns = mm.machine, vma.file, piece.slots, piece.span
    assert file is not None
    n, page = piece.entries, vma.page(piece.first)
    was = file.frame(page)
    tables = yield from visit(mm, pmd, slots, n)
    if not first_of(tables):
        return 0  # a huge page is there now
    if not (yield from folio_trylock(file)):
        yield from machine.scheme.visitor_leaves(mm, tables, n)
        return FOLIO_BUSY
    if not (yield from lock_unless_changed(machine, Found(pmd, slots, tables), columns, 0, n)):
        if still_has(file, page, was):
            words, each = pte.anon_entries(machine.frames(n), n), n // table_count(tables)
            machine.others.smp_wmb()  # __folio_mark_uptodate()
            machine.mem.write(tables, columns, words.reshape(-1, each) if is_run(tables) else words)
            mm.count(Count.ANON, n)
            machine.scheme.entries_changed(mm, tables, each)
            yield Step(Kind.SET, "do_cow_fault", tables, n, 1, EntriesSet(columns, Maps.PAGE))
            yield from machine.scheme.entries_mapped(mm, tables, each, n)
        yield machine.unlock("pte_unmap_unlock", "ptl", n)
    yield from folio_unlock(file)
    yield from machine.scheme.visitor_leaves(mm, tables, n)
    return 0


def _beyond_file(address: int, write: bool) -> Step:
    """The page lies beyond the file's end."""
    fact = Refusal(address, write, Reason.BEYOND_FILE)
    return Step(Kind.REFUSED, "do_fault", None, 1, 1, fact)
