"""Which page faults of a file mapping are alike, so that one step at a coarse grain serves them all.

What a fault does to a page of a file hangs on the page cache: bring the page, map it, map its
neighbours too, copy it. Faults are alike where all of that is the same for each of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT, PTRS_PER_TABLE
from ptlab.base.tables import Tables, first_of, is_run
from ptlab.paths.filemap import FAULT_AROUND_PAGES, shown, window
from ptlab.paths.pieces import Piece
from ptlab.paths.shmem_huge import may_get_huge
from ptlab.state.mm import Mm
from ptlab.state.vma import Vma


def alike_faults(mm: Mm, vma: Vma, piece: Piece, tables: Tables, write: bool) -> Piece | None:
    """The entries of the piece whose accesses fault, if these faults are alike, else None.

    `tables` are 0 where there are none yet. None of the accesses can use the entry that is there now.
    Those that do not fault will find what fault-around has mapped.
    """
    if mm.machine.others.several or may_get_huge(mm, vma, piece.first):
        return None
    filled = mm.machine.mem.entries.filled(tables, piece.span) if first_of(tables) else 0
    if filled:  # do_wp_page() looks at each page for itself
        return piece if filled == piece.entries else None
    if write:
        return piece if _writes_are_alike(vma, shown(vma, piece, piece.span)) else None
    return _alike_reads(mm, vma, piece, tables)


def _writes_are_alike(vma: Vma, pages: NDArray[np.int64]) -> bool:
    """Each write maps its page, and brings it first if it is missing; or each maps a copy.

    A page brought and its copy take their frames in turn: such faults come one by one.
    """
    file = vma.file
    assert file is not None
    if pages.max() >= file.pages or file.order[pages].any():
        return False
    return (vma.shared and file.kind != "disk") or bool(file.frames(pages).all())


def _alike_reads(mm: Mm, vma: Vma, piece: Piece, tables: Tables) -> Piece | None:
    """Reads are alike if fault-around maps every page that it looks at, or none."""
    file, columns = vma.file, window(vma, piece)
    assert file is not None
    pages = shown(vma, piece, columns)
    if pages.max() >= file.pages or file.order[pages].any():
        return None
    ready: NDArray[np.bool_] = file.ready(pages) != 0
    if first_of(tables):
        ready &= mm.machine.mem.entries[tables, columns] == 0
    if not ready.any():
        return piece if file.kind != "disk" else None
    inside = _end(piece, columns) <= vma.end
    return _one_a_window(piece) if ready.all() and inside else None


def _end(piece: Piece, columns: slice) -> int:
    """The address where `columns` of the last table end."""
    slots = piece.slots
    tables: int = slots.item(-1) - slots.item(0) if is_run(slots) else 0
    pages: int = tables * PTRS_PER_TABLE + columns.stop - piece.span.start
    return piece.first + (pages << PAGE_SHIFT)


def _one_a_window(piece: Piece) -> Piece | None:
    """The first access to each window of fault-around, if these are equally far apart."""
    columns, step = piece.span, piece.span.step or 1
    late = columns.start % FAULT_AROUND_PAGES >= step
    if FAULT_AROUND_PAGES % step or late:
        return None
    return piece._replace(columns=slice(columns.start, columns.stop, FAULT_AROUND_PAGES))
