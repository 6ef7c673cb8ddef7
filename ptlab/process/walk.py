"""What the MMU does with an address: it reads one entry at each level, from the PGD down.

Source: Intel SDM volume 3, 4.5 (4-level and 5-level paging). Simplified: no TLB and no paging-structure
caches, so every level is read.
"""

from __future__ import annotations

from typing import NamedTuple

from ptlab.base import pte
from ptlab.base.lines import wrapped
from ptlab.draw.names import plural, table_name
from ptlab.draw.palette import KINDS, NONE_MEANING
from ptlab.process.arguments import whole_number
from ptlab.process.process import Process

_PAGES = ("page", "file", "zero", "huge")
_FAULTS = {
    "none": "is none: page fault",
    "swap": "is swapped out: page fault",
    "marker": "is a marker: SIGSEGV",
    "protnone": "allows no access: page fault",
}


class Read(NamedTuple):
    """One entry that the MMU reads: its table, by pfn and by name, which entry of it, and its word."""

    level: str
    table: int
    title: str
    entry: int
    word: int

    @property
    def kind(self) -> str:
        """What the entry is, as ptlab.base.pte.kind() names it."""
        return pte.kind(self.word)


class Walk(NamedTuple):
    """The way of an address through the tables. `print(walk)` tells it.

    reads     the entries that are read, the last one is where the way ends
    frame     the page frame, None if there is a page fault or a signal
    offset    of the byte in its page, of 4 KiB or (a huge page) of 2 MiB
    writable  whether the last entry allows writes
    """

    address: int
    reads: tuple[Read, ...]
    frame: int | None
    offset: int
    writable: bool

    @property
    def outcome(self) -> str:
        """What became of it, in one line."""
        end = self.reads[-1]
        reads = f"TLB miss, {plural(len(self.reads), 'read')}"
        if self.frame is None:
            return f"{reads}: {end.level} entry {end.entry} {_FAULTS[end.kind]}"
        size = "huge page, " if end.kind == "huge" else ""
        refused = "" if self.writable else ", a write faults"
        return f"{reads}: {size}frame {self.frame:#x} + {self.offset:#x}{refused}"

    def __str__(self) -> str:
        rows = [
            wrapped(
                f"{read.kind}: {KINDS[read.kind].meaning if read.kind in KINDS else NONE_MEANING}",
                f"  {read.title:<13} entry {read.entry:>3}  {read.word:#018x}  ",
            )
            for read in self.reads
        ]
        return "\n".join([f"{self.address:#x}", *rows, self.outcome])


def walk(process: Process, address: int) -> Walk:
    """Follow `address` through the tables of `process`, as they are now.

    ValueError if no user space has such an address.

    >>> p = Process("unmap_only")
    >>> heap = p.mmap(4096, at=1 << 44)
    >>> p.touch(heap)
    1
    >>> print(walk(p, heap + 8))
    0x100000000008
      PGD page 0    entry  32  0x0000000000001067  table: points to a lower table
      PUD page 1    entry   0  0x0000000000002067  table: points to a lower table
      PMD page 2    entry   0  0x0000000000003067  table: points to a lower table
      PTE page 3    entry   0  0x8000000100000867  page: maps a page
    TLB miss, 4 reads: frame 0x100000 + 0x8
    """
    address = whole_number("walk", "address", address)
    machine, table = process.machine, process.mm.pgd
    if not 0 <= address < machine.geometry.task_size:
        top = machine.geometry.task_size - 1
        raise ValueError(f"walk: address {address:#x}: user space has addresses 0 to {top:#x}")
    reads = []
    for level in machine.geometry.path:
        entry, name = machine.geometry.index(address, level), table_name(machine.mem, table)
        word = machine.mem.entries.word(table, entry)
        reads.append(Read(level.name, table, name, entry, word))
        if reads[-1].kind != "table":
            break
        table = pte.pfn(word)
    maps = reads[-1].kind in _PAGES
    frame = pte.pfn(word) if maps else None
    offset = address & ((1 << machine.geometry.shift(level)) - 1)
    return Walk(address, tuple(reads), frame, offset, bool(word & pte.RW))
