"""Kernel profiles: the differences between the Linux versions that ptlab knows, as data."""

from __future__ import annotations

from typing import NamedTuple

from ptlab.base.errors import unknown


class Profile(NamedTuple):
    """One kernel version: its name, the reclaim scheme it ships, and what it has (see SINCE)."""

    name: str
    scheme: str
    vma_lock_fault: bool
    vma_lock_zap: bool
    merge_unfaulted: bool
    unaccount: bool
    remove_maywrite: bool
    guard_regions: bool
    vma_lock_guard: bool
    mseal: bool
    advise_itself: bool
    huge_zero_wp: bool
    realign_move: bool
    move_many: bool
    clean_writable: bool
    split_dirty: bool
    thp_aligned: bool
    stack_small: bool
    nohuge_file: bool
    whole_finish: bool
    whole_around: bool
    collapse_in_place: bool
    collapse_builds: bool
    collapse_read_only: bool
    collapse_goes_on: bool
    shared_by_process: bool
    split_at_hole: bool
    zero_parts: bool
    hugetlb_restore: bool
    shmem_fits_vma: bool
    lazyfree_whole: bool


SINCE = {
    # Page faults try the VMA's read lock before mmap_lock (per-VMA locks).
    "vma_lock_fault": (6, 4),
    # MADV_DONTNEED and MADV_FREE do so too ("mm: use per_vma lock for MADV_DONTNEED").
    "vma_lock_zap": (6, 17),
    # A VMA with an anon_vma merges with a neighbour that has none, both ways round
    # ("mm/vma: fix incorrectly disallowed anonymous VMA merges", 879bca0a2c4f).
    "merge_unfaulted": (6, 16),
    # mprotect to read-only takes VM_ACCOUNT off a VMA that was never written
    # ("mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect()").
    "unaccount": (6, 7),
    # MADV_REMOVE asks whether a shared mapping may be made writable; before, whether it is writable.
    "remove_maywrite": (6, 7),
    # MADV_GUARD_INSTALL and MADV_GUARD_REMOVE exist.
    "guard_regions": (6, 13),
    # They try the VMA's read lock too, once the VMA has its anon_vma ("mm/madvise: allow guard page
    # install/remove under VMA lock").
    "vma_lock_guard": (6, 19),
    # mseal exists.
    "mseal": (6, 10),
    # process_madvise takes any advice from a process about itself.
    "advise_itself": (6, 13),
    # A write to the huge zero page gives a huge page; before, it was split.
    "huge_zero_wp": (6, 13),
    # mremap rounds a move down to whole PTE pages where nothing else is mapped.
    "realign_move": (6, 7),
    # mremap moves a range of several VMAs, if it keeps its size.
    "move_many": (6, 17),
    # mprotect makes a page writable at once even if it is clean, and a huge page too (7ea7e333842e,
    # c27f479ef542); before, only a dirty small page.
    "clean_writable": (6, 2),
    # Splitting a huge page keeps the dirty bit in the 512 entries (5436d6556937 reverts 624a2c94f5b7).
    "split_dirty": (6, 4),
    # Private anonymous memory of a multiple of 2 MiB is placed at a multiple of 2 MiB
    # (efa7df3e3bb5, d4148aeab412).
    "thp_aligned": (6, 7),
    # MAP_STACK asks for no huge pages (c4608d1bf7c6).
    "stack_small": (6, 7),
    # do_set_pmd() maps no huge page where MADV_NOHUGEPAGE was given (2b0f922323cc).
    "nohuge_file": (6, 12),
    # finish_fault() maps a whole large folio of shared memory (43e027e41423).
    "whole_finish": (6, 11),
    # Fault-around maps a whole large folio (357b92761d94).
    "whole_around": (6, 18),
    # MADV_COLLAPSE of a file maps the huge page where the PMD entry is empty, or in a VMA that has
    # an anon_vma (1d65b771bc08, a9846049c4e2).
    "collapse_in_place": (6, 6),
    # It builds the upper tables that are missing.
    "collapse_builds": (6, 18),
    # Anonymous memory is collapsed without a writable entry in the table.
    "collapse_read_only": (6, 18),
    # An empty PMD entry, or a guard marker, does not end the call ("mm/khugepaged: continue to
    # collapse on SCAN_PMD_NONE").
    "collapse_goes_on": (6, 19),
    # A file's huge page is shared if several processes map it; before, if it is mapped twice.
    "shared_by_process": (6, 15),
    # Truncation splits a large folio only as far as it must ("mm/truncate: use folio_split() in
    # truncate operation"); before, into single pages.
    "split_at_hole": (6, 15),
    # Splitting a huge page puts the shared zero page in place of parts full of zeros ("mm: remap
    # unused subpages to shared zeropage when splitting isolated thp").
    "zero_parts": (6, 12),
    # The owner of private hugetlb memory that gives a page up keeps the promise of one
    # ("mm/hugetlb: restore the reservation if needed", df7a6d1f6405).
    "hugetlb_restore": (6, 9),
    # A fault brings a huge page of shared memory only where it fits into the VMA (e7a2ab7b3bb5).
    "shmem_fits_vma": (6, 11),
}
"""The version that brought each difference."""

SEEN_IN = {
    # MADV_PAGEOUT drops a huge page that MADV_FREE has given up with one PMD entry, and its table
    # goes. The source has allowed it since 6.11; the recordings of the others split the page first.
    "lazyfree_whole": ("6.19",),
}
"""What only some recordings show, and no version explains."""


def _profile(name: str, scheme: str) -> Profile:
    major, minor = map(int, name.split("."))
    since = {has: (major, minor) >= version for has, version in SINCE.items()}
    return Profile(name, scheme, **since, **{has: name in seen for has, seen in SEEN_IN.items()})


PROFILES = {
    name: _profile(name, scheme)
    for name, scheme in {
        "6.1": "unmap_only",
        "6.12": "unmap_only",
        "6.18": "pt_reclaim",
        "6.19": "pt_reclaim",
        "7.3": "pt_reclaim",
    }.items()
}


def profile(name: str) -> Profile:
    """The profile called `name`; ValueError names the ones there are."""
    if name in PROFILES:
        return PROFILES[name]
    raise unknown("kernel", name, PROFILES)
