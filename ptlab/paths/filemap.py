"""Faults on a file's pages: fault-around on a read, a copy or the page itself on a write.

Kernel source: mm/memory.c, do_fault(), do_fault_around(), finish_fault(); mm/filemap.c,
filemap_map_pages(); mm/shmem.c, shmem_fault() (Linux 6.12). Simplified: single pages only, no
readahead, no dirty tracking.
"""

from __future__ import annotations

from collections.abc import Sequence

from ptlab.base import pte
from ptlab.base.errors import NotModelled
from ptlab.base.facts import EntriesSet, Maps, Reason, Refusal
from ptlab.base.geometry import PAGE_SHIFT, PMD_SIZE, PTRS_PER_TABLE
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, first_of
from ptlab.paths.pieces import Piece
from ptlab.paths.recheck import folio_lock, folio_unlock, lock_unchanged, still_has
from ptlab.paths.table_alloc import anon_vma_prepare, visit
from ptlab.paths.thp import do_set_pmd
from ptlab.paths.walk import Found, pte_offset_map_lock
from ptlab.state.mm import Count, Mm
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma

FAULT_AROUND_PAGES = 16
"""fault_around_bytes, 64 KiB, in pages."""


VM_FAULT_SIGBUS = 0x2


def do_fault(mm: Mm, vma: Vma, pmd: int, piece: Piece, write: bool) -> Path[int]:
    """One empty entry of a file mapping. VM_FAULT_SIGBUS: the page is beyond the file's end; else 0.

    do_read_fault(), do_cow_fault() and do_shared_fault().
    """
    assert vma.file is not None
    file, slot, column = vma.file, first_of(piece.slots), int(piece.columns.start)
    page = vma.page(piece.first)
    own = write and not vma.shared  # do_cow_fault() copies 4 KiB, also of a huge page
    huge = not own and _fits_huge(vma, piece.first, page)
    if huge and not mm.machine.mem.at(pmd, slot) and _may_map_huge(mm, vma):
        yield from do_set_pmd(mm, pmd, slot, file, page & -512, _writable(vma))
        if mm.is_huge(pmd, slot):
            return 0
    if not write and (yield from _map_around(mm, vma, pmd, piece, page)):
        return 0
    if own and vma.anon_vma is None:  # also for a page that turns out to be beyond the file's end
        yield anon_vma_prepare(mm, vma)
    if page >= file.pages:
        yield _beyond_file(piece.first, write)
        return VM_FAULT_SIGBUS
    if file.kind == "disk" and not file.frame(page):
        raise NotModelled("a page of a disk file that is not in the page cache: readahead decides")
    file.bring(page)
    mm.machine.others.smp_wmb()  # folio_mark_uptodate()
    if own:
        yield from _map_copy(mm, file, page, pmd, slot, column)
    else:
        columns = _finished(mm, vma, pmd, slot, column, page - column)
        yield from _map(mm, vma, pmd, slot, columns, page - column, "finish_fault", write)
    return 0


def _map_around(mm: Mm, vma: Vma, pmd: int, piece: Piece, page: int) -> Path[bool]:
    """do_fault_around(): map the cached neighbours of `page`. True: the page itself was one of them."""
    assert vma.file is not None
    slot, column = first_of(piece.slots), int(piece.columns.start)
    around: Sequence[int] = _fault_around(vma, piece.first, column)
    if mm.machine.profile.whole_around:
        around = _whole_folios(vma, around, page - column)
    cached = [c for c in around if vma.file.ready(page + c - column)]
    table = first_of(mm.machine.mem.at(pmd, slot))
    if table:
        cached = [c for c in cached if not mm.machine.mem.entries.word(table, c)]
    if cached:
        yield from _map(mm, vma, pmd, slot, cached, page - column, "filemap_map_pages")
    return column in cached


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


def _whole_folios(vma: Vma, around: Sequence[int], offset: int) -> Sequence[int]:
    """filemap_map_folio_range(): all of each folio that fits into the VMA and into the table."""
    assert vma.file is not None
    if not vma.file.order[offset + around[0] : offset + around[-1] + 1].any():
        return around
    columns = set(around)
    for column in around:
        folio = vma.file.folio(offset + column)
        if _fits(vma, folio, offset):
            columns.update(page - offset for page in folio)
    return sorted(columns)


def _fits(vma: Vma, folio: range, offset: int) -> bool:
    """Whether the VMA shows the whole folio, below one table; page offset + c is at column c."""
    inside = vma.pgoff <= folio.start and folio.stop <= vma.page(vma.end)
    return inside and offset <= folio.start and folio.stop <= offset + PTRS_PER_TABLE


def _finished(mm: Mm, vma: Vma, pmd: int, slot: int, column: int, offset: int) -> list[int]:
    """What finish_fault() maps: since 6.11 the whole folio of shared memory, if nothing is there yet."""
    assert vma.file is not None
    folio = vma.file.folio(offset + column)
    if len(folio) == 1 or not mm.machine.profile.whole_finish or not _fits(vma, folio, offset):
        return [column]
    columns = slice(folio.start - offset, folio.stop - offset)
    table = first_of(mm.machine.mem.at(pmd, slot))
    if table and mm.machine.mem.entries.filled(table, columns):
        return [column]
    return list(range(columns.start, columns.stop))


def _fault_around(vma: Vma, address: int, column: int) -> range:
    """do_fault_around(): the columns of this table around `column`, clamped to the VMA."""
    before = (address - vma.start) >> PAGE_SHIFT
    after = (vma.end - address) >> PAGE_SHIFT
    first = max(column & -FAULT_AROUND_PAGES, column - before)
    return range(first, min(first + FAULT_AROUND_PAGES, PTRS_PER_TABLE, column + after))


def _writable(vma: Vma) -> bool:
    """vm_page_prot: a shared mapping is writable at once, unless the file tracks first writes."""
    assert vma.file is not None
    return vma.shared and bool(vma.flags & VM.WRITE) and vma.file.kind != "disk"


def _map(
    mm: Mm,
    vma: Vma,
    pmd: int,
    slot: int,
    columns: list[int],
    offset: int,
    fn: str,
    write: bool = False,
) -> Path[None]:
    """Enter pages of the file at `columns` of the table; column c shows page offset + c."""
    machine, file = mm.machine, vma.file
    assert file is not None
    frames = {column: file.frame(offset + column) for column in columns}
    table = yield from visit(mm, pmd, slot)
    if not first_of(table):
        return  # a huge page is there now
    yield from folio_lock(file)
    if (yield from pte_offset_map_lock(machine, Found(pmd, slot, table))):
        for column, frame in list(frames.items()):
            empty = machine.others.unchanged(table, slice(column, column + 1), 0)
            if not empty or not still_has(file, offset + column, frame):
                del frames[column]
        if frames:  # else another fault or a truncate was faster: the access faults again
            yield from _set(mm, vma, table, frames, fn, write)
        yield machine.unlock("pte_unmap_unlock", "ptl")
    yield from folio_unlock(file)
    yield from machine.scheme.visitor_leaves(mm, table)


def _set(
    mm: Mm,
    vma: Vma,
    table: Tables,
    frames: dict[int, int],
    fn: str,
    write: bool,
) -> Path[None]:
    """set_pte_range(), under the PTE lock: the frames by column."""
    machine, n = mm.machine, len(frames)
    part = slice(min(frames), max(frames) + 1)
    words = machine.mem.entries[table, part].copy()
    for column, frame in frames.items():
        words[column - part.start] = pte.file_entry(frame, write or _writable(vma), write)
    machine.mem.write(table, part, words)
    mm.count(Count.FILE, n)
    machine.scheme.entries_changed(mm, table, n)
    yield Step(Kind.SET, fn, table, n, 1, EntriesSet(part, Maps.FILE))
    yield from machine.scheme.entries_mapped(mm, table, n)


def _map_copy(mm: Mm, file: File, page: int, pmd: int, slot: int, column: int) -> Path[None]:
    """do_cow_fault(): a private mapping gets a page of its own with the file's content."""
    machine, frame = mm.machine, file.frame(page)
    table = yield from visit(mm, pmd, slot)
    if not first_of(table):
        return  # a huge page is there now
    part = slice(column, column + 1)
    yield from folio_lock(file)
    if (yield from lock_unchanged(machine, Found(pmd, slot, table), part, 0)):
        if still_has(file, page, frame):
            word = pte.anon_entry(machine.frames(1), True)
            machine.others.smp_wmb()  # __folio_mark_uptodate()
            machine.mem.write(table, column, word)
            mm.count(Count.ANON, 1)
            machine.scheme.entries_changed(mm, table, 1)
            yield Step(Kind.SET, "do_cow_fault", table, 1, 1, EntriesSet(part, Maps.PAGE))
            yield from machine.scheme.entries_mapped(mm, table, 1)
        yield machine.unlock("pte_unmap_unlock", "ptl")
    yield from folio_unlock(file)
    yield from machine.scheme.visitor_leaves(mm, table)


def _beyond_file(address: int, write: bool) -> Step:
    """The page lies beyond the file's end."""
    fact = Refusal(address, write, Reason.BEYOND_FILE)
    return Step(Kind.REFUSED, "do_fault", None, 1, 1, fact)
