"""Any two operations at once, on small address spaces, in random schedules: no rule is broken.

What this found is mended, and some of it is a scene: ptlab/race/scenes/moves.py and background.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.base.steps import Path
from ptlab.paths.fork import dup_mmap
from ptlab.paths.gup import gup_fast
from ptlab.paths.madvise import (
    MADV_COLD,
    MADV_COLLAPSE,
    MADV_FREE,
    MADV_GUARD_INSTALL,
    MADV_GUARD_REMOVE,
    MADV_POPULATE_WRITE,
    do_madvise,
)
from ptlab.paths.mmap import do_munmap
from ptlab.paths.mprotect import do_mprotect
from ptlab.paths.mremap import do_mremap
from ptlab.paths.truncate import do_truncate
from ptlab.process.process import Process
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, dontneed, read, write
from ptlab.race.scheduler import Scheduler
from ptlab.state.page_cache import File
from ptlab.state.vma import VM

AT, TO = BASE, BASE + 8 * TABLE


def anonymous(p: Process) -> File | None:
    p.mmap(2 * TABLE, at=AT)
    p.touch(AT, 2 * PAGE)
    p.touch(AT + TABLE, PAGE)
    return None


def only_table(p: Process) -> File | None:
    p.mmap(TABLE, at=AT)
    p.touch(AT, PAGE)
    return None


def huge(p: Process) -> File | None:
    p.mmap(2 * TABLE, at=AT)
    p.madvise(AT, "HUGEPAGE", 2 * TABLE)
    p.touch(AT, PAGE)
    return None


def may_be_huge(p: Process) -> File | None:
    p.mmap(TABLE, at=AT)
    p.madvise(AT, "HUGEPAGE", TABLE)
    return None


def shared(p: Process) -> File | None:
    file = p.file(TABLE, filled=True)
    p.mmap(TABLE, at=AT, shared=True, file=file)
    p.touch(AT, PAGE)
    return file


STAGES = (anonymous, only_table, huge, may_be_huge, shared)

OPERATIONS: dict[str, Callable[[Process], Path[Any]]] = {
    "write page 0": lambda p: write(p, AT),
    "write page 5": lambda p: write(p, AT + 5 * PAGE),
    "read page 5": lambda p: read(p, AT + 5 * PAGE),
    "write at the new place": lambda p: write(p, TO),
    "DONTNEED page 0": lambda p: dontneed(p, AT, PAGE),
    "DONTNEED the table": lambda p: dontneed(p, AT, TABLE),
    "FREE": lambda p: do_madvise(p.mm, AT, TABLE, MADV_FREE),
    "COLD": lambda p: do_madvise(p.mm, AT, TABLE, MADV_COLD),
    "COLLAPSE": lambda p: do_madvise(p.mm, AT, TABLE, MADV_COLLAPSE),
    "POPULATE_WRITE": lambda p: do_madvise(p.mm, AT, 4 * PAGE, MADV_POPULATE_WRITE),
    "GUARD_INSTALL": lambda p: do_madvise(p.mm, AT, PAGE, MADV_GUARD_INSTALL),
    "GUARD_REMOVE": lambda p: do_madvise(p.mm, AT, PAGE, MADV_GUARD_REMOVE),
    "munmap the table": lambda p: do_munmap(p.mm, AT, TABLE),
    "munmap page 0": lambda p: do_munmap(p.mm, AT, PAGE),
    "mprotect": lambda p: do_mprotect(p.mm, AT, TABLE, VM.READ),
    "mremap the table": lambda p: do_mremap(p.mm, AT, TABLE, TABLE, to=TO),
    "mremap page 0": lambda p: do_mremap(p.mm, AT, PAGE, PAGE, to=TO),
    "fork": lambda p: dup_mmap(p.mm),
    "GUP-fast": lambda p: gup_fast(p.mm, AT),
    "background": lambda p: background(p),
}


def background(p: Process) -> Path[None]:
    yield from p.scheme.background(p.mm)


def truncated(file: File | None) -> Callable[[Process], Path[Any]]:
    """A file that loses its pages, where there is one."""
    return lambda p: do_truncate(p.machine, file, 0) if file else read(p, AT)


DESIGNS = st.sampled_from(
    [
        ("unmap_only", "6.1"),
        ("unmap_only", "6.12"),
        ("pt_reclaim", "6.18"),
        ("pte_refcount", "6.1"),
        ("every_level", "6.1"),
        ("pt_rwsem", "6.1"),
        ("mapped_count", "6.1"),
        ("write_scan", "6.1"),
        ("async_scan", "6.12"),
    ]
)
"""Not among them: percpu_ref, which breaks as it was posted."""

names = st.sampled_from([*OPERATIONS, "truncate"])


@pytest.mark.parametrize("stage", STAGES)
@settings(max_examples=40)
@given(design=DESIGNS, pair=st.tuples(names, names), chance=st.randoms(use_true_random=False))
def test_two_operations_at_once_break_no_rule(
    stage: Callable[[Process], File | None], design: Any, pair: tuple[str, str], chance: Any
) -> None:
    process = Process(*design, grain="table", record=False)
    file = stage(process)
    made = OPERATIONS | {"truncate": truncated(file)}
    tasks = {f"{k}: {name}": made[name](process) for k, name in enumerate(pair)}
    scheduler = Scheduler(process, tasks)
    while able := scheduler.enabled():
        last = scheduler.schedule[-1:]
        stays = last and last in able and chance.random() < 0.75
        scheduler.go(last if stays else chance.choice(able))
    assert scheduler.verdict is None, f"{scheduler.schedule}: {scheduler.verdict}"
