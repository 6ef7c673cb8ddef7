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
    huge_zero_wp: bool
    realign_move: bool
    move_many: bool


SINCE = {
    # Page faults try the VMA's read lock before mmap_lock (per-VMA locks).
    "vma_lock_fault": (6, 4),
    # MADV_DONTNEED and MADV_FREE do so too ("mm: use per_vma lock for MADV_DONTNEED").
    "vma_lock_zap": (6, 17),
    # A VMA with an anon_vma merges with a neighbour that has none, both ways round
    # ("mm/vma: fix incorrectly disallowed anonymous VMA merges").
    "merge_unfaulted": (6, 15),
    # mprotect to read-only takes VM_ACCOUNT off a VMA that was never written
    # ("mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect()").
    "unaccount": (6, 7),
    # MADV_REMOVE asks whether a shared mapping may be made writable; before, whether it is writable.
    "remove_maywrite": (6, 7),
    # MADV_GUARD_INSTALL and MADV_GUARD_REMOVE exist.
    "guard_regions": (6, 13),
    # A write to the huge zero page gives a huge page; before, it was split.
    "huge_zero_wp": (6, 13),
    # mremap rounds a move down to whole PTE pages where nothing else is mapped.
    "realign_move": (6, 7),
    # mremap moves a range of several VMAs, if it keeps its size.
    "move_many": (6, 17),
}
"""The version that brought each difference."""


def _profile(name: str, scheme: str) -> Profile:
    major, minor = map(int, name.split("."))
    return Profile(name, scheme, **{has: (major, minor) >= since for has, since in SINCE.items()})


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
