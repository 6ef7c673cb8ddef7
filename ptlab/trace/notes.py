"""What a recorder writes down: rows, the clock, and the numbers of files and processes."""

from __future__ import annotations

import time
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SIZE
from ptlab.observe.mappings import Mapping
from ptlab.paths.madvise import MADV_DONTNEED
from ptlab.trace.calls import Fields
from ptlab.trace.rows import MAP_ANONYMOUS, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE, ROW, Op


class Notes:
    """The rows so far."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._until: dict[int, int] = {}
        self._files: dict[str, int] = {}
        self._began = time.monotonic_ns()
        self._numbers = count()

    def clock(self) -> int:
        """Nanoseconds since the recording began."""
        return time.monotonic_ns() - self._began

    def process(self) -> int:
        """The number of a new process."""
        return next(self._numbers)

    def file(self, name: str) -> int:
        """The number of a file, given as "device:inode"; 0 for no file."""
        return self._files.setdefault(name, len(self._files) + 1) if name else 0

    def add(self, who: int, fields: Fields, began: int | None = None, error: int = 0) -> None:
        """One row, of now. `began`: the clock when the call was entered."""
        now = self.clock()
        took = 0 if began is None else now - began
        self._rows.append((now, took, who, *fields, error))

    def mapping(self, who: int, one: Mapping, was_written: bool) -> None:
        """A mapping that is there already. With `was_written` its rights() follow.

        Memory that may be written, or could be once, is accounted for (VM_ACCOUNT). So the kernel
        keeps it apart from its neighbours in the file that never could.
        """
        flags = (0 if one.file else MAP_ANONYMOUS) | (MAP_SHARED if one.rights[3] == "s" else 0)
        rights = PROT_READ | PROT_WRITE if was_written else _rights(one)
        length, file = one.end - one.start, self.file(one.file)
        self.add(who, Fields(Op.MAP, one.start, length, rights, flags, one.offset, file))

    def empty_table(self, who: int, at: int) -> None:
        """A PTE page that is empty at the start: as if a page had come and gone."""
        self.add(who, Fields(Op.TOUCH, at, PAGE_SIZE))
        self.add(who, Fields(Op.ADVISE, at, PAGE_SIZE, MADV_DONTNEED))

    def rights(self, who: int, one: Mapping) -> None:
        """The rights of a mapping that is there at the start."""
        if (rights := _rights(one)) & 3 != 3:
            self.add(who, Fields(Op.PROTECT, one.start, one.end - one.start, rights))

    def runs(self, who: int, op: Op, runs: NDArray[np.void]) -> None:
        """Pages that have an entry now, or have none any more."""
        for start, end, kind in runs.tolist():
            self.add(who, Fields(op, start, end - start, kind))

    def sample(self, who: int, vmpte_kb: int) -> int:
        """VmPTE of a process; returns the sample's number for `settled`."""
        self.add(who, Fields(Op.SAMPLE, x=vmpte_kb))
        number = len(self._rows) - 1
        self._until[number] = number
        return number

    def settled(self, sample: int) -> None:
        """The rows from the sample to here say what was in flight when it was taken."""
        self._until[sample] = len(self._rows) - 1

    def rows(self) -> NDArray[np.void]:
        """All rows, as an array of ROW."""
        found = np.array(self._rows, ROW)
        found["y"][list(self._until)] = list(self._until.values())
        return found


def _rights(one: Mapping) -> int:
    bits = (PROT_READ, PROT_WRITE, PROT_EXEC)
    return sum(bit for bit, sign in zip(bits, one.rights, strict=False) if sign != "-")
