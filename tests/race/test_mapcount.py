"""folio_mapped(): what a hole punch asks before it takes a page out of the file."""

from __future__ import annotations

from unittest.mock import patch

from ptlab.paths.truncate import FALLOC_FL_PUNCH_HOLE, vfs_fallocate
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.sanitizer import Sanitizer
from ptlab.race.scenes.scene import BASE, PAGE, Paths, Scene, Trial, Variant, read
from ptlab.schemes import UnmapOnly


def _read_beside_a_punch(process: Process) -> Paths:
    file = process.file(PAGE, filled=True)
    process.mmap(PAGE, at=BASE, shared=True, file=file)
    punch = vfs_fallocate(process.machine, file, FALLOC_FL_PUNCH_HOLE, 0, PAGE)
    return {"read": read(process, BASE), "punch": punch}


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
    assert "which its file has dropped" in str(broken.verdict), broken
