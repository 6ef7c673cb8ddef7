"""Where an address is mapped by a huge page: an entry of a PMD page (2 MiB) or of a PUD page (1 GiB)."""

from __future__ import annotations

from ptlab.base.geometry import Level
from ptlab.base.pte import PSE
from ptlab.state.mm import Mm


def huge_entry(mm: Mm, address: int) -> tuple[int, int]:
    """The table and the slot of the entry that maps a huge page there, or would; table 0 if missing."""
    pud, geometry = mm.lookup(address, Level.PUD), mm.machine.geometry
    slot = geometry.index(address, Level.PUD)
    if pud and mm.machine.mem.entries.word(pud, slot) & PSE:
        return pud, slot
    return mm.lookup(address, Level.PMD), geometry.index(address, Level.PMD)
