"""What a trace is made of: rows of numbers, in the order in which they took effect.

Each row has the same columns. What `x`, `y` and `z` mean depends on the row's `op`:

    MAP      [at, at + length) is mapped. x: rights (PROT_*), y: MAP_* flags,
             file: number of the file from 1 on, 0 for none, z: offset in it
    UNMAP    munmap, or brk downwards
    ADVISE   madvise. x: the advice's number
    PROTECT  mprotect. x: rights
    REMAP    mremap of [at, at + length). x: new length, y: MREMAP_* flags, z: new address
    LOCK     mlock, mlock2. x: 1 for MLOCK_ONFAULT, else 0
    UNLOCK   munlock
    LOCKALL  mlockall. x: MCL_* flags, 0 for munlockall
    TOUCH    these pages have an entry since the last look. x: PAGE_IS_* of PAGEMAP_SCAN, and how
             the program used them first, if the recorder knows: WAS_READ or WAS_WRITTEN
    LOST     these pages have lost their entry, and no call said so. x: as in TOUCH
    FORK     the process gets the child x, which has a copy of its address space
    EXEC     a process with an empty address space. Its mappings follow as rows of MAP
    EXIT     its address space is gone
    RESIZE   ftruncate of `file`. x: new size
    PUNCH    fallocate(FALLOC_FL_PUNCH_HOLE) of `file`: `length` bytes from z on
    ALLOCATE fallocate of `file`: `length` bytes from z on
    SAMPLE   x: VmPTE in kB. y: the rows from here to this one were in flight when it was read
    UNKNOWN  a call that changes memory and is not understood. x: its number on x86-64, or what
             calls.not_understood() says
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base.lines import wrapped


class Op(IntEnum):
    """What a row says."""

    MAP = 1
    UNMAP = 2
    ADVISE = 3
    PROTECT = 4
    REMAP = 5
    LOCK = 6
    UNLOCK = 7
    TOUCH = 8
    LOST = 9
    FORK = 10
    EXEC = 11
    EXIT = 12
    RESIZE = 13
    PUNCH = 14
    ALLOCATE = 15
    SAMPLE = 16
    UNKNOWN = 17
    LOCKALL = 18


COLUMNS = ("clock", "took", "who", "op", "at", "length", "x", "y", "z", "file", "error")
"""clock: nanoseconds since the trace began, at the call's return; took: nanoseconds of the call.

who: number of the process, from 0 on; error: the errno of a call that failed, or 0.
"""

ROW = np.dtype([(name, "<i8") for name in COLUMNS])


class Row(NamedTuple):
    """One row of a trace; the columns say what the numbers are."""

    clock: int
    took: int
    who: int
    op: int
    at: int
    length: int
    x: int
    y: int
    z: int
    file: int
    error: int


_LONGEST = 75  # characters of a title

MAP_SHARED, MAP_ANONYMOUS, MAP_LOCKED = 0x1, 0x20, 0x2000
MAP_NORESERVE, MAP_POPULATE = 0x4000, 0x8000
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
WAS_READ, WAS_WRITTEN = 1 << 16, 1 << 17


@dataclass(frozen=True)
class Trace:
    """A recording.

    rows    an array of ROW
    about   what was recorded: "kernel" (its version), "program" (its command line), "recorder"
    """

    rows: NDArray[np.void]
    about: dict[str, Any] = field(default_factory=dict)

    def count(self, op: Op) -> int:
        """How many rows there are of a kind."""
        return int(np.count_nonzero(self.rows["op"] == op))

    @property
    def calls(self) -> int:
        """How many memory calls were recorded."""
        quiet = (Op.TOUCH, Op.LOST, Op.SAMPLE, Op.EXEC, Op.EXIT)
        return len(self.rows) - sum(map(self.count, quiet))

    @property
    def levels(self) -> int:
        """4 levels of page tables, or 5 if an address needs them."""
        return 5 if len(self.rows) and int(self.rows["at"].max()) >> 47 else 4

    @property
    def bounds(self) -> bool:
        """Whether what was touched is not known but assumed, as in the text of strace."""
        return self.about.get("recorder") == "strace"

    @property
    def samples(self) -> int:
        """How many samples of VmPTE there are."""
        return self.count(Op.SAMPLE)

    @property
    def program(self) -> str:
        """The command line."""
        found = self.about.get("program")
        return " ".join(map(str, found)) if isinstance(found, list) else "a program"

    @property
    def title(self) -> str:
        """What was recorded, short enough for a heading."""
        title = str(self.about.get("title", self.program))
        return title if len(title) <= _LONGEST else f"{title[:_LONGEST]}..."

    @property
    def sentence(self) -> str:
        """'Redis: ...: 151 calls, 69 samples of VmPTE'."""
        return f"{self.title}: {self.calls} calls, {self.samples} samples of VmPTE"

    def __str__(self) -> str:
        return wrapped(self.sentence, rest="  ")

    def __repr__(self) -> str:
        return f"<trace of {self.sentence}>"
