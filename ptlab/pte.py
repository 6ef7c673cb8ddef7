"""The page-table entry: a 64-bit word, bit for bit as x86-64 Linux writes it.

Kernel source: arch/x86/include/asm/pgtable_types.h, pgtable.h, pgtable_64.h, pgtable-invert.h
(Linux 6.12). All functions take and return Python ints or numpy uint64 arrays of any shape.
Simplified: the NX bit is set on every page (nothing here is executable); no protection keys, no
encryption bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.geometry import PAGE_SHIFT

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


def table_entry(pfn: Any) -> Any:
    """The word of an entry that points to the table with page frame number `pfn`."""
    if isinstance(pfn, np.ndarray):
        return (pfn << U64(PAGE_SHIFT)) | U64(TABLE_FLAGS)
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


ZERO_PAGE_ENTRY = (ZERO_PFN << PAGE_SHIFT) | PRESENT | USER | ACCESSED | SPECIAL | NX
"""What do_anonymous_page() writes on a read fault: the shared zero page, special, read-only."""


def to_protnone(words: Any) -> Any:
    """PROT_NONE: not present for the MMU, present for the kernel, the frame number inverted."""
    flags = (words & ~U64(PFN_MASK | PRESENT | RW)) | U64(PROTNONE)
    frames = pfn(words) << U64(PAGE_SHIFT)
    return flags | (~frames & U64(PFN_MASK))


def from_protnone(words: Any) -> Any:
    """Undo `to_protnone`; the result is read-only until a fault or mprotect makes it writable."""
    flags = (words & ~U64(PFN_MASK | PROTNONE)) | U64(PRESENT)
    return flags | (pfn(words) << U64(PAGE_SHIFT))


def swap_entry(kind: int, offset: int) -> int:
    """The word of a swap-type entry: `kind` in bits 59 to 63, the inverted `offset` in bits 14 to 58.

    Source: __swp_entry() in arch/x86/include/asm/pgtable_64.h.
    """
    return (((~offset << 14) & 0xFFFF_FFFF_FFFF_FFFF) >> 5) | (kind << 59)


def is_none(words: Any) -> Any:
    """pte_none(): nothing there. (The kernel also ignores stray A/D bits; no path here leaves any.)"""
    return words == 0


def is_present(words: Any) -> Any:
    """pte_present(): a page is mapped, be it PROT_NONE."""
    return (
        words & (U64(PRESENT | PROTNONE) if isinstance(words, np.ndarray) else PRESENT | PROTNONE)
    ) != 0


def is_zero_page(words: Any) -> Any:
    """A present entry for the shared zero page."""
    return is_present(words) & (pfn(words) == ZERO_PFN)


def kind(word: int) -> str:
    """In one word what the entry is: none, table, page, zero, protnone or swap.

    `table` cannot be told from `page` by the bits alone; it is what an entry without NX is here.
    """
    if word == 0:
        return "none"
    if not word & (PRESENT | PROTNONE):
        return "swap"
    if word & PROTNONE and not word & PRESENT:
        return "protnone"
    if word & SPECIAL:
        return "zero"
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
