"""hugetlb: shared mappings of a whole GiB share their PMD pages.

Kernel source: mm/hugetlb.c, want_pmd_share(), page_table_shareable(), huge_pmd_share(),
huge_pmd_unshare(), hugetlb_unshare_pmds() (Linux 6.18). The entries are then set once for all; a mapping
that changes its own part lets the whole page go, and faults bring it back.
"""

from __future__ import annotations

from ptlab.base.facts import Place, Sharing
from ptlab.base.geometry import PAGE_SHIFT, PMD_SIZE, PUD_SIZE, Level
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.table_alloc import upper_tables
from ptlab.state.mm import Count, Mm
from ptlab.state.shared_tables import clear_place, drop_place, places, share
from ptlab.state.vma import VM_LOCKED_MASK, Vma


def want_pmd_share(vma: Vma, address: int) -> bool:
    """Whether a shared mapping of 2 MiB pages covers all that a PMD page maps there."""
    base = address & -PUD_SIZE
    whole = vma.start <= base and base + PUD_SIZE <= vma.end
    return vma.shared and vma.hstate.size == PMD_SIZE and whole


def shareable_table(mm: Mm, vma: Vma, address: int) -> int:
    """The PMD page that another mapping of the file has for the same pages, or 0.

    page_table_shareable(): the same place in the page, and the same flags.
    """
    page = vma.page(address)
    for other in mm.machine.mms:
        for theirs in other.vmas:
            there = theirs.start + ((page - theirs.pgoff) << PAGE_SHIFT)
            if (
                theirs.file is vma.file
                and (theirs is not vma or other is not mm)
                and (there - address) % PUD_SIZE == 0
                and not (theirs.flags ^ vma.flags) & ~VM_LOCKED_MASK
                and theirs.start <= there < theirs.end
                and want_pmd_share(theirs, there)
                and other.lookup(there, Level.PMD)
            ):
                return int(other.lookup(there, Level.PMD))
    return 0


def huge_pmd_share(mm: Mm, vma: Vma, address: int, walk: object) -> Path[None]:
    """Hook another mapping's PMD page in, where this one has none yet."""
    machine, mem = mm.machine, mm.machine.mem
    if not want_pmd_share(vma, address):
        return
    pud = yield from upper_tables(mm, address, walk, Level.PUD)
    slot = machine.geometry.index(address, Level.PUD)
    if mem.at(pud, slot):
        return
    assert vma.file is not None
    yield from machine.lock("i_mmap_lock_read", "i_mmap_rwsem", vma.file.number, "read")
    table = shareable_table(mm, vma, address)
    if table:
        yield from machine.lock("huge_pmd_share", "page_table_lock", mm.id, "spin")
        share(mem, table, Place(pud, slot))
        mm.count(Count.PMD, 1)
        mm.count(Count.HUGETLB_SEEN, mem.filled(table) * vma.hstate.pages)
        fact = Sharing(Place(pud, slot), True, len(places(mem, table)))
        yield Step(Kind.SHARE, "huge_pmd_share", table, 1, 1, fact)
        yield machine.unlock("huge_pmd_share", "page_table_lock")
    yield machine.unlock("i_mmap_unlock_read", "i_mmap_rwsem")


def i_mmap_lock_write(mm: Mm, vma: Vma) -> Path[bool]:
    """Nobody comes by the file meanwhile, or shares a PMD page (hugetlb_zap_begin())."""
    assert vma.file is not None
    return mm.machine.lock("i_mmap_lock_write", "i_mmap_rwsem", vma.file.number, "write")


def i_mmap_unlock_write(mm: Mm) -> Step:
    """The other end of i_mmap_lock_write()."""
    return mm.machine.unlock("i_mmap_unlock_write", "i_mmap_rwsem")


def huge_pmd_unshare(mm: Mm, vma: Vma, address: int) -> Path[bool]:
    """Let a PMD page go that others use too, with all its entries. False: nobody else does."""
    mem = mm.machine.mem
    table = mm.lookup(address, Level.PMD) if vma.hstate.size == PMD_SIZE else 0
    if not table or len(places(mem, table)) == 1:
        return False
    pud, slot = mm.lookup(address, Level.PUD), mm.machine.geometry.index(address, Level.PUD)
    clear_place(mem, table, Place(pud, slot))
    if mm.machine.others.several and not mm.machine.others.lacks(Precaution.UNSHARE_SYNC):
        yield from mm.machine.interrupt_all("tlb_remove_table_sync_one", "sync")
    drop_place(mem, table, Place(pud, slot))
    mm.count(Count.PMD, -1)
    mm.count(Count.HUGETLB_SEEN, -mem.filled(table) * vma.hstate.pages)
    fact = Sharing(Place(pud, slot), False, len(places(mem, table)))
    yield Step(Kind.SHARE, "huge_pmd_unshare", table, 1, 1, fact)
    return True


def hugetlb_unshare_pmds(mm: Mm, vma: Vma, address: int) -> Path[None]:
    """A mapping is about to be cut at `address`: the part around it will be too short to share."""
    if vma.hugetlb and address % PUD_SIZE and want_pmd_share(vma, address):
        yield from i_mmap_lock_write(mm, vma)
        yield from huge_pmd_unshare(mm, vma, address & -PUD_SIZE)
        yield i_mmap_unlock_write(mm)


def after_shared(address: int) -> int:
    """Where the next PMD page's part begins."""
    return (address & -PUD_SIZE) + PUD_SIZE
