"""Ways to leave empty tables on a kernel that reclaims them: for the second question of set 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ptlab.base.geometry import MiB
from ptlab.classroom.student_scenario import Left
from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE


class Trick(NamedTuple):
    """A way to leave empty tables.

    verbs        the operations that are allowed
    one_fault    one page fault and one operation for each table; else one fault for each
    extra_lines  operations besides
    """

    verbs: tuple[str, ...]
    one_fault: bool
    extra_lines: int


TRICKS = {
    "pieces": Trick(("mmap", "touch", "madvise_each"), False, 3),
    "file": Trick(("file", "mmap", "touch", "truncate", "punch"), False, 4),
    "moves": Trick(("mmap", "touch", "mremap"), True, 2),
}


@dataclass(frozen=True)
class Goal:
    """Leave `tables` empty PTE pages on `kernel`, in the way of the trick, from an address on.

    slot, mib  the area: 256 MiB above `mib` MiB of a slot of the scenario language
    """

    trick: str
    kernel: str
    tables: int
    slot: int
    mib: int

    @property
    def area(self) -> tuple[int, int]:
        """Where the scenario may work: [start, end)."""
        first = SLOT_BASE + self.slot * SLOT_SIZE + self.mib * MiB
        return first, first + 256 * MiB

    def at(self, mib: int, page: int = 0) -> str:
        """An address so far into the area, as the scenario language writes it."""
        return f"s{self.slot}+{self.mib + mib}M" + (f"+{page}P" if page else "")

    @property
    def verbs(self) -> tuple[str, ...]:
        """The operations that are allowed."""
        return TRICKS[self.trick].verbs

    @property
    def faults(self) -> int:
        """How many page faults are allowed."""
        return 1 if TRICKS[self.trick].one_fault else self.tables

    @property
    def lines(self) -> int:
        """How many operations are allowed."""
        trick = TRICKS[self.trick]
        return trick.extra_lines + (self.tables if trick.one_fault else 0)


USAGE = {
    "mmap": "mmap ADDR LEN [r|rw] [shared] [file:F]",
    "touch": "touch r|w ADDR LEN [STRIDE]         one access in every STRIDE bytes",
    "madvise_each": "madvise_each ADVICE ADDR LEN CHUNK  one madvise for every CHUNK bytes",
    "file": "file F SIZE",
    "truncate": "truncate F SIZE",
    "punch": "punch F OFFSET LEN",
    "mremap": "mremap ADDR OLDLEN NEWLEN to NEWADDR [maymove] [dontunmap]",
}
"""What the operations of the tricks take; numbers are 4096, 4K, 2M, 1P (pages), s0+2M."""


def shortfall(left: Left) -> tuple[str, str | None]:
    """The remark and the mistaken idea for a scenario that leaves too few empty tables."""
    if not left.faults:
        return "untouched", "untouched-memory-has-tables"
    if left.tables > left.empty:
        return "full", "full-is-empty"
    return "freed", None if left.tables else "everything-was-freed"
