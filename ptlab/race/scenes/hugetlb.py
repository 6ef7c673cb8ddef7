"""A scene of a PMD page that two processes share (hugetlb)."""

from __future__ import annotations

from ptlab.base.geometry import GiB
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path
from ptlab.paths.gup import gup_fast
from ptlab.paths.madvise import MADV_DONTNEED, do_madvise
from ptlab.paths.mmap import MAP, PROTECTIONS, do_mmap, do_munmap
from ptlab.process.process import Process
from ptlab.race.scenes.hardware import QUIET
from ptlab.race.scenes.scene import BASE, TABLE, Paths, Scene, Trial, Variant, write
from ptlab.schemes import UnmapOnly


def _unshare_and_gup(process: Process) -> Paths:
    """Parent and child share a PMD page; the child has it alone once the parent has let it go."""
    process.hugepages(1)
    heap = process.mmap(GiB, at=BASE, shared=True, hugetlb=TABLE, noreserve=True)
    process.touch(heap, 1)
    child = process.fork()
    child.touch(heap, 1)

    def let_go_and_use() -> Path[None]:
        yield from do_madvise(process.mm, heap, TABLE, MADV_DONTNEED)
        yield from do_munmap(child.mm, heap, TABLE)
        yield from do_mmap(child.mm, heap, TABLE, PROTECTIONS["rw"], MAP.PRIVATE)
        yield from write(child, heap)

    return {
        "GUP-fast in the parent": gup_fast(process.mm, heap),
        "the parent lets go, the child maps": let_go_and_use(),
    }


pmd_unshare = Scene(
    "pmd-unshare",
    "CVE-2025-38085: GUP-fast is in a shared PMD page that its process lets go, and another one uses",
    "nobody waits for CPUs that walk with interrupts off before the page is let go",
    _unshare_and_gup,
    Variant(UnmapOnly, QUIET),
    Variant(UnmapOnly, QUIET | {Precaution.UNSHARE_SYNC}),
    kernel="6.12",
    own_scheme=False,
    trial=Trial("a shared table is let go", Kind.SHARE),
    source="CVE-2025-38085, commit 1013af4f585f (6.16)",
)

SCENES = (pmd_unshare,)
