"""A running process in the simulator: the same mappings and the same entries, so the same tables.

What backs a page makes no difference to the tables, so all memory is private and anonymous here.
Left out: huge pages of files, hugetlb pages, and the empty tables, except those that were located.
"""

from __future__ import annotations

from collections.abc import Sequence

from ptlab.base.geometry import PAGE_SIZE, PMD_SIZE
from ptlab.observe.locate import Located
from ptlab.observe.mapped import Mapped
from ptlab.observe.pagemap import FILE, HUGE, PFNZERO
from ptlab.process.process import Process


def rebuild(mapped: Sequence[Mapped], scheme: str, located: Located | None = None) -> Process:
    """A process with these mappings and entries, run under `scheme`, at grain `range`.

    A design that frees empty tables at once has none of the located ones.
    """
    levels = 5 if any(one.mapping.end > 1 << 47 for one in mapped) else 4
    process = Process(scheme=scheme, levels=levels, grain="range", record=False)
    for one in mapped:
        start, end = one.mapping.start, one.mapping.end
        process.mmap(end - start, at=start, noreserve=True)
        for first, after, kind in one.runs.tolist():
            if not kind & HUGE:
                process.touch(first, after - first)
            elif not kind & FILE or kind & PFNZERO:
                _touch_huge(process, first, after - first, write=not kind & PFNZERO)
        for at in located.inside(start, end) if located else ():
            process.touch(at, PAGE_SIZE)
            process.madvise(at, "DONTNEED", PAGE_SIZE)
        for at in located.bare(start, end) if located else ():  # munmap frees no PMD page here
            process.touch(at, PAGE_SIZE)
            process.munmap(at, PMD_SIZE)
            process.mmap(PMD_SIZE, at=at, noreserve=True)
    return process


def _touch_huge(process: Process, first: int, length: int, write: bool) -> None:
    """Huge pages; a read maps the huge zero page. The advice is taken back: only these are huge."""
    process.madvise(first, "HUGEPAGE", length)
    process.touch(first, length, write=write, stride=PMD_SIZE)
    process.madvise(first, "NOHUGEPAGE", length)
