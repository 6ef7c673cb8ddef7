"""Transparent huge pages: a PMD entry that maps 2 MiB itself, with a PTE page held in reserve.

Kernel source: mm/huge_memory.c, mm/pgtable-generic.c (Linux 6.12). An anonymous huge page deposits
a PTE page, because a later split may not allocate; VmPTE counts it. A file's huge page needs none:
its "split" only clears the entry. Simplified: huge pages are always available; khugepaged never
runs on its own; no PUD-sized pages.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.facts import (
    FREED,
    Change,
    EntriesChanged,
    EntriesCleared,
    EntriesProtected,
    EntriesSet,
    Maps,
    Moved,
    Place,
)
from ptlab.base.geometry import PAGE_SHIFT, PMD_SIZE, PTRS_PER_TABLE, Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, first_of
from ptlab.paths.recheck import folio_trylock, folio_unlock, still_has
from ptlab.paths.table_alloc import pte_free
from ptlab.paths.writable import stays_read_only
from ptlab.state.memmap import State
from ptlab.state.mm import Count, Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma

U64 = np.uint64
HPAGE_PMD_NR = PTRS_PER_TABLE
_HUGE_ZERO = (pte.ZERO_PAGE_ENTRY & ~(pte.PFN_MASK | pte.SPECIAL)) | pte.PSE
HUGE_ZERO_ENTRY = _HUGE_ZERO | (pte.HUGE_ZERO_PFN << PAGE_SHIFT)


def thp_vma_allowable(mm: Mm, vma: Vma, address: int) -> bool:
    """A fault at `address` may map a huge page: anonymous, wanted, all 2 MiB in the VMA.

    `madvise` (transparent_hugepage/enabled) wants MADV_HUGEPAGE, `always` no MADV_NOHUGEPAGE. The
    setting for shared memory, shmem_enabled, is `never`.
    """
    mode = mm.machine.thp
    if mode == "madvise":
        wanted = vma.flags & VM.HUGEPAGE
    else:
        wanted = mode == "always" and not vma.flags & VM.NOHUGEPAGE
    base = address & -PMD_SIZE
    inside = vma.start <= base and base + PMD_SIZE <= vma.end
    return bool(wanted) and vma.file is None and inside


def is_huge_zero(word: int) -> bool:
    """Whether a huge entry maps the shared huge zero page."""
    return int(pte.pfn(word)) == pte.HUGE_ZERO_PFN


def do_huge_pmd_anonymous_page(mm: Mm, vma: Vma, pmd: int, slot: int, write: bool) -> Path[None]:
    """The fault in an empty PMD entry: a huge page on a write, the huge zero page on a read.

    If another fault was faster, nothing is left to do.
    """
    machine = mm.machine
    table = int(machine.mem.alloc(mm.id, Level.PTE))
    yield Step(Kind.ALLOC, "pte_alloc_one", table)
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    if machine.mem.at(pmd, slot):
        yield machine.unlock("spin_unlock", "pmd_lock")
        yield pte_free(machine, table)
        return
    yield pgtable_trans_huge_deposit(mm, pmd, slot, table)
    if write:
        word = pte.anon_entry(machine.huge_frames(), bool(vma.flags & VM.WRITE)) | pte.PSE
        machine.pages.new_huge(frames_of(word))
        fn = "__do_huge_pmd_anonymous_page"
    else:
        word, fn = HUGE_ZERO_ENTRY, "set_huge_zero_folio"
    yield _map(mm, pmd, slot, word, fn)
    yield machine.unlock("spin_unlock", "pmd_lock")


def do_set_pmd(mm: Mm, pmd: int, slot: int, file: File, page: int, writable: bool) -> Path[bool]:
    """Map a huge page of the page cache, if nothing is there. Nothing is deposited on x86.

    False: another task has the folio's lock.
    """
    machine, frame = mm.machine, file.frame(page)
    if not (yield from folio_trylock(file)):
        return False
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    last = page + HPAGE_PMD_NR - 1
    there = still_has(file, last, frame + HPAGE_PMD_NR - 1) and file.is_huge(page)
    if there and not machine.mem.at(pmd, slot):
        yield _map(mm, pmd, slot, pte.file_entry(frame, writable, False) | pte.PSE, "do_set_pmd")
    yield machine.unlock("spin_unlock", "pmd_lock")
    yield from folio_unlock(file)
    return True


def _map(mm: Mm, pmd: int, slot: int, word: int, fn: str) -> Step:
    """Enter a huge mapping and count it. Its content is visible before (__folio_mark_uptodate())."""
    mm.machine.others.smp_wmb()
    mm.machine.mem.write(pmd, slot, word)
    count_huge(mm, word, 1)
    return Step(Kind.SET, fn, pmd, 1, 1, EntriesSet(slice(slot, slot + 1), Maps.HUGE))


def count_huge(mm: Mm, word: int, sign: int) -> None:
    """Count a huge mapping that comes or goes."""
    mm.count(Count.HUGE, sign)
    if is_huge_zero(word):
        mm.count(Count.HUGE_ZERO, sign)
    else:
        which = Count.FILE if pte.pfn(word) >= pte.FILE_FRAME else Count.ANON
        mm.count(which, sign * HPAGE_PMD_NR)


def frames_of(word: int) -> Any:
    """The 512 frames of a huge mapping."""
    first = int(pte.pfn(word))
    return np.arange(first, first + HPAGE_PMD_NR, dtype=U64)


def pgtable_trans_huge_deposit(mm: Mm, pmd: int, slot: int, table: int) -> Step:
    """Keep a PTE page in reserve for the huge page at `slot`; mm_inc_nr_ptes() counts it."""
    mm.machine.mem.deposit(pmd, slot, table)
    mm.count(Count.PTE, 1)
    return Step(Kind.DEPOSIT, "pgtable_trans_huge_deposit", table)


def do_huge_pmd_wp_page(mm: Mm, pmd: int, slot: int) -> Path[bool]:
    """A write to a read-only huge page. False: it was split, and the PTE level must handle the write.

    The page is reused if nobody else maps it. The huge zero page becomes a huge page of its own
    (6.13); older kernels split it.
    """
    machine = mm.machine
    word = machine.mem.entries.word(pmd, slot)
    if is_huge_zero(word):
        if not machine.profile.huge_zero_wp:
            yield from split_huge_pmd(mm, pmd, slot)
            return False
        new = pte.anon_entry(machine.huge_frames(), True) | pte.PSE
        machine.pages.new_huge(frames_of(new))
    elif machine.pages.shared(frames_of(word)).any():
        yield from split_huge_pmd(mm, pmd, slot)
        return False
    else:
        new = word | pte.RW | pte.DIRTY | pte.SOFT_DIRTY | pte.ACCESSED
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    if machine.mem.entries.word(pmd, slot) != word:  # pmd_same(): the access faults again
        yield machine.unlock("spin_unlock", "pmd_lock")
        return True
    machine.mem.write(pmd, slot, new)
    machine.pages.reuse(frames_of(new))
    count_huge(mm, word, -1)
    count_huge(mm, new, 1)
    fact = EntriesChanged(slice(slot, slot + 1), Change.WRITABLE)
    yield Step(Kind.CHANGE, "do_huge_pmd_wp_page", pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")
    return True


def split_huge_pmd(mm: Mm, pmd: int, slot: int) -> Path[None]:
    """__split_huge_pmd(): the deposited PTE page takes the place of the huge entry, all 512 set.

    A file's huge page is not split: its entry is cleared, and faults bring it back. Nothing happens
    if another task has split or zapped it.
    """
    machine, mem = mm.machine, mm.machine.mem
    yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
    if not mm.is_huge(pmd, slot):
        yield machine.unlock("spin_unlock", "pmd_lock")
        return
    word = mem.entries.word(pmd, slot)
    mem.write(pmd, slot, 0)
    count_huge(mm, word, -1)
    if pte.pfn(word) >= pte.FILE_FRAME:
        fact = EntriesCleared(slice(slot, slot + 1))
        yield Step(Kind.CLEAR, "pmdp_huge_clear_flush", pmd, 1, 1, fact)
    else:
        table = mem.withdraw(pmd, slot)
        if is_huge_zero(word):
            words: Any = np.full(HPAGE_PMD_NR, pte.ZERO_PAGE_ENTRY, U64)
        else:
            frames = frames_of(word) << U64(PAGE_SHIFT)
            dirty = 0 if machine.profile.split_dirty else pte.DIRTY  # the folio has it
            plain = U64(word & ~pte.PFN_MASK & ~pte.PSE & ~dirty)
            closed = not word & pte.PRESENT
            words = ((~frames & U64(pte.PFN_MASK)) if closed else frames) | plain
        mem.write(table, slice(0, HPAGE_PMD_NR), words)
        mm.count_pages(pte.census(words), 1)
        machine.scheme.table_withdrawn(mm, table)
        machine.others.smp_wmb()
        mem.hook(table, pmd, slot)
        yield Step(Kind.SPLIT, "__split_huge_pmd", table, HPAGE_PMD_NR)
    yield machine.unlock("spin_unlock", "pmd_lock")


@not_in_kernel
def split_if_huge(mm: Mm, pmd: int, slots: Slots) -> Path[bool]:
    """Whether PTE pages are below `slots` now: a huge page there is split; a file's is unmapped."""
    if not mm.is_huge(pmd, slots):
        return True
    yield from split_huge_pmd(mm, pmd, first_of(slots))
    return bool(mm.machine.mem.at(pmd, first_of(slots)))


def zap_huge_pmd(mm: Mm, tlb: MmuGather, pmd: int, slot: int) -> Path[bool]:
    """Unmap a whole huge page. Its deposited PTE page goes at once: no walker can have seen it.

    False: another task has split or zapped it.
    """
    machine, mem = mm.machine, mm.machine.mem
    yield from machine.lock("pmd_trans_huge_lock", "pmd_lock", pmd, "spin")
    if not mm.is_huge(pmd, slot):
        yield machine.unlock("spin_unlock", "pmd_lock")
        return False
    word = mem.entries.word(pmd, slot)
    mem.write(pmd, slot, 0)
    count_huge(mm, word, -1)
    if not is_huge_zero(word):
        machine.pages.unshare(pte.anon_entry(frames_of(word), False))
        tlb.add_pages(1)
    yield Step(Kind.CLEAR, "zap_huge_pmd", pmd, 1, 1, EntriesCleared(slice(slot, slot + 1)))
    if pte.pfn(word) < pte.FILE_FRAME:
        yield zap_deposited_table(mm, pmd, slot)
    yield machine.unlock("spin_unlock", "pmd_lock")
    return True


def zap_deposited_table(mm: Mm, pmd: int, slot: int) -> Step:
    """Withdraw the PTE page held in reserve and free it; mm_dec_nr_ptes()."""
    table = mm.machine.mem.withdraw(pmd, slot)
    mm.count(Count.PTE, -1)
    mm.machine.store.put(mm.machine.mem, "state", table, int(State.FREED))
    return Step(Kind.FREE, "zap_deposited_table", table, fact=FREED)


def change_huge_pmd(mm: Mm, vma: Vma, pmd: int, slot: int, prot: int) -> Path[int]:
    """mprotect of a whole huge page. Returns 1, or 0 if a truncate has taken it away."""
    machine, mem = mm.machine, mm.machine.mem
    yield from machine.lock("pmd_trans_huge_lock", "pmd_lock", pmd, "spin")
    if not mm.is_huge(pmd, slot):
        yield machine.unlock("spin_unlock", "pmd_lock")
        return 0
    word = np.array([mem.entries.word(pmd, slot)], U64)
    new = pte.protect(word, prot, stays_read_only(mm, vma, word, huge=True))
    mem.write(pmd, slot, int(new[0]))
    fact = EntriesProtected(slice(slot, slot + 1), prot)
    yield Step(Kind.CHANGE, "change_huge_pmd", pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")
    return 1


def move_huge_pmd(mm: Mm, old: Place, new: Place) -> Path[None]:
    """mremap: the huge entry goes from one (PMD page, slot) to another, its deposit with it."""
    machine, mem = mm.machine, mm.machine.mem
    yield from machine.lock("pmd_lock", "pmd_lock", old[0], "spin")
    if new[0] != old[0]:
        yield from machine.lock("spin_lock_nested", "pmd_lock", new[0], "spin")
    if mm.is_huge(*old):  # otherwise a truncate has taken it away
        word = mem.entries.word(*old)
        mem.write(*old, 0)
        mem.write(*new, word | pte.SOFT_DIRTY if word & pte.PRESENT else word)
        if pte.pfn(word) < pte.FILE_FRAME:
            mem.deposit(*new, mem.withdraw(*old))
        yield Step(Kind.MOVE, "move_huge_pmd", new[0], 1, 1, Moved(old, new, huge=True))
    if new[0] != old[0]:
        yield machine.unlock("spin_unlock", "pmd_lock")
    yield machine.unlock("spin_unlock", "pmd_lock")


def copy_huge_pmd(mm: Mm, child: Mm, pmd: int, slot: int, child_pmd: int) -> Path[None]:
    """fork: the child maps the same huge page, read-only on both sides, and deposits a PTE page."""
    machine, mem = mm.machine, mm.machine.mem
    table = int(mem.alloc(child.id, Level.PTE))
    yield Step(Kind.ALLOC, "pte_alloc_one", table)
    yield from machine.lock("pmd_lock", "pmd_lock", child_pmd, "spin")
    yield from machine.lock("spin_lock_nested", "pmd_lock", pmd, "spin")
    word = mem.entries.word(pmd, slot)
    yield pgtable_trans_huge_deposit(child, child_pmd, slot, table)
    if not is_huge_zero(word):
        machine.pages.share(frames_of(word))
    word &= ~pte.RW
    mem.write(pmd, slot, word)
    mem.write(child_pmd, slot, word)
    count_huge(child, word, 1)
    fact = EntriesSet(slice(slot, slot + 1), Maps.HUGE)
    yield Step(Kind.SET, "copy_huge_pmd", child_pmd, 1, 1, fact)
    yield machine.unlock("spin_unlock", "pmd_lock")
    yield machine.unlock("spin_unlock", "pmd_lock")
