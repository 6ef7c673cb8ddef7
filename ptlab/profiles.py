"""Kernel profiles: what differs between the Linux versions that ptlab speaks of, as data."""

from __future__ import annotations

import difflib
from typing import NamedTuple


class Profile(NamedTuple):
    """One kernel version; the flags say what it has, with the version that brought it.

    scheme          name of the reclaim scheme it ships
    vma_lock_fault  page faults try the VMA's read lock first (6.4: per-VMA locks)
    vma_lock_zap    MADV_DONTNEED and MADV_FREE too (6.17: "mm: use per_vma lock for MADV_DONTNEED")
    merge_unfaulted a VMA with an anon_vma merges with a neighbour that has none, both ways round
                    (6.15: "mm/vma: fix incorrectly disallowed anonymous VMA merges")
    unaccount       mprotect to read-only takes VM_ACCOUNT off a VMA that was never written
                    (6.7: "mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect()")
    guard_regions   MADV_GUARD_INSTALL and MADV_GUARD_REMOVE exist (6.13)
    huge_zero_wp    a write to the huge zero page gives a huge page (6.13); before, it was split
    realign_move    mremap rounds a move down to whole PTE pages where nothing else is mapped (6.7)
    move_many       mremap moves a range of several VMAs, if it keeps its size (6.17)
    """

    name: str
    scheme: str
    vma_lock_fault: bool
    vma_lock_zap: bool
    merge_unfaulted: bool
    unaccount: bool
    guard_regions: bool
    huge_zero_wp: bool
    realign_move: bool
    move_many: bool


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("6.1", "unmap_only", False, False, False, False, False, False, False, False),
        Profile("6.12", "unmap_only", True, False, False, True, False, False, True, False),
        Profile("6.18", "pt_reclaim", True, True, True, True, True, True, True, True),
        Profile("6.19", "pt_reclaim", True, True, True, True, True, True, True, True),
        Profile("7.3", "pt_reclaim", True, True, True, True, True, True, True, True),
    )
}


def profile(name: str) -> Profile:
    """The profile called `name`; ValueError names the ones there are."""
    if name in PROFILES:
        return PROFILES[name]
    close = difflib.get_close_matches(name, PROFILES, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise ValueError(f"unknown kernel {name!r}{hint}: ptlab has {', '.join(PROFILES)}")
