"""Scenes of mremap: a table or its entries go to another address while others are at work."""

from __future__ import annotations

from functools import partial

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path
from ptlab.paths.madvise import MADV_COLLAPSE, do_madvise
from ptlab.paths.mremap import do_mremap
from ptlab.paths.truncate import do_truncate
from ptlab.process.process import Process
from ptlab.race.scenes.scene import (
    BASE,
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

NEW = BASE + 8 * TABLE


def _move_and_collapse(process: Process) -> Paths:
    file = process.file(TABLE, filled=True)
    area = process.mmap(TABLE, at=BASE, shared=True, file=file)
    process.touch(area, PAGE)
    other = process.mmap(TABLE, at=BASE + 4 * TABLE, shared=True, file=file)
    process.touch(other, PAGE)
    return {
        "mremap": do_mremap(process.mm, area, TABLE, TABLE, to=NEW),
        "collapse": do_madvise(process.mm, other, TABLE, MADV_COLLAPSE),
    }


move_collapse = Scene(
    "move-collapse",
    "CVE-2024-50066: mremap moves a table that a collapse, which comes through the file, takes away",
    "mremap neither keeps the collapse out nor looks at the PMD entry again",
    _move_and_collapse,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.RMAP_LOCKS})),
    kernel="6.12",
    trial=Trial("a table is moved", Kind.MOVE),
    source="CVE-2024-50066, commit 6fa1066fc5d0 (6.12)",
)


def _move_and_fault(process: Process) -> Paths:
    heap = one_table(process, 0)
    return {
        "mremap page 0": do_mremap(process.mm, heap, PAGE, PAGE, to=NEW),
        "write to its new place": write(process, NEW),
    }


move_fault = Scene(
    "move-fault",
    "mremap has made the new VMA, and its entries are still to come, when a page fault finds it",
    "the new VMA is not locked",
    _move_and_fault,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.NEW_VMA_LOCKED})),
    kernel="6.12",
    trial=SETS,
)


def _move_and_truncate(length: int, process: Process) -> Paths:
    file = process.file(TABLE, filled=True)
    area = process.mmap(TABLE, at=BASE, shared=True, file=file)
    process.touch(area, PAGE)

    def truncates() -> Path[None]:
        yield from read(process, area)
        yield from do_truncate(process.machine, file, 0)
        yield from read(process, area)

    return {
        "mremap": do_mremap(process.mm, area, length, length, to=NEW),
        "read, truncate, and read again": truncates(),
    }


move_truncate = Scene(
    "move-truncate",
    "CVE-2022-41222: mremap moves a table, truncate frees a page, a CPU has the old translation",
    "mremap does not keep out who comes through the file until it has flushed the TLB",
    partial(_move_and_truncate, TABLE),
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.RMAP_LOCKS})),
    kernel="6.12",
    trial=Trial("a table is moved", Kind.MOVE),
    source="CVE-2022-41222, commit 97113eb39fa7 (5.14)",
)

move_flush = Scene(
    "move-flush",
    "CVE-2018-18281: mremap moves an entry, truncate frees its page, a CPU has the old translation",
    "mremap drops the PTE locks before it flushes the TLB",
    partial(_move_and_truncate, PAGE),
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.FLUSH_LOCKED})),
    kernel="6.12",
    own_scheme=False,
    trial=SETS,
    source="CVE-2018-18281, commit eb66ae030829 (4.19)",
)

SCENES = (move_collapse, move_fault, move_truncate, move_flush)
