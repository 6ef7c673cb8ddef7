"""Every path that takes a PTE lock looks again whether the PMD entry still points to the table.

The path runs against a task that frees the table without waiting for it: MADV_DONTNEED with
pt_reclaim, or the collapse of a file, which comes through the file and takes no mmap_lock. With the
second look (pmd_same()) nothing breaks in any schedule; without it the search finds the break.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ptlab.explore import explore
from ptlab.guards import Guard
from ptlab.paths.fork import dup_mmap
from ptlab.paths.madvise import (
    MADV_COLLAPSE,
    MADV_GUARD_INSTALL,
    MADV_GUARD_REMOVE,
    MADV_PAGEOUT,
    do_madvise,
)
from ptlab.paths.mprotect import do_mprotect
from ptlab.paths.mremap import do_mremap
from ptlab.process import Process
from ptlab.scenes.base import BASE, PAGE, TABLE, Paths, Scene, Variant, dontneed, one_table, write
from ptlab.schemes import PtReclaim
from ptlab.steps import Path
from ptlab.vma import VM


def guard_install(p: Process) -> Paths:
    heap = one_table(p, 0)
    install = do_madvise(p.mm, heap + PAGE, PAGE, MADV_GUARD_INSTALL)
    return {"install a guard": install, "DONTNEED": dontneed(p, heap, TABLE)}


def guard_remove(p: Process) -> Paths:
    heap = one_table(p, 0)
    remove = do_madvise(p.mm, heap, 2 * PAGE, MADV_GUARD_REMOVE)
    return {"remove guards": remove, "DONTNEED": dontneed(p, heap, TABLE)}


def pageout(p: Process) -> Paths:
    p.machine.swap = True
    heap = one_table(p, 0)
    out = do_madvise(p.mm, heap, PAGE, MADV_PAGEOUT)
    return {"swap out": out, "DONTNEED": dontneed(p, heap, TABLE)}


def swapped_out(p: Process) -> int:
    p.machine.swap = True
    heap = one_table(p, 0)
    p.madvise(heap, MADV_PAGEOUT, PAGE)
    return heap


def swap_in(p: Process) -> Paths:
    heap = swapped_out(p)
    return {"write page 0": write(p, heap), "DONTNEED": dontneed(p, heap, TABLE)}


def private_file(p: Process) -> Paths:
    area = p.mmap(TABLE, at=BASE, file=p.file(TABLE, filled=True))
    p.touch(area, PAGE)
    return {"copy page 1": write(p, area + PAGE), "DONTNEED": dontneed(p, area, TABLE)}


def shared_file(p: Process) -> tuple[int, Process]:
    """Two processes map the file; the first one has a table for it."""
    area = p.mmap(2 * TABLE, at=BASE, shared=True, file=p.file(TABLE, filled=True))
    child = p.fork()
    p.touch(area, PAGE)
    return area, child


def mprotect(p: Process) -> Paths:
    area, child = shared_file(p)
    collapse = do_madvise(child.mm, area, TABLE, MADV_COLLAPSE)
    return {"mprotect": do_mprotect(p.mm, area, PAGE, VM.READ), "collapse": collapse}


def mremap(p: Process) -> Paths:
    area, child = shared_file(p)
    collapse = do_madvise(child.mm, area, TABLE, MADV_COLLAPSE)
    moved = do_mremap(p.mm, area, PAGE, PAGE, BASE + 8 * TABLE)
    return {"mremap": moved, "collapse": collapse}


def collapse(p: Process) -> Paths:
    heap = one_table(p, 0)
    return {
        "collapse": do_madvise(p.mm, heap, TABLE, MADV_COLLAPSE),
        "write page 1": write(p, heap + PAGE),
    }


def collapse_and_zap(p: Process) -> Paths:
    heap = one_table(p, 0)
    return {
        "collapse": do_madvise(p.mm, heap, TABLE, MADV_COLLAPSE),
        "DONTNEED": dontneed(p, heap, TABLE),
    }


def fork(p: Process) -> Paths:
    heap = one_table(p, 0)
    return {"fork": dup_mmap(p.mm), "write page 1": write(p, heap + PAGE)}


def mprotect_and_write(p: Process) -> Paths:
    heap = one_table(p, 0)
    return {
        "mprotect": do_mprotect(p.mm, heap, PAGE, VM.READ),
        "write page 0": write(p, heap),
    }


def freed_at_once(p: Process) -> Paths:
    """The table that a fault has just installed is used, emptied and freed by another task."""
    heap = one_table(p)

    def come_and_go() -> Path[None]:
        yield from write(p, heap + PAGE)
        yield from dontneed(p, heap, TABLE)

    return {"write page 0": write(p, heap), "write page 1, DONTNEED": come_and_go()}


NEEDED = (guard_install, swap_in, private_file, freed_at_once)
HARMLESS = (guard_remove, pageout, mprotect, mremap)
"""In a table that has been freed there is nothing for these to do."""
LOCKED_OUT = (collapse, collapse_and_zap, fork, mprotect_and_write)
"""mmap_lock for write and the VMA's lock keep everybody away from these."""


def scene(prepare: Callable[[Process], Paths]) -> Scene:
    without = Variant(PtReclaim, frozenset({Guard.PMD_SAME}))
    return Scene(prepare.__name__, "", "", prepare, Variant(PtReclaim), without)


@pytest.mark.parametrize("prepare", NEEDED + HARMLESS + LOCKED_OUT)
def test_nothing_breaks(prepare: Callable[[Process], Paths]) -> None:
    assert explore(scene(prepare), "fixed").result == "exhausted"


@pytest.mark.parametrize("prepare", NEEDED)
def test_the_second_look_is_needed(prepare: Callable[[Process], Paths]) -> None:
    broken = explore(scene(prepare), "broken")
    assert broken.result == "failure" and broken.verdict is not None
    assert "unhooked" in broken.verdict
