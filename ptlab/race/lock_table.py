"""What protects what: for each kind of write, what its writer must hold, and who says so.

`race/protection.py` looks at every write with this table in hand, whatever the schedule.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One kind of write.

    written  what is written
    needs    what the writer must hold or must have done
    instead  what does as well
    kernels  the Linux versions it holds for
    source   where the kernel says so
    """

    written: str
    needs: str
    instead: str
    kernels: str
    source: str


_DOC = "Documentation/mm/process_addrs.rst (6.14), Page tables"

PTE_ENTRY = Rule(
    "an entry of a PTE page",
    "its PTE lock",
    "the MMU sets accessed and dirty bits by itself; nobody else finds a page that is not in a tree",
    "all",
    f"pte_offset_map_lock(), include/linux/mm.h; {_DOC}",
)
PMD_ENTRY = Rule(
    "an entry of a PMD page",
    "the PMD lock in that page",
    "free_pgtables(): mmap_lock, where no VMA is left in the span of the entry",
    "all",
    f"pmd_lock(), include/linux/mm.h; free_pgtables(), mm/memory.c; {_DOC}",
)
UPPER_ENTRY = Rule(
    "an entry of a PUD, P4D or PGD page",
    "page_table_lock",
    "free_pgtables(), as above",
    "all",
    f"pud_lock(), __pud_alloc(), mm/memory.c; {_DOC}",
)
UNHOOKED = Rule(
    "a table that is unhooked",
    "its own lock too, so that it stays empty",
    "a reference count at 0; or mmap_lock for write, with the i_mmap_rwsem of each file there, and from "
    "6.4 on the lock of each VMA; "
    "free_pgtables(), as above; a lock of the design that every walk takes (stays_empty)",
    "all",
    "try_to_free_pte(), mm/pt_reclaim.c (6.14); collapse_huge_page(), mm/khugepaged.c",
)
REACHED = Rule(
    "a table that is unhooked",
    "a lock under which it may be reached: mmap_lock, a VMA's lock or the file's i_mmap_rwsem",
    "held for read is enough",
    "all",
    f"{_DOC}: traversing",
)
FLUSHED = Rule(
    "a table that is freed or handed to RCU",
    "a TLB flush since it was unhooked",
    "",
    "all",
    "tlb_flush_mmu(), mm/mmu_gather.c",
)
GRACE_PERIOD = Rule(
    "a table that is freed at once",
    "a grace period",
    "before 6.5: mmap_lock for write while it was unhooked",
    "all",
    "pte_offset_map() and pte_free_defer(), mm/pgtable-generic.c (6.5)",
)
VMAS = Rule(
    "a VMA of a process, or a field of one",
    "mmap_lock for write",
    "for anon_vma and VM_MAYBE_GUARD: mmap_lock for read; for VM_MAYBE_GUARD the VMA's lock will do",
    "all",
    "include/linux/mm_types.h; __anon_vma_prepare(), mm/rmap.c; vma_set_atomic_flag() (6.18)",
)
VMA_LOCKED = Rule(
    "a VMA that comes, goes or changes",
    "the VMA's lock for write",
    "the last exit: nobody is left in the address space",
    "6.4 on",
    "vma_start_write() in __split_vma(), commit_merge() and __mmap_new_vma(), mm/vma.c (6.12)",
)
IN_FILE = Rule(
    "a VMA of a file that comes, or changes its place",
    "the file's i_mmap_rwsem for write",
    "",
    "all",
    "vma_prepare() and vma_link_file(), mm/vma.c (6.12)",
)
COUNT = Rule(
    "the reference count of a table",
    "an atomic operation (store.add)",
    "a plain write (store.put) under the PTE lock, or while nobody finds the table",
    "designs with a count",
    "include/linux/pte_ref.h of <20211110105428.32458-1-zhengqi.arch@bytedance.com>",
)

OWN_STATE = Rule(
    "what a design reads and then changes",
    "one lock around both, the same for all",
    "an atomic operation: store.add, or an attribute named in `written_atomically`",
    "designs that remember",
    "tools/memory-model/Documentation/access-marking.txt (6.12)",
)

TOGETHER = Rule(
    "two things that a design remembers, used between the same two steps",
    "one lock around both, the same wherever another task uses them",
    "a step between them; or nobody else uses either",
    "designs that remember",
    "tools/memory-model/Documentation/access-marking.txt (6.12)",
)

READ_BEFORE = Rule(
    "anything, in the step in which an entry, a state or a count of a table was read",
    "the lock of what was read, around both",
    "a step between the two; for an entry that points to a table, the lock in that table, or a visit "
    "that counts; for a walk down to PMD pages, the lock it is made under; a cmpxchg() of a count",
    "all",
    "tools/memory-model/Documentation/access-marking.txt (6.12); pte_offset_map_lock() (6.5)",
)

RULES = (
    PTE_ENTRY,
    PMD_ENTRY,
    UPPER_ENTRY,
    UNHOOKED,
    REACHED,
    FLUSHED,
    GRACE_PERIOD,
    VMAS,
    VMA_LOCKED,
    IN_FILE,
    COUNT,
    OWN_STATE,
    TOGETHER,
    READ_BEFORE,
)
