"""folio_mapped() while tasks race: an atomic read of _mapcount, which looks at no page table.

Kernel source: include/linux/mm.h, folio_mapped(); mm/rmap.c, folio_add_file_rmap_ptes() and
folio_remove_rmap_ptes(), which count under the PTE lock (Linux 6.12). Additions commute with each
other, not with one who reads.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.footprint import Access
from ptlab.race.lost_pages import some
from ptlab.state.machine import Machine
from ptlab.state.memmap import State


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""


class Mapcount:
    """Which pages of files are mapped."""

    def __init__(self, notes: Notes, tasks: int) -> None:
        self._notes, self._tasks = notes, tasks

    def changed(self, old: Any, new: Any) -> None:
        """Entries are written that were `old`."""
        if some(pte.is_file(old) != pte.is_file(new)):
            self._notes.note(("mapped", self._notes.machine.task), Access.WRITE)

    def of(self, frames: NDArray[Any]) -> bool:
        """Whether an entry maps one of these pages."""
        for task in range(self._tasks):
            self._notes.note(("mapped", task), Access.READ)
        mem = self._notes.machine.mem
        entries: Any = getattr(mem.entries, "raw", mem.entries)
        states: Any = getattr(mem.state, "raw", mem.state)
        for table in np.flatnonzero(states[: len(mem)] == State.LIVE).tolist():
            words = entries[table, :]
            if np.isin(pte.pfn(words[pte.is_file(words)]), frames).any():
                return True
        return False
