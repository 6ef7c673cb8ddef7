"""Levels, shifts, index arithmetic and sizes of x86-64 page tables.

Kernel source: arch/x86/include/asm/pgtable_64_types.h and page_64_types.h (Linux 6.12). Every table
has 512 entries of 8 bytes, whatever its level. With four levels the P4D is folded into the PGD and
has no page of its own; with five (LA57) it has.
"""

from __future__ import annotations

from enum import IntEnum

KiB = 1 << 10
MiB = 1 << 20
GiB = 1 << 30
TiB = 1 << 40

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
PAGE_MASK = ~(PAGE_SIZE - 1)
PTRS_PER_TABLE = 512


class Level(IntEnum):
    """The level of a table; its entries map `1 << shift(level)` bytes each."""

    PTE = 0
    PMD = 1
    PUD = 2
    P4D = 3
    PGD = 4


PMD_SHIFT, PUD_SHIFT, P4D_SHIFT = 21, 30, 39
PMD_SIZE = 1 << PMD_SHIFT
PUD_SIZE = 1 << PUD_SHIFT


class Geometry:
    """The shape of an address space with 4 or 5 levels of page tables.

    path       the levels a walk passes, top down: PGD first, PTE last
    steps      the same with the shift of each level
    above      for each level the shifts of those that a walk passes before it
    task_size  first address that user space can never map (TASK_SIZE_MAX): 2^47 or 2^56, less a page
    """

    def __init__(self, levels: int = 4) -> None:
        if levels not in (4, 5):
            raise ValueError(f"levels={levels!r}: x86-64 has 4 levels of page tables, or 5 (LA57)")
        self.levels = levels
        upper = (Level.PGD, Level.P4D) if levels == 5 else (Level.PGD,)
        self.path = (*upper, Level.PUD, Level.PMD, Level.PTE)
        self.task_size = (1 << (47 if levels == 4 else 56)) - PAGE_SIZE
        self._shifts = tuple(PAGE_SHIFT + 9 * level for level in Level)
        if levels == 4:
            self._shifts = (*self._shifts[: Level.PGD], P4D_SHIFT)  # the P4D is folded into the PGD
        self.steps = tuple((level, self._shifts[level]) for level in self.path)
        self.above = {
            level: tuple(shift for upper, shift in self.steps if upper > level)
            for level in self.path
        }

    def shift(self, level: Level) -> int:
        """log2 of the bytes that one entry of a table at `level` maps."""
        return self._shifts[level]

    def index(self, address: int, level: Level) -> int:
        """Index (0 to 511) of the entry for `address` in a table at `level`."""
        return (address >> self._shifts[level]) & (PTRS_PER_TABLE - 1)

    def span(self, level: Level) -> int:
        """Bytes that a whole table at `level` maps: 2 MiB, 1 GiB, 512 GiB, ..."""
        return PTRS_PER_TABLE << self._shifts[level]

    def base(self, address: int, level: Level) -> int:
        """First address that the table at `level` which covers `address` maps."""
        return address & -self.span(level)


def page_align(length: int) -> int:
    """Round `length` up to whole pages (PAGE_ALIGN)."""
    return (length + PAGE_SIZE - 1) & PAGE_MASK
