"""Every path that takes a PTE lock looks again whether the PMD entry still points to the table.

The path runs against a task that frees the table without waiting for it: MADV_DONTNEED with
pt_reclaim, or the collapse of a file, which comes through the file and takes no mmap_lock. With the
second look (pmd_same()) nothing breaks in any schedule; without it the search finds the break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Path
from ptlab.paths.fork import dup_mmap
from ptlab.paths.madvise import (
    MADV_COLLAPSE,
    MADV_FREE,
    MADV_GUARD_INSTALL,
    MADV_GUARD_REMOVE,
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_PAGEOUT,
    do_madvise,
)
from ptlab.paths.mlock import do_mlock
from ptlab.paths.mmap import do_munmap
from ptlab.paths.mprotect import do_mprotect
from ptlab.paths.mremap import do_mremap
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.scenes.scene import (
    BASE,
    PAGE,
    TABLE,
    Paths,
    Scene,
    Variant,
    dontneed,
    one_table,
    read,
    write,
)
from ptlab.schemes import PtReclaim
from ptlab.state.vma import VM


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


def munmap_upper_part(p: Process) -> Paths:
    heap = one_table(p, 0)
    return {
        "write page 1": write(p, heap + PAGE),
        "munmap page 1": do_munmap(p.mm, heap + PAGE, PAGE),
    }


def flags_of_a_part(p: Process) -> Paths:
    heap = p.mmap(2 * TABLE, at=BASE)
    advise = do_madvise(p.mm, heap + TABLE, TABLE, MADV_NOHUGEPAGE)
    return {"write page 0": write(p, heap), "NOHUGEPAGE the second half": advise}


def mlock_of_a_part(p: Process) -> Paths:
    heap = p.mmap(2 * TABLE, at=BASE)
    return {"write page 0": write(p, heap), "mlock": do_mlock(p.mm, heap + TABLE, PAGE)}


def thp(p: Process) -> int:
    heap = p.mmap(TABLE, at=BASE)
    p.madvise(heap, MADV_HUGEPAGE)
    return heap


def two_huge_faults(p: Process) -> Paths:
    heap = thp(p)
    return {"write page 0": write(p, heap), "write page 1": write(p, heap + PAGE)}


def two_splits(p: Process) -> Paths:
    heap = thp(p)
    p.touch(heap, PAGE)
    return {"DONTNEED page 0": dontneed(p, heap, PAGE), "page 1": dontneed(p, heap + PAGE, PAGE)}


def split_and_zap(p: Process) -> Paths:
    heap = thp(p)
    p.touch(heap, PAGE)
    return {"DONTNEED page 0": dontneed(p, heap, PAGE), "all": dontneed(p, heap, TABLE)}


def collapse_file_and_read(p: Process) -> Paths:
    area = p.mmap(TABLE, at=BASE, shared=True, file=p.file(TABLE, filled=True))
    p.touch(area, PAGE)
    collapse = do_madvise(p.mm, area, TABLE, MADV_COLLAPSE)
    return {"collapse": collapse, "read page 32": read(p, area + 32 * PAGE)}


NEEDED = (guard_install, swap_in, private_file, freed_at_once)
HARMLESS = (guard_remove, pageout, mprotect, mremap)
"""In a table that has been freed there is nothing for these to do."""
LOCKED_OUT = (
    collapse,
    collapse_and_zap,
    fork,
    mprotect_and_write,
    munmap_upper_part,
    flags_of_a_part,
    mlock_of_a_part,
)
"""mmap_lock for write and the VMA's lock keep everybody away from these."""
HUGE = (two_huge_faults, two_splits, split_and_zap, collapse_file_and_read)
"""Under the PMD lock each looks whether the huge page is still there, or still not."""


def scene(prepare: Callable[[Process], Paths]) -> Scene:
    without = Variant(PtReclaim, frozenset({Precaution.PMD_SAME}))
    return Scene(prepare.__name__, "", "", prepare, Variant(PtReclaim), without)


@pytest.mark.parametrize("prepare", NEEDED + HARMLESS + LOCKED_OUT + HUGE)
def test_nothing_breaks(prepare: Callable[[Process], Paths]) -> None:
    assert explore(scene(prepare), "fixed").result == "exhausted"


@pytest.mark.parametrize("prepare", NEEDED)
def test_the_second_look_is_needed(prepare: Callable[[Process], Paths]) -> None:
    broken = explore(scene(prepare), "broken")
    assert broken.result == "failure" and broken.verdict is not None
    assert "unhooked" in broken.verdict.sentence


def entry(p: Process, address: int) -> int:
    table = p.mm.lookup(address, Level.PTE)
    return p.machine.mem.entries.word(table, address >> 12 & 511)


def ends(prepare: Callable[[Process], Paths], kernel: str = "6.18") -> Iterator[Process]:
    """A runs j steps, B k steps, then A and B each to the end, for many j and k: the last state."""
    for j in range(20):
        for k in range(0, 40, 3):
            run = replace(scene(prepare), kernel=kernel).start("fixed")
            for wanted in "A" * j + "B" * k + "A" * 40 + "B" * 40 + "A" * 40:
                if wanted in run.enabled():
                    run.go(wanted)
            assert run.verdict is None and not set("AB") & set(run.enabled())
            yield run.process


def two_reads(p: Process) -> Paths:
    heap = one_table(p, 1)
    return {"read page 0": read(p, heap), "read it too": read(p, heap)}


def test_a_read_that_finds_a_page_by_now_does_not_copy_it() -> None:
    for p in ends(two_reads):
        assert (p.counters.zeropg, p.counters.anon_kb) == (1, 8)


def fault_and_guard(p: Process) -> Paths:
    heap = one_table(p, 1)
    guard = do_madvise(p.mm, heap, PAGE, MADV_GUARD_INSTALL)
    return {"write page 0": write(p, heap), "install a guard": guard}


def test_a_fault_that_finds_a_guard_marker_leaves_it_there() -> None:
    for p in ends(fault_and_guard):
        assert p.counters.swap == bool(pte.is_marker(entry(p, BASE)))
        assert p.counters.majflt == 0


def fault_and_fewer_rights(p: Process) -> Paths:
    heap = one_table(p, 0)
    rights = do_mprotect(p.mm, heap, 2 * TABLE, VM.READ)
    return {"write page 1": write(p, heap + PAGE), "mprotect": rights}


@pytest.mark.parametrize("kernel", ["6.1", "6.18"])
def test_a_fault_that_waited_for_the_lock_looks_at_the_rights_again(kernel: str) -> None:
    for p in ends(fault_and_fewer_rights, kernel):
        assert not p.mm.vmas[0].flags & VM.WRITE
        assert not entry(p, BASE + PAGE) & pte.RW


FLUSHED: dict[str, Callable[[Process], Path[Any]]] = {
    "mprotect": lambda p: do_mprotect(p.mm, BASE, 2 * TABLE, VM.READ),
    "mremap of a table": lambda p: do_mremap(p.mm, BASE, TABLE, TABLE, BASE + 8 * TABLE),
    "mremap of a page": lambda p: do_mremap(p.mm, BASE, PAGE, PAGE, BASE + 8 * TABLE),
    "MADV_FREE": lambda p: do_madvise(p.mm, BASE, TABLE, MADV_FREE),
}


@pytest.mark.parametrize("call", FLUSHED)
def test_the_other_cpus_lose_their_translations(call: str) -> None:
    def prepare(p: Process) -> Paths:
        heap = one_table(p, 0)
        return {"write page 0": write(p, heap), call: FLUSHED[call](p)}

    run = scene(prepare).start("fixed")
    run.go("A")
    assert run.sanitizer.tlb[0]
    while "B" in run.enabled():
        run.go("B")
    assert not run.sanitizer.tlb[0]
