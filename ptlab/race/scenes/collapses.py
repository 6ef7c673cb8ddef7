"""Scenes of a collapse into a huge page, by MADV_COLLAPSE or khugepaged: bugs that really happened."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path
from ptlab.paths.gup import gup_fast
from ptlab.paths.madvise import MADV_COLLAPSE, do_madvise
from ptlab.process.process import Process
from ptlab.race.scenes.hardware import QUIET
from ptlab.race.scenes.scene import (
    BASE,
    OF_ITS_TIME,
    PAGE,
    SETS,
    TABLE,
    Paths,
    Scene,
    Trial,
    Variant,
    one_table,
    read,
    write,
)
from ptlab.schemes import UnmapOnly

COLLAPSES = Trial("a collapse takes a table", Kind.UNHOOK)
OTHER = BASE + 4 * TABLE


def _collapse_and_gup(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "GUP-fast of page 0": gup_fast(process.mm, heap),
        "collapse": do_madvise(process.mm, heap, TABLE, MADV_COLLAPSE),
    }


gup_collapse = Scene(
    "gup-collapse",
    "GUP-fast has read the entry; a collapse copies the page and frees it, without an interrupt",
    "GUP-fast does not read the entries again once it has the page",
    _collapse_and_gup,
    Variant(UnmapOnly, QUIET),
    Variant(UnmapOnly, QUIET | {Precaution.GUP_RECHECK}),
    kernel="6.12",
    trial=COLLAPSES,
    source="commit 70cbc3cc78a9 (6.1)",
)


def _retract(process: Process, shared: bool = True) -> tuple[int, int]:
    """A file of 2 MiB in two mappings, each with a table; a collapse of the second takes both."""
    file = process.file(TABLE, filled=True)
    area = process.mmap(TABLE, at=BASE, shared=shared, file=file)
    other = process.mmap(TABLE, at=OTHER, shared=True, file=file)
    for start in (area, other):
        process.touch(start, PAGE, write=False)
    return area, other


def _retract_and_gup(process: Process) -> Paths:
    area, other = _retract(process)
    return {
        "GUP-fast of page 0": gup_fast(process.mm, area),
        "collapse": do_madvise(process.mm, other, TABLE, MADV_COLLAPSE),
    }


retract_gup = Scene(
    "retract-gup",
    "A collapse of a file frees a table at once; only its interrupt makes it wait for GUP-fast",
    "no interrupt before the table is freed",
    _retract_and_gup,
    Variant(UnmapOnly, OF_ITS_TIME | {Precaution.RCU}),
    Variant(UnmapOnly, OF_ITS_TIME | QUIET | {Precaution.RCU}),
    kernel="6.1",
    own_scheme=False,
    trial=COLLAPSES,
    source="commit 2ba99c5e0881 (6.1)",
)


def _retract_and_write(process: Process) -> Paths:
    area, other = _retract(process, shared=False)
    return {
        "write page 0": write(process, area),
        "collapse": do_madvise(process.mm, other, TABLE, MADV_COLLAPSE),
    }


retract_anon = Scene(
    "retract-anon",
    "CVE-2023-52935: a collapse takes a file's table while a private page comes into it",
    "the collapse looks for pages of the VMA's own only before it has the locks",
    _retract_and_write,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.ANON_VMA})),
    kernel="6.12",
    trial=SETS,
    source="CVE-2023-52935, commit 023f47a8250c (6.2)",
)


def _retract_and_read(process: Process) -> Paths:
    area, other = _retract(process)
    return {
        "collapse": do_madvise(process.mm, other, TABLE, MADV_COLLAPSE),
        "read page 40": read(process, area + 40 * PAGE),
    }


retract_lock = Scene(
    "retract-lock",
    "A collapse takes a file's table while a fault, under the VMA's lock, enters pages into it",
    "the collapse does not take the table's PTE lock",
    _retract_and_read,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.RETRACT_LOCKED})),
    kernel="6.12",
    trial=COLLAPSES,
    source="commit 8d3c106e19e8 (6.1)",
)


def _retract_and_walk(process: Process) -> Paths:
    area, other = _retract(process)

    def both() -> Path[None]:
        yield from read(process, area)
        yield from read(process, area + PAGE)

    return {
        "read page 0, then page 1": both(),
        "collapse": do_madvise(process.mm, other, TABLE, MADV_COLLAPSE),
    }


retract_walk = Scene(
    "retract-walk",
    "A collapse takes a file's table that the MMU of another CPU has in its paging-structure cache",
    "the flush invalidates translations of pages only, as if no table went",
    _retract_and_walk,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.WALK_CACHES})),
    kernel="6.12",
    own_scheme=False,
    trial=COLLAPSES,
    weak=True,
    source="commit 3ef938c35035 (6.14)",
)


def _huge_and_copy(process: Process) -> Paths:
    file = process.file(TABLE, filled=True)
    shared = process.mmap(TABLE, at=OTHER, shared=True, file=file)
    process.touch(shared, PAGE)
    process.madvise(shared, "COLLAPSE", TABLE)
    area = process.mmap(TABLE, at=BASE, shared=False, file=file)
    return {"read page 0": read(process, area), "write page 1": write(process, area + PAGE)}


huge_pmd = Scene(
    "huge-pmd",
    "CVE-2012-1179: one fault wants a table, another maps a huge page at the same PMD entry",
    "the PMD entry is followed as if it pointed to a table",
    _huge_and_copy,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.HUGE_PMD})),
    kernel="6.12",
    own_scheme=False,
    trial=SETS,
    source="CVE-2012-1179, commit 1a5a9906d4e8 (3.4)",
)

SCENES = (gup_collapse, retract_gup, retract_anon, retract_lock, retract_walk, huge_pmd)
