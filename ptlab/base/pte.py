"""The page-table entry: a 64-bit word, bit for bit as x86-64 Linux writes it.

Kernel source: arch/x86/include/asm/pgtable_types.h, pgtable.h, pgtable_64.h, pgtable-invert.h
(Linux 6.12). All functions take and return Python ints or numpy uint64 arrays of any shape.
Simplified: the NX bit is set on every page (nothing here is executable); no protection keys, no
encryption bit; a write-protected dirty page keeps DIRTY (6.6 and later move it to SAVED_DIRTY).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE

U64 = np.uint64

PRESENT = 1 << 0
RW = 1 << 1
USER = 1 << 2
ACCESSED = 1 << 5
DIRTY = 1 << 6
PSE = 1 << 7
PROTNONE = 1 << 8
SPECIAL = 1 << 9
SOFT_DIRTY = 1 << 11
NX = 1 << 63

PFN_MASK = ((1 << 52) - 1) & ~((1 << PAGE_SHIFT) - 1)
TABLE_FLAGS = PRESENT | RW | USER | ACCESSED | DIRTY
"""_PAGE_TABLE: the bits of an entry that points to a lower table."""

FLAGS: tuple[tuple[str, int, str], ...] = (
    ("PRESENT", 0, "present: the MMU may use the entry"),
    ("RW", 1, "writable"),
    ("USER", 2, "user space may use it"),
    ("ACCESSED", 5, "accessed: set by the MMU"),
    ("DIRTY", 6, "dirty: set by the MMU on a write"),
    ("PSE", 7, "page size: maps a huge page"),
    ("PROTNONE", 8, "PROT_NONE: a page is there, but no access is allowed"),
    ("SPECIAL", 9, "special: no struct page is counted (the zero page)"),
    ("SOFT_DIRTY", 11, "soft-dirty: written since the last clear_refs"),
    ("NX", 63, "not executable"),
)

ZERO_PFN = 0x2D0D
"""The shared zero page. (The number differs from boot to boot on a real machine.)"""

FIRST_FRAME = 0x100000
"""Data pages are numbered from here: 4 GiB up, so that they never look like a page-table page."""

FILE_FRAME = 1 << 38
"""Frames of the page cache have this bit in their number. A real kernel asks struct page instead."""

FILE = FILE_FRAME << PAGE_SHIFT
"""FILE_FRAME as it stands in a present word."""


def table_entry(pfn: Any) -> Any:
    """The word of an entry that points to the table with page frame number `pfn`."""
    if isinstance(pfn, np.ndarray):
        return (pfn.astype(U64) << U64(PAGE_SHIFT)) | U64(TABLE_FLAGS)
    return (pfn << PAGE_SHIFT) | TABLE_FLAGS


def pfn(word: Any) -> Any:
    """Page frame number of a non-none word; undoes the inversion of a PROT_NONE word (L1TF)."""
    if isinstance(word, np.ndarray):
        inverted = (word & U64(PRESENT)) == 0
        return (np.where(inverted, ~word, word) & U64(PFN_MASK)) >> U64(PAGE_SHIFT)
    return ((word if word & PRESENT else ~word) & PFN_MASK) >> PAGE_SHIFT


def anon_entry(pfn: Any, writable: bool) -> Any:
    """What do_anonymous_page() writes on a write fault: young, dirty, and writable if the VMA is."""
    flags = PRESENT | USER | ACCESSED | NX
    if writable:
        flags |= RW | DIRTY | SOFT_DIRTY
    if isinstance(pfn, np.ndarray):
        return (pfn << U64(PAGE_SHIFT)) | U64(flags)
    return (pfn << PAGE_SHIFT) | flags


_ANON_WRITABLE = anon_entry(0, True)


def anon_entries(first: int, count: int) -> Any:
    """anon_entry() of `count` writable pages from frame `first` on: an array, or one number for one."""
    start = first << PAGE_SHIFT | _ANON_WRITABLE
    if count == 1:
        return start
    return np.arange(start, start + (count << PAGE_SHIFT), PAGE_SIZE, dtype=U64)


ZERO_PAGE_ENTRY = (ZERO_PFN << PAGE_SHIFT) | PRESENT | USER | ACCESSED | SPECIAL | NX
"""What do_anonymous_page() writes on a read fault: the shared zero page, special, read-only."""

HUGE_ZERO_PFN = 0x2E00
"""First frame of the shared huge zero page."""


def file_entry(pfn: Any, writable: bool, dirty: bool) -> Any:
    """What set_pte_range() writes for a page of the page cache."""
    flags = PRESENT | USER | ACCESSED | NX
    flags |= RW if writable else 0
    flags |= DIRTY | SOFT_DIRTY if dirty else 0
    return (pfn << (U64(PAGE_SHIFT) if isinstance(pfn, np.ndarray) else PAGE_SHIFT)) | (
        U64(flags) if isinstance(pfn, np.ndarray) else flags
    )


_KEPT = ACCESSED | DIRTY | SOFT_DIRTY | SPECIAL | PSE
"""_PAGE_CHG_MASK without the frame: the flags that outlive a change of rights."""


def to_protnone(words: Any) -> Any:
    """PAGE_NONE: not present for the MMU, present for the kernel, the frame number inverted."""
    flags = (words & U64(_KEPT)) | U64(PROTNONE | ACCESSED)
    frames = pfn(words) << U64(PAGE_SHIFT)
    return flags | (~frames & U64(PFN_MASK))


def from_protnone(words: Any) -> Any:
    """Undo `to_protnone`; the result is read-only until a fault or mprotect makes it writable."""
    flags = (words & U64(_KEPT)) | U64(PRESENT | USER | ACCESSED | NX)
    return flags | (pfn(words) << U64(PAGE_SHIFT))


def protect(words: NDArray[np.uint64], prot: int, read_only: Any) -> NDArray[np.uint64]:
    """change_pte_range() on present words: `prot` is 0, or some of VM_READ, VM_WRITE and VM_EXEC.

    Made writable is what is not `read_only` (a mask), and not the zero page: those fault on a write.
    """
    closed = (words & U64(PRESENT)) == 0
    if not prot:
        return np.where(closed, words, to_protnone(words))
    opened = np.where(closed, from_protnone(words), words & ~U64(RW))
    if prot & 2:
        own = (
            ((opened & U64(SPECIAL)) == 0) & (pfn(opened) != HUGE_ZERO_PFN) & ~np.asarray(read_only)
        )
        opened = np.where(own, opened | U64(RW), opened)
    return opened


def swap_entry(kind: int, offset: int) -> int:
    """The word of a swap-type entry: `kind` in bits 59 to 63, the inverted `offset` in bits 9 to 58.

    Source: __swp_entry() in arch/x86/include/asm/pgtable_64.h.
    """
    return (((~offset << 14) & 0xFFFF_FFFF_FFFF_FFFF) >> 5) | (kind << 59)


MARKER_TYPE = 31
"""SWP_PTE_MARKER, the swap type of entries that only mark something (include/linux/swap.h)."""

GUARD_MARKER = swap_entry(MARKER_TYPE, 1 << 2)
"""PTE_MARKER_GUARD: what MADV_GUARD_INSTALL writes; an access is a SIGSEGV."""


def is_present(words: Any) -> Any:
    """pte_present(): a page is mapped, even if PROT_NONE forbids access to it."""
    return (
        words & (U64(PRESENT | PROTNONE) if isinstance(words, np.ndarray) else PRESENT | PROTNONE)
    ) != 0


def is_zero_page(words: Any) -> Any:
    """A present entry for the shared zero page."""
    return is_present(words) & (pfn(words) == ZERO_PFN)


def is_file(words: Any) -> Any:
    """A present entry for a page of the page cache."""
    return is_present(words) & (pfn(words) >= FILE_FRAME)


def is_marker(words: Any) -> Any:
    """A guard marker: it maps no page, and every access is refused."""
    return words == GUARD_MARKER


class Census(NamedTuple):
    """How many of some entries map what. `pages` are the process's own (anonymous)."""

    pages: int
    zero: int
    file: int
    swap: int


def census(words: Any, total: int | None = None) -> Census:
    """Count the non-none entries of `words` by what they map; O(entries), quick if all are alike.

    One word may be an int. `total` is their number, if the caller knows it.
    """
    if isinstance(words, int):
        return _census_of_one(words)
    if total is None:
        total = int(np.count_nonzero(words))
    plain = int(np.count_nonzero((words & _RARE) == _PRESENT))
    if plain == total:
        return Census(total, 0, 0, 0)
    present = is_present(words)
    frames = pfn(words)
    there = int(np.count_nonzero(present))
    zero = int(np.count_nonzero(present & (frames == ZERO_PFN)))
    file = int(np.count_nonzero(present & (frames >= FILE_FRAME)))
    return Census(there - zero - file, zero, file, total - there)


def _census_of_one(word: int) -> Census:
    if word & (PRESENT | SPECIAL | FILE) == PRESENT:
        return _ONE_PAGE
    if not is_present(word):
        return Census(0, 0, 0, int(word != 0))
    if pfn(word) == ZERO_PFN:
        return Census(0, 1, 0, 0)
    return Census(0, 0, 1, 0) if is_file(word) else _ONE_PAGE


_ONE_PAGE = Census(1, 0, 0, 0)
_RARE, _PRESENT = U64(PRESENT | SPECIAL | FILE), U64(PRESENT)


def kind(word: int) -> str:
    """What the entry is, in one word: none, page, file, zero, huge, protnone, marker, swap or table.

    The bits alone do not distinguish `table` from `page`; it is what an entry without NX is here.
    """
    if word == 0:
        return "none"
    if not word & (PRESENT | PROTNONE):
        return "marker" if word == GUARD_MARKER else "swap"
    if word & PROTNONE and not word & PRESENT:
        return "protnone"
    if word & PSE:
        return "huge"
    if word & SPECIAL:
        return "zero"
    if word & FILE:
        return "file"
    return "page" if word & NX else "table"


def flag_names(word: int) -> list[str]:
    """Names of the bits set in `word`, low bit first: `['PRESENT', 'RW', ...]`."""
    return [name for name, bit, _ in FLAGS if word >> bit & 1]


def decode(word: int) -> str:
    """One line that spells out an entry.

    >>> decode(0x8000000100000867)
    '0x8000000100000867  page  pfn 0x100000  PRESENT RW USER ACCESSED DIRTY SOFT_DIRTY NX'
    """
    what = kind(word)
    if what == "none":
        return "0x0000000000000000  none"
    where = "" if what == "swap" else f"  pfn {pfn(word):#x}"
    return f"{word:#018x}  {what}{where}  {' '.join(flag_names(word))}"
