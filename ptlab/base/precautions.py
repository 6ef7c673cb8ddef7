"""Precautions: what keeps concurrent tasks apart. A race scene can leave each of them out.

The paths ask for them only while several tasks run: `machine.others` is a Sanitizer then.
"""

from __future__ import annotations

from enum import StrEnum


class Precaution(StrEnum):
    """One precaution; the value says it in words."""

    RCU = "an unhooked table is freed only after a grace period"
    PMD_SAME = "after taking the PTE lock, look whether the PMD entry still points to the table"
    PTE_SAME = "after taking the PTE lock, look whether the entry is still as it was"
    PMD_NONE = "after taking the lock to install a table, look whether there is one now"
    DROP_LOCK = "drop the PMD lock before looking again at a table whose count is zero"
    FLUSH_FIRST = "flush the TLB before anything that it may translate to is freed"
    IPI = "a TLB flush is an interrupt, which waits for CPUs that have interrupts off"
    PUT_UNLOCKED = "put references after the PTE lock has been dropped"
    MMAP_WRITE = "munmap takes mmap_lock for write"
    RECHECK_PMD = "the slow path of PT_RECLAIM looks at the PMD entry again, under its lock"
    VMA_FIRST = "a collapse has the VMA's lock before it looks at the PMD entry again"
    FLUSH_LOCKED = "mremap flushes the TLB before it drops the PTE locks"
    ANON_VMA = "under the PTE lock a collapse looks whether the VMA has got pages of its own"
    GUP_RECHECK = "once GUP-fast has the page, it reads the PMD entry and the entry again"
    RETRACT_LOCKED = "a collapse that takes a file's table away holds the table's PTE lock"
    EXIT_ALONE = "exit_mmap has mmap_lock for write before it frees a table"
    HUGE_PMD = "before a PMD entry is followed, look whether it maps a huge page"
    STACK_LOCKED = "a stack grows under mmap_lock for write"
    PMD_WMB = "the zeroes of a new table are visible before the entry that points to it"
    UPTODATE_WMB = "the content of a new page is visible before the entry that maps it"
    WALK_CACHES = "the flush for a table that goes empties the paging-structure caches too"
    RMAP_LOCKS = "mremap keeps out who comes through the file, and looks at the PMD entry again"
    FOLIO_LOCK = "a fault maps a page of a file under the folio's lock, if the file still has it"
    NEW_VMA_LOCKED = "a new VMA is write-locked before a page fault can find it"
    UNSHARE_SYNC = "a shared PMD page is let go once no CPU is in it with interrupts off"
