"""GUP-fast: look up a page without any lock, with interrupts off.

Kernel source: mm/gup.c, gup_fast_fallback() to gup_fast_pte_range() (Linux 6.12). While interrupts
are off, neither a flush that interrupts every CPU nor a grace period can end, so the tables on the
way stay. The entry and the PMD entry are read again once the page is taken. Simplified: reads only.
"""

from __future__ import annotations

from ptlab.base import pte
from ptlab.base.facts import Access
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.state.mm import Mm


def gup_fast(mm: Mm, address: int) -> Path[int]:
    """Take the page at `address`: returns its frame, or 0 where GUP has to take the slow path."""
    machine, mem = mm.machine, mm.machine.mem
    slot, column = address >> PMD_SHIFT & 511, address >> 12 & 511
    yield from machine.lock("local_irq_save", "interrupts", 0, "read")
    pmd = mm.lookup(address, Level.PMD)
    upper = mem.entries.word(pmd, slot) if pmd else 0
    table = (upper & pte.PFN_MASK) >> PAGE_SHIFT
    frame = 0
    if upper & pte.PSE:
        yield Step(Kind.HIT, "gup_fast_pmd_leaf", pmd, 1, 1, Access(address, False))
        same = mem.entries.word(pmd, slot) == upper
        frame = table + column if same and upper & pte.PRESENT else 0
    elif table:
        yield Step(Kind.LOOK, "gup_fast_pmd_range", table)
        word = mem.entries.word(table, column)
        if word & pte.PRESENT:
            yield Step(Kind.HIT, "try_grab_folio_fast", table, 1, 1, Access(address, False))
            same = mem.at(pmd, slot) == table and mem.entries.word(table, column) == word
            frame = int(pte.pfn(word)) if same else 0
    yield machine.unlock("local_irq_restore", "interrupts")
    return frame
