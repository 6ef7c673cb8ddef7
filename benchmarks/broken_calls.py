"""Rules about places, calls, programs and pools that `make fuzz-mutants` breaks one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.broken_huge_pages import Mutant
from ptlab.base.geometry import PMD_SIZE
from ptlab.kernels.random_hugetlb import gigantic_programs, hugetlb_programs, shared_pmd_programs
from ptlab.kernels.random_operations import chosen_programs, operation_programs
from ptlab.kernels.random_programs import programs
from ptlab.paths import (
    brk,
    expand_stack,
    hugetlb,
    hugetlb_entries,
    hugetlb_mapping,
    mmap,
    mremap,
    populate,
    unmapped_area,
    vma_change,
)
from ptlab.paths.fork import dup_mmap
from ptlab.paths.table_alloc import upper_tables
from ptlab.process import process
from ptlab.state.vma import VM


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


_AREA, _REPLACE = unmapped_area.get_unmapped_area, mremap.replace
_USED, _PLACED = operation_programs(), chosen_programs()
_POOLED, _PLAIN = hugetlb_programs(), programs()

MUTANTS = (
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
