"""folio_mapped(): what a hole punch asks before it takes a page out of the file."""

from __future__ import annotations

from contextlib import suppress
from unittest.mock import patch

import pytest

from ptlab.base.errors import KernelError
from ptlab.base.steps import Path
from ptlab.paths import filemap, thp
from ptlab.paths.madvise import MADV_POPULATE_WRITE, do_madvise
from ptlab.paths.recheck import folio_lock
from ptlab.paths.truncate import FALLOC_FL_PUNCH_HOLE, vfs_fallocate
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.result import Result
from ptlab.race.sanitizer import Sanitizer
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, Paths, Scene, Trial, Variant, read
from ptlab.schemes import UnmapOnly, scheme_class
from ptlab.state.page_cache import File


def _read_beside_a_punch(process: Process) -> Paths:
    file = process.file(PAGE, filled=True)
    process.mmap(PAGE, at=BASE, shared=True, file=file)
    punch = vfs_fallocate(process.machine, file, FALLOC_FL_PUNCH_HOLE, 0, PAGE)
    return {"read": read(process, BASE), "punch": punch}


def _populate_beside_a_punch(process: Process) -> Paths:
    file = process.file(TABLE, filled=True)
    process.mmap(TABLE, at=BASE, shared=True, file=file)
    with suppress(KernelError):  # some kernels collapse it, and then say that they have not
        process.madvise(BASE, "COLLAPSE", TABLE)
    process.madvise(BASE, "DONTNEED", TABLE)
    punch = vfs_fallocate(process.machine, file, FALLOC_FL_PUNCH_HOLE, 0, PAGE)
    populate = do_madvise(process.mm, BASE, 4 * PAGE, MADV_POPULATE_WRITE)
    return {"populate": populate, "punch": punch}


def _populate(scheme: str) -> Result:
    design = Variant(scheme_class(scheme))
    name, kernel = "populate-punch", design.scheme.kernel
    scene = Scene(name, name, "nothing", _populate_beside_a_punch, design, design, kernel)
    return explore(scene, design, most=40)


@pytest.mark.parametrize(
    "scheme", ["unmap_only", "pte_refcount", "every_level", "pt_reclaim", "pt_rwsem"]
)
def test_a_huge_page_of_a_file_may_come_back_while_a_punch_splits_it(scheme: str) -> None:
    """Its entry was taken for a table; and nobody could say whether the tables above may go."""
    result = _populate(scheme)
    assert result.result != "failure" and result.schedules >= 40, result


def test_a_fault_that_waited_for_the_folio_inside_a_walk_would_close_a_cycle() -> None:
    def waits(file: File) -> Path[bool]:
        yield from folio_lock(file)
        return True

    with patch.object(filemap, "folio_trylock", waits), patch.object(thp, "folio_trylock", waits):
        said = _populate("pt_rwsem").verdict.sentence
    assert "a cycle of locks" in said
    assert all(name in said for name in ("pt_rwsem", "folio_lock", "i_mmap_rwsem"))


VARIANT = Variant(UnmapOnly)
SCENE = Scene(
    "read-punch",
    "A fault maps a page after the hole punch has unmapped it",
    "nothing",
    _read_beside_a_punch,
    VARIANT,
    VARIANT,
    trial=Trial("an entry is cleared", "clear"),
)


def test_a_punch_unmaps_what_was_mapped_meanwhile() -> None:
    result = explore(SCENE, "fixed")
    assert result.result == "exhausted" and not result.untried
    with patch.object(Sanitizer, "folio_mapped", return_value=False):
        broken = explore(SCENE, "fixed")
    assert "which its file has dropped" in broken.verdict.sentence, broken
