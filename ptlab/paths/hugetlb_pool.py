"""hugetlb: pages come from a pool, and a mapping reserves them before it uses them.

Kernel source: mm/hugetlb.c, vma_needs_reservation(), alloc_hugetlb_folio(), free_huge_folio(),
vma_add_reservation(); fs/hugetlbfs/inode.c, remove_inode_hugepages() (Linux 6.18).
"""

from __future__ import annotations

from ptlab.state.machine import Machine
from ptlab.state.page_cache import File
from ptlab.state.vma import Vma


def index_of(vma: Vma, address: int) -> int:
    """vma_hugecache_offset(): which huge page of its file an address is in."""
    return vma.page(address) // vma.hstate.pages


def indexes(vma: Vma) -> range:
    """All huge pages of a mapping."""
    first = index_of(vma, vma.start)
    return range(first, first + (vma.end - vma.start) // vma.hstate.size)


def vma_needs_reservation(vma: Vma, index: int) -> bool:
    """Whether no page is promised for this place: one must be free and promised to nobody."""
    if vma.shared:
        assert vma.file is not None
        assert vma.file.reserved is not None
        return not vma.file.reserved.count([index])
    return vma.reserved is None or bool(vma.reserved.count([index]))


def remove_inode_hugepages(file: File, first: int, last: int | None = None) -> None:
    """Huge pages [first, last) leave the page cache for the pool, and are promised no longer.

    To the end of the file (`last` None) promises go too where no page was; a hole leaves these.
    """
    h, inode_map = file.hstate, file.reserved
    assert h is not None
    assert inode_map is not None
    end = len(file.cache) if last is None else last * h.pages
    there = {
        page // h.pages for page in file.cached(first * h.pages, end - first * h.pages).tolist()
    }
    file.drop(first * h.pages, end - first * h.pages)
    for _ in there:
        h.give_back(False)
    gone = inode_map.delete(inode_map.above(first) if last is None else there)
    h.reserve(len(there) - gone)


def alloc_hugetlb_folio(machine: Machine, vma: Vma, index: int, for_owner: bool = False) -> int:
    """A page of the pool for one place of a mapping: its first frame, or 0 if there is none.

    `for_owner`: a copy for the owner of a private mapping, whose promise was used for the first page.
    """
    h = vma.hstate
    promised = not vma_needs_reservation(vma, index) and not for_owner
    if not h.free_huge_pages or not (promised or h.available):
        return 0
    h.take(promised)
    if not for_owner:  # vma_commit_reservation()
        kept = vma.file.reserved if vma.shared and vma.file else vma.reserved
        if kept is not None:
            kept.add([index])
    return machine.huge_frames(h.pages)


def free_huge_folio(machine: Machine, vma: Vma, frame: int) -> None:
    """Nobody maps an anonymous page any more: it goes back to the pool, perhaps promised again."""
    promised = machine.hugetlb.restores(frame)
    vma.hstate.give_back(promised)
    if promised:
        machine.hugetlb.set_restore(frame, False)


def restore_reservation(machine: Machine, vma: Vma, index: int, frame: int) -> None:
    """vma_add_reservation(): the owner gives up a page, and keeps the promise of one (6.9)."""
    if vma.reserved is not None and machine.profile.hugetlb_restore:
        machine.hugetlb.set_restore(frame, True)
        vma.reserved.delete([index])
