"""Rules about huge pages that `make fuzz-mutants` breaks one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from ptlab.base import kernel_versions
from ptlab.kernels.random_huge_pages import huge_programs
from ptlab.paths import (
    cold_pages,
    collapse,
    collapse_file,
    fault,
    filemap,
    mprotect,
    split_folio,
    writable,
)
from ptlab.paths.split_folio import Reach
from ptlab.paths.thp import do_huge_pmd_wp_page
from ptlab.state.data_pages import DataPages
from ptlab.state.machine import Machine

FILED = "file m 4M filled\nmmap s1 2M file:m keepthp\n"


class Mutant(NamedTuple):
    """A broken rule: what it is about, what takes the place of `name` in `owner`, and who notices."""

    kind: str
    owner: Any
    name: str
    broken: Any
    programs: st.SearchStrategy[str]
    program: str


def _written_through(mm: Any, vma: Any, pmd: int, piece: Any, write: bool) -> Iterator[Any]:
    if write:
        yield from do_huge_pmd_wp_page(mm, pmd, piece.slots)
    return 0


def _never_split(mm: Any, vma: Any, pmd: int, slots: Any, columns: slice) -> Iterator[Any]:
    yield from ()
    return Reach.NOTHING if mm.is_huge(pmd, slots) else Reach.ENTRIES


def _all_of_disk(mm: Any, vma: Any, words: Any, huge: bool = False) -> Any:
    disk = vma.shared and vma.file is not None and vma.file.kind == "disk"
    return np.ones(words.shape, np.bool_) if disk else _STAYS(mm, vma, words, huge)


_STAYS, _HUGE = writable.stays_read_only, huge_programs()
_OLD = {"6.18": kernel_versions.PROFILES["6.18"]._replace(collapse_goes_on=True)}
_LAZY = {"6.18": kernel_versions.PROFILES["6.18"]._replace(lazyfree_whole=True)}

MUTANTS = (
    Mutant(
        "pages after fork",
        DataPages,
        "exclusive",
        lambda pages, frames: np.ones(frames.shape, np.bool_),
        _HUGE,
        "mmap s1 4K\ntouch w s1 4K\nfork 1\nnop\nmprotect s1 4K r\nmprotect s1 4K rw\ntouch w s1 4K",
    ),
    Mutant(
        "a write to a private file's huge page",
        fault,
        "_huge_pmd_fault",
        _written_through,
        _HUGE,
        f"{FILED}madvise COLLAPSE s1 2M\nmmap s2 2M pfile:m keepthp\ntouch r s2 4K\ntouch w s2 4K",
    ),
    Mutant(
        "NOHUGEPAGE and a file's huge page",
        filemap,
        "_may_map_huge",
        lambda mm, vma: True,
        _HUGE,
        f"{FILED}madvise COLLAPSE s1 2M\nmmap s2 2M file:m\ntouch r s2 4K",
    ),
    Mutant(
        "a file's huge page in a VMA that it does not fit",
        filemap,
        "_fits_huge",
        lambda vma, address, page: vma.file.is_huge(page),
        _HUGE,
        f"{FILED}madvise COLLAPSE s1 2M\nmmap s2 1M file:m keepthp\ntouch r s2 4K",
    ),
    Mutant(
        "COLLAPSE beyond an empty 2 MiB",
        kernel_versions,
        "PROFILES",
        kernel_versions.PROFILES | _OLD,
        _HUGE,
        "mmap s1 6M keepthp\ntouch w s1 4K\ntouch w s1+4M 4K\nmadvise COLLAPSE s1 6M",
    ),
    Mutant(
        "COLLAPSE of read-only memory",
        collapse,
        "_scan_pmd",
        lambda mm, table: collapse.Scan.PAGE_RO,
        _HUGE,
        "mmap s1 2M keepthp\ntouch w s1 2M\nmprotect s1 2M r\nmadvise COLLAPSE s1 2M",
    ),
    Mutant(
        "COLLAPSE of a file with a guard",
        collapse_file,
        "file_backed_vma_is_retractable",
        lambda vma: vma.anon_vma is None,
        _HUGE,
        f"{FILED}touch r s1 2M\nmadvise GUARD_INSTALL s1 4K\nmmap s2 2M file:m keepthp\n"
        "madvise COLLAPSE s2 2M\nnop",
    ),
    Mutant(
        "mprotect of a shared disk file",
        mprotect,
        "stays_read_only",
        _all_of_disk,
        _HUGE,
        "file m 64K disk filled\nmmap s1 64K file:m\ntouch w s1 64K\nmprotect s1 64K r\n"
        "mprotect s1 64K rw\ntouch w s1 64K",
    ),
    Mutant(
        "COLD and FREE of a part of a huge page",
        cold_pages,
        "advised",
        _never_split,
        _HUGE,
        "mmap s1 2M thp\ntouch w s1 2M\nmadvise COLD s1 4K",
    ),
    Mutant(
        "FREE and PAGEOUT of a whole huge page",
        kernel_versions,
        "PROFILES",
        kernel_versions.PROFILES | _LAZY,
        _HUGE,
        "mmap s1 2M thp\ntouch w s1 2M\nmadvise FREE s1 2M\nmadvise PAGEOUT s1 2M",
    ),
    Mutant(
        "huge pages for all, or for none",
        Machine,
        "thp",
        property(lambda machine: "madvise"),
        _HUGE,
        "thp_enabled always\nmmap s1 2M keepthp\ntouch w s1 4K",
    ),
    Mutant(
        "huge pages of shared memory",
        Machine,
        "shmem_thp",
        property(lambda machine: "never"),
        _HUGE,
        "shmem_enabled always\nmmap s1 2M shared keepthp\ntouch w s1 4K",
    ),
    Mutant(
        "unused parts of a huge page in locked memory",
        split_folio,
        "_mlocked",
        lambda mm, table: np.zeros(512, np.bool_),
        _HUGE,
        "mmap s1 2M thp\ntouch w s1 4K\nmlock s1+1M 4K onfault\nmadvise COLD s1 4K",
    ),
)
