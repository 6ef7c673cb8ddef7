"""Break one rule of the simulator after the other, and see whether `ptlab fuzz` would have noticed.

Each mutant breaks a rule that the simulator once did not have. The random programs of `ptlab fuzz` are
played on the simulator as it is, which agrees with Linux, and on the mutant, until a row differs. Run it
with `make fuzz-mutants`; the program that is kept with each mutant shows the rule in a few lines.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from ptlab.base import kernel_versions
from ptlab.base.geometry import PMD_SIZE
from ptlab.kernels.fuzz import BATCH
from ptlab.kernels.random_huge_pages import huge_programs
from ptlab.kernels.random_hugetlb import gigantic_programs, hugetlb_programs, shared_pmd_programs
from ptlab.kernels.random_operations import chosen_programs, operation_programs
from ptlab.kernels.random_programs import programs
from ptlab.paths import (
    brk,
    cold_pages,
    collapse,
    collapse_file,
    expand_stack,
    fault,
    filemap,
    hugetlb,
    hugetlb_entries,
    hugetlb_mapping,
    mmap,
    mprotect,
    mremap,
    populate,
    unmapped_area,
    vma_change,
    writable,
)
from ptlab.paths.fork import dup_mmap
from ptlab.paths.split_folio import Reach
from ptlab.paths.table_alloc import upper_tables
from ptlab.paths.thp import do_huge_pmd_wp_page
from ptlab.process import process
from ptlab.scenario import parse, run
from ptlab.state.data_pages import DataPages
from ptlab.state.machine import Machine
from ptlab.state.vma import VM

MOST = 2000
"""Random programs that are tried of a mutant."""

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


def _always_aligned(mm: Any, at: Any, length: int, aligned: bool, *rest: Any) -> int:
    return _AREA(mm, at, length, True, *rest)


def _no_room_above(mm: Any, at: Any, length: int, aligned: bool, *rest: Any) -> int:
    start = unmapped_area.highest_gap(mm.layout.mmap_base, mm.vmas, length)
    fits = at is None and aligned and start % PMD_SIZE == 0
    return start if fits else _AREA(mm, at, length, aligned, *rest)


def _grown_apart(vma: Any, **changes: Any) -> Any:
    apart = {"anon_vma": None, "chain": 0} if "flags" not in changes else {}
    return _REPLACE(vma, **(changes | apart))


def _stays(mm: Any) -> Iterator[Any]:
    yield from ()
    return mm


_STAYS, _AREA, _REPLACE = writable.stays_read_only, unmapped_area.get_unmapped_area, mremap.replace
_HUGE, _USED, _PLACED = huge_programs(), operation_programs(), chosen_programs()
_POOLED, _PLAIN = hugetlb_programs(), programs()
_OLD = {"6.18": kernel_versions.PROFILES["6.18"]._replace(collapse_goes_on=True)}
_LAZY = {"6.18": kernel_versions.PROFILES["6.18"]._replace(lazyfree_whole=True)}

MUTANTS: tuple[Mutant, ...] = (
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
        "shared memory where the kernel puts it",
        mmap,
        "get_unmapped_area",
        _always_aligned,
        _PLACED,
        "mmap any 4K\nmmap any 2M shared\ntouch w top-2M 4K",
    ),
    Mutant(
        "a hole of exactly 2 MiB",
        mmap,
        "get_unmapped_area",
        _no_room_above,
        _PLACED,
        "mmap any 2M shared\nmmap any 2M\nmunmap top-2M 2M\nmmap any 2M\ntouch w top-2M 4K",
    ),
    Mutant(
        "the gap below a stack",
        expand_stack,
        "STACK_GUARD_GAP",
        0,
        _USED,
        "mmap s1 64K\nmmap s1+2M 64K growsdown\ntouch w s1+64K 4K",
    ),
    Mutant(
        "a page between the heap and what is above",
        brk,
        "PAGE_SIZE",
        0,
        _USED,
        "heap s1\nmmap s1+64K 4K\nbrk s1+64K",
    ),
    Mutant(
        "locked on fault",
        populate,
        "VM",
        type("VM", (VM,), {"LOCKONFAULT": 0}),
        _USED,
        "mmap s1 64K\nmlock s1 64K onfault",
    ),
    Mutant(
        "sealed memory",
        vma_change,
        "VM",
        type("VM", (VM,), {"SEALED": 0}),
        _USED,
        "mmap s1 64K r\ntouch r s1 64K\nmseal s1 64K\nmadvise DONTNEED s1 64K",
    ),
    Mutant(
        "a mapping that grows in a child",
        mremap,
        "replace",
        _grown_apart,
        _USED,
        "mmap s1 64K\ntouch w s1 64K\nfork 1\nmremap s1 64K 128K",
    ),
    Mutant(
        "pages of the pool that are promised",
        hugetlb_mapping,
        "hugetlb_reserve_pages",
        lambda file, wanted, private: None,
        _POOLED,
        "hugepages 2M 1\nmmap s1 4M hugetlb2M",
    ),
    Mutant(
        "a promise that stays when the page goes",
        hugetlb_entries,
        "restore_reservation",
        lambda machine, vma, index, frame: None,
        _POOLED,
        "hugepages 2M 1\nmmap s1 2M hugetlb2M\ntouch w s1 4K\nmadvise DONTNEED s1 2M\n"
        "mmap s2 2M hugetlb2M",
    ),
    Mutant(
        "a cut through a page of the pool",
        mmap,
        "may_split",
        lambda vma, address: None,
        _POOLED,
        "hugepages 2M 1\nmmap s1 2M hugetlb2M\nmunmap s1 1M",
    ),
    Mutant(
        "a page of the pool that parent and child share",
        hugetlb,
        "is_anon",
        lambda word: False,
        _POOLED,
        "hugepages 2M 2\nmmap s1 2M hugetlb2M\ntouch w s1 4K\nmprotect s1 2M r\nmprotect s1 2M rw\n"
        "mmap s2 2M hugetlb2M\ntouch w s1 4K",
    ),
)


MUTANTS += (
    Mutant(
        "a child in its parent's memory",
        process,
        "do_vfork",
        dup_mmap,
        _PLAIN,
        "mmap s1 64K\nvfork 1\ntouch w s1 4K\ntouch r s1 4K",
    ),
    Mutant(
        "a memory that exec leaves",
        process,
        "exec_mmap",
        _stays,
        _PLAIN,
        "mmap s1 64K\nfork 2\nexec\nmmap s1 64K",
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
        "a page of 1 GiB, which needs no PMD page",
        hugetlb,
        "upper_tables",
        lambda mm, address, walk, level: upper_tables(mm, address, walk),
        gigantic_programs(),
        "hugepages 1G 1\nmmap s1 1G hugetlb1G\ntouch w s1 4K",
    ),
    Mutant(
        "a PMD page that mappings of a file share",
        hugetlb,
        "huge_pmd_share",
        lambda mm, vma, address, walk: iter(()),
        shared_pmd_programs(),
        "hugepages 2M 1\nfile m 1G hugetlb2M\nmmap s1 1G file:m noreserve\n"
        "mmap s2 1G file:m noreserve\ntouch w s1 4K\ntouch w s2 4K",
    ),
)


class Noticed(Exception):
    """A program on which the mutant is seen."""


def rows(program: str) -> list[dict[str, Any]]:
    """What the simulator does in a program, and "unsupported" where it breaks off."""
    (scenario,) = parse(f"scenario random\n{program}", "random")
    return run(scenario, kernel="6.18")


def differs(mutant: Mutant, program: str) -> bool:
    """Whether a row of the program is another one on the mutant."""
    expected = rows(program)
    with patch.object(mutant.owner, mutant.name, mutant.broken):
        try:
            return rows(program) != expected
        except (AssertionError, IndexError, KeyError, TypeError):
            return True  # the broken rule leaves a state that no path can go on with


def programs_until_found(mutant: Mutant) -> int | None:
    """How many random programs it takes to notice the mutant; None if MOST do not."""
    tried = 0

    @hypothesis.settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(mutant.programs)
    def agree(program: str) -> None:
        nonlocal tried
        tried += 1
        if differs(mutant, program):
            raise Noticed

    try:
        for seed in range(MOST // BATCH):
            hypothesis.seed(seed)(agree)()
    except (Noticed, hypothesis.errors.Flaky):
        return tried
    return None


def main() -> int:
    """Print one line for each mutant; the exit status is 1 if one is not noticed."""
    missed = 0
    for mutant in MUTANTS:
        found = programs_until_found(mutant)
        missed += found is None
        print(f"{mutant.kind:50} {found or 'NOT FOUND'}", flush=True)
    print(f"{len(MUTANTS)} mutants, {missed} not found in {MOST} programs each")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
