"""GUP-fast: look up a page without any lock, with interrupts off.

Kernel source: mm/gup.c, gup_fast_fallback() to gup_fast_pte_range() (Linux 6.12). While interrupts
are off, neither a flush that interrupts every CPU nor a grace period can end, so the tables on the
way stay. The entry and the PMD entry are read again once the page is taken. Simplified: reads only.
"""

from __future__ import annotations

from ptlab.base import pte
from ptlab.base.facts import Access
from ptlab.base.geometry import PAGE_SHIFT, PMD_SHIFT, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.state.mm import Mm


def gup_fast(mm: Mm, address: int) -> Path[int]:
    """Take the page at `address`: returns its frame, or 0 where GUP has to take the slow path."""
    machine, mem = mm.machine, mm.machine.mem
    slot, column = address >> PMD_SHIFT & 511, address >> 12 & 511
    yield from machine.lock("local_irq_save", "interrupts", 0, "read")
    pmd = mm.lookup(address, Level.PMD)
    if pmd and mem.shared.get(pmd):  # its process may let it go before the PMD entry is read
        yield Step(Kind.LOOK, "gup_fast_pud_range", pmd)
    upper = mem.entries.word(pmd, slot) if pmd else 0
    table = (upper & pte.PFN_MASK) >> PAGE_SHIFT
    frame, same = 0, False
    if upper & pte.PSE and upper & pte.PRESENT:
        frame = table + column
        machine.others.pin(frame)
        yield Step(Kind.HIT, "gup_fast_pmd_leaf", pmd, 1, 1, Access(address, False))
        same = mem.entries.word(pmd, slot) == upper
    elif table and not upper & pte.PSE:
        yield Step(Kind.LOOK, "gup_fast_pmd_range", table)
        word = mem.entries.word(table, column)
        if word & pte.PRESENT:
            if machine.others.several:  # another CPU may act before the reference is taken
                yield Step(Kind.LOOK, "gup_fast_pte_range", table)
            frame = int(pte.pfn(word))
            machine.others.pin(frame)
            yield Step(Kind.HIT, "try_grab_folio_fast", table, 1, 1, Access(address, False))
            same = mem.at(pmd, slot) == table and mem.entries.word(table, column) == word
    if frame and not same and not machine.others.lacks(Precaution.GUP_RECHECK):
        machine.others.unpin(frame)
        frame = 0
    elif frame:
        foreign = not upper & pte.PSE and mem.mm.item(table) != mm.id
        machine.others.keep(frame, foreign)
    yield machine.unlock("local_irq_restore", "interrupts")
    return frame
