"""Operations and small address spaces from which scenes are generated: any two or three at once.

What a hand-written scene does not think of, a pair does: move-collapse, move-fault and two-scans were
found so. `generated` gives the scenes, `shortest_of_each_kind` what is worth keeping of their results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

from ptlab.base.errors import KernelError
from ptlab.base.steps import Kind, Path
from ptlab.paths.fork import dup_mmap, exit_mmap
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
from ptlab.paths.oom import oom_reap_task_mm
from ptlab.paths.truncate import FALLOC_FL_PUNCH_HOLE, do_truncate, vfs_fallocate
from ptlab.process.process import Process
from ptlab.race.result import Result
from ptlab.race.scenes.scene import (
    BASE,
    PAGE,
    TABLE,
    Paths,
    Scene,
    Trial,
    Variant,
    dontneed,
    read,
    write,
)
from ptlab.schemes import UnmapOnly
from ptlab.state.page_cache import File
from ptlab.state.vma import VM

AT, TO = BASE, BASE + 8 * TABLE


class Stage(NamedTuple):
    """What is there: a process, the file that it maps, and its child, if there are any."""

    process: Process
    file: File | None = None
    child: Process | None = None


def anonymous(p: Process) -> Stage:
    """Two tables, the first with two pages."""
    p.mmap(2 * TABLE, at=AT)
    p.touch(AT, 2 * PAGE)
    p.touch(AT + TABLE, PAGE)
    return Stage(p)


def only_table(p: Process) -> Stage:
    """One table, the only one below its PMD page."""
    p.mmap(TABLE, at=AT)
    p.touch(AT, PAGE)
    return Stage(p)


def zero_page(p: Process) -> Stage:
    """One table, in which page 0 has only been read."""
    p.mmap(TABLE, at=AT)
    p.touch(AT, PAGE, write=False)
    return Stage(p)


def huge(p: Process) -> Stage:
    """A huge page."""
    p.mmap(2 * TABLE, at=AT)
    p.madvise(AT, "HUGEPAGE", 2 * TABLE)
    p.touch(AT, PAGE)
    return Stage(p)


def may_be_huge(p: Process) -> Stage:
    """Nothing yet, but a huge page may come."""
    p.mmap(TABLE, at=AT)
    p.madvise(AT, "HUGEPAGE", TABLE)
    return Stage(p)


def shared(p: Process) -> Stage:
    """A shared mapping of a file."""
    file = p.file(TABLE, filled=True)
    p.mmap(TABLE, at=AT, shared=True, file=file)
    p.touch(AT, PAGE)
    return Stage(p, file)


def sparse_file(p: Process) -> Stage:
    """A shared mapping of a file that has only its first page."""
    file = p.file(TABLE)
    p.mmap(TABLE, at=AT, shared=True, file=file)
    p.touch(AT, PAGE)
    return Stage(p, file)


def huge_file(p: Process) -> Stage:
    """A file of one huge page, which is not mapped any more."""
    stage = shared(p)
    with suppress(KernelError):  # some kernels collapse it, and then say that they have not
        p.madvise(AT, "COLLAPSE", TABLE)
    p.madvise(AT, "DONTNEED", TABLE)
    return stage


def two_processes(p: Process) -> Stage:
    """A file that two processes map."""
    stage = shared(p)
    child = p.fork()
    child.touch(AT, PAGE)
    return stage._replace(child=child)


STAGES = (
    *(anonymous, only_table, zero_page, huge, may_be_huge),
    *(shared, sparse_file, huge_file, two_processes),
)
_WITH_FILE = (shared, sparse_file, huge_file, two_processes)


def _background(s: Stage) -> Path[None]:
    yield from s.process.scheme.background(s.process.mm)


def _truncate(s: Stage) -> Path[Any]:
    """A file that loses its pages; where there is none, the OOM reaper, which comes from outside too."""
    if s.file is None:
        return oom_reap_task_mm(s.process.mm)
    return do_truncate(s.process.machine, s.file, 0)


def _punch(s: Stage) -> Path[Any]:
    """A file that loses its first page; a huge page is split for it."""
    if s.file is None:
        return oom_reap_task_mm(s.process.mm)
    return vfs_fallocate(s.process.machine, s.file, FALLOC_FL_PUNCH_HOLE, 0, PAGE)


def _twice(p: Process) -> Path[None]:
    """The second time the TLB has the translation."""
    yield from read(p, AT)
    yield from read(p, AT)


def _child(s: Stage) -> Process:
    return s.child or s.process


OPERATIONS: dict[str, Callable[[Stage], Path[Any]]] = {
    "write page 0": lambda s: write(s.process, AT),
    "write page 5": lambda s: write(s.process, AT + 5 * PAGE),
    "read page 5": lambda s: read(s.process, AT + 5 * PAGE),
    "read page 0 twice": lambda s: _twice(s.process),
    "write at the new place": lambda s: write(s.process, TO),
    "DONTNEED page 0": lambda s: dontneed(s.process, AT, PAGE),
    "DONTNEED the table": lambda s: dontneed(s.process, AT, TABLE),
    "FREE": lambda s: do_madvise(s.process.mm, AT, TABLE, MADV_FREE),
    "COLD": lambda s: do_madvise(s.process.mm, AT, TABLE, MADV_COLD),
    "COLLAPSE": lambda s: do_madvise(s.process.mm, AT, TABLE, MADV_COLLAPSE),
    "POPULATE_WRITE": lambda s: do_madvise(s.process.mm, AT, 4 * PAGE, MADV_POPULATE_WRITE),
    "GUARD_INSTALL": lambda s: do_madvise(s.process.mm, AT, PAGE, MADV_GUARD_INSTALL),
    "GUARD_REMOVE": lambda s: do_madvise(s.process.mm, AT, PAGE, MADV_GUARD_REMOVE),
    "munmap the table": lambda s: do_munmap(s.process.mm, AT, TABLE),
    "munmap page 0": lambda s: do_munmap(s.process.mm, AT, PAGE),
    "mprotect": lambda s: do_mprotect(s.process.mm, AT, TABLE, VM.READ),
    "mremap the table": lambda s: do_mremap(s.process.mm, AT, TABLE, TABLE, to=TO),
    "mremap page 0": lambda s: do_mremap(s.process.mm, AT, PAGE, PAGE, to=TO),
    "fork": lambda s: dup_mmap(s.process.mm),
    "GUP-fast": lambda s: gup_fast(s.process.mm, AT),
    "background": _background,
    "truncate": _truncate,
    "punch": _punch,
    "OOM reaper": lambda s: oom_reap_task_mm(s.process.mm),
    "the child writes": lambda s: write(_child(s), AT),
    "the child's DONTNEED": lambda s: dontneed(_child(s), AT, TABLE),
}

_OF_A_FILE = {"truncate", "punch"}
_FROM_OUTSIDE = ("OOM reaper", "truncate", "punch", "the child writes", "the child's DONTNEED")
EXIT = "exit"
"""Only what comes from outside is still at work while a process ends."""


def task(stage: Stage, name: str) -> Path[Any]:
    """The path of an operation."""
    return exit_mmap(stage.process.mm) if name == EXIT else OPERATIONS[name](stage)


def generated(of: int = 2, kernel: str = "6.18", weak: bool = False) -> Iterator[Scene]:
    """A scene for each stage and each set of `of` operations, exit against what comes from outside too.

    With weak memory, if you wish. For two operations these are some 2400 scenes, for three 20000.
    """
    if of < 1:
        raise ValueError(f"generated: {of} operations at once; at least 1 is needed")
    for stage in STAGES:
        inside = combinations_with_replacement(OPERATIONS, of)
        outside = combinations_with_replacement(_FROM_OUTSIDE, of - 1)
        for names in (*inside, *((EXIT, *others) for others in outside)):
            child = any("child" in name for name in names)
            file = bool(_OF_A_FILE.intersection(names))
            if (stage is two_processes or not child) and (stage in _WITH_FILE or not file):
                yield _scene(stage, names, kernel, weak)


def _scene(
    stage: Callable[[Process], Stage], names: tuple[str, ...], kernel: str, weak: bool
) -> Scene:
    def prepare(process: Process) -> Paths:
        made = stage(process)
        return {f"{k}: {name}": task(made, name) for k, name in enumerate(names)}

    called = f"{stage.__name__}: {', '.join(names)}"
    trial = Trial("a table is unhooked", Kind.UNHOOK)
    variant = Variant(UnmapOnly)
    return Scene(
        called, called, "nothing", prepare, variant, variant, kernel, trial=trial, weak=weak
    )


def shortest_of_each_kind(results: Iterable[Result]) -> list[Result]:
    """Of the failures, by the rule that is broken first, the one with the shortest schedule."""
    best: dict[str, Result] = {}
    for result in results:
        if result.verdict is not None and result.shortest is not None:
            kind = type(result.verdict.broken[0]).__name__
            if kind not in best or len(result.shortest) < len(best[kind].shortest or ""):
                best[kind] = result
    return list(best.values())
