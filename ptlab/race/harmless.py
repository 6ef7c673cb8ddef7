"""Writes that need less than the lock of what they write."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.state.vma import VM, Vma

_BY_MMU = np.uint64(pte.ACCESSED | pte.DIRTY | pte.SOFT_DIRTY)


def only_marked(old: Any, new: Any) -> bool:
    """Whether all that a write does is set bits that the MMU sets too."""
    before, after = np.asarray(old, np.uint64), np.asarray(new, np.uint64)
    return not np.any(before & ~after) and not np.any(after & ~before & ~_BY_MMU)


def is_note(changed: list[Vma]) -> bool:
    """One VMA that gets an anon_vma, or VM_MAYBE_GUARD: it may be in use meanwhile."""
    if len(changed) != 2:
        return False
    a, b = changed
    same = (a.start, a.end, a.file, a.pgoff) == (b.start, b.end, b.file, b.pgoff)
    return same and not (a.flags ^ b.flags) & ~VM.MAYBE_GUARD
