"""A trace on simulated processes, under one design.

Simplified: all files are as large as what is mapped of them. A file that is mapped as private at
first is wholly in the page cache, shared memory only where it was touched. The page cache decides
which pages a read fault maps around the one it was for (fault-around), so entries of files may
differ from the real ones; tables do not. Unless the recording says which it was, pages of shared memory
that may be written are written, and all other pages of files are read. Advice about huge pages is not
passed on: the recording says which pages became huge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from errno import errorcode
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ptlab.base.errors import KernelError, NotModelled, SegmentationFault
from ptlab.base.geometry import PAGE_SIZE, PMD_SIZE, Level
from ptlab.base.steps import Step
from ptlab.costs.meter import Costs
from ptlab.observe.pagemap import FILE, GUARD, HUGE, PFNZERO
from ptlab.paths.madvise import ADVICE_NAMES
from ptlab.paths.mlock import MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
from ptlab.process.process import Process
from ptlab.schemes import ReclaimScheme
from ptlab.state.machine import Machine
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, find_vma_intersection, prot_name
from ptlab.trace.calls import not_understood, page_up
from ptlab.trace.rows import (
    MAP_ANONYMOUS,
    MAP_LOCKED,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_SHARED,
    WAS_READ,
    WAS_WRITTEN,
    Op,
    Row,
)

_PROT_MASK = 7  # PROT_READ, PROT_WRITE and PROT_EXEC; the rest are hints
_MREMAP_FIXED, _MREMAP_DONTUNMAP = 2, 4
_MCL = MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
_HUGE_ADVICE = ("HUGEPAGE", "NOHUGEPAGE", "COLLAPSE")
_REFUSED = (KernelError, SegmentationFault, NotModelled)


class Player:
    """The processes of a trace, row by row.

    processes  those that live, by their number in the trace
    costs      what all calls and faults have cost up to now
    trouble    what could not be played, and how often
    """

    def __init__(self, scheme: str | type[ReclaimScheme], kernel: str, levels: int) -> None:
        self.processes: dict[int, Process] = {}
        self.trouble: Counter[str] = Counter()
        self.costs = Costs()
        self._process = partial(
            Process, scheme=scheme, kernel=kernel, levels=levels, grain="range", record=False
        )
        self._faults = 0
        self._files: dict[tuple[Machine, int], File] = {}
        self._do: dict[int, Callable[[Process, Row], object]] = {
            Op.MAP: self._map,
            Op.UNMAP: lambda process, row: process.munmap(row.at, row.length),
            Op.ADVISE: self._advise,
            Op.PROTECT: self._protect,
            Op.REMAP: self._remap,
            Op.LOCK: lambda process, row: process.mlock(row.at, row.length, bool(row.x)),
            Op.UNLOCK: lambda process, row: process.munlock(row.at, row.length),
            Op.LOCKALL: self._lock_all,
            Op.TOUCH: self._touch,
            Op.LOST: self._lost,
            Op.RESIZE: self._of_file,
            Op.PUNCH: self._of_file,
            Op.ALLOCATE: self._of_file,
            Op.UNKNOWN: self._not_understood,
        }

    def vmpte_kb(self, who: int) -> int:
        """VmPTE of one process now, 0 if it has ended."""
        process = self.processes.get(who)
        return process.mm.vmpte_kb if process else 0

    def background(self) -> int:
        """What the design does when time passes; VmPTE of all processes afterwards, in kB."""
        for process in self.processes.values():
            process.background()
        return sum(self.vmpte_kb(who) for who in self.processes)

    def spent(self) -> Costs:
        """A copy of the costs up to now, with the page faults."""
        faults = self._faults + sum(each.counters.minflt for each in self.processes.values())
        return replace(deepcopy(self.costs), faults=faults)

    def _new(self) -> Process:
        """A process on a machine of its own, whose steps are counted."""
        process = self._process()
        mem = process.machine.mem

        def count(steps: Iterable[Step]) -> None:
            for _ in self.costs.count(steps, mem):
                pass

        process.machine.observe = count
        return process

    def play(self, row: Row, pages: NDArray[np.int64] | None = None) -> None:
        """Do what one row says; or touch anonymous `pages`, which several rows stand for.

        What the simulator refuses goes into `trouble`.
        """
        op = row.op
        if op == Op.EXEC:
            self.processes[row.who] = self._new()
        elif op == Op.FORK:
            self.processes[row.x] = self.processes[row.who].fork()
        elif op == Op.EXIT:
            process = self.processes.pop(row.who)
            self._faults += process.counters.minflt
            process.exit()
        elif op != Op.SAMPLE:
            process = self.processes[row.who]
            try:
                if pages is None:
                    self._do[op](process, row)
                else:
                    process.touch_pages(pages)
            except _REFUSED as error:
                if not row.error:
                    self.trouble[f"{Op(op).name}: {_reason(error)}"] += 1

    def _map(self, process: Process, row: Row) -> None:
        shared = bool(row.y & MAP_SHARED)
        file = None
        if row.file and not row.y & MAP_ANONYMOUS:
            file = self._file(process, row.file, row.z + row.length, filled=not shared)
        process.mmap(
            row.length,
            at=row.at,
            prot=prot_name(row.x & _PROT_MASK),
            shared=shared,
            noreserve=bool(row.y & MAP_NORESERVE),
            populate=bool(row.y & MAP_POPULATE),
            locked=bool(row.y & MAP_LOCKED),
            over=True,
            file=file,
            offset=row.z if file else 0,
        )

    def _lock_all(self, process: Process, row: Row) -> None:
        if row.x:
            current, future, onfault = (bool(row.x & bit) for bit in _MCL)
            process.mlockall(current, future, onfault)
        else:
            process.munlockall()

    def _protect(self, process: Process, row: Row) -> None:
        process.mprotect(row.at, prot_name(row.x & _PROT_MASK), row.length)

    def _file(self, process: Process, number: int, size: int, filled: bool) -> File:
        """The file of that number on the process's machine, with at least `size` bytes."""
        key = process.machine, number
        file = self._files.get(key)
        if file is None:
            file = self._files[key] = process.file(page_up(size), filled=filled)
        elif file.size < size:
            process.truncate(file, page_up(size))
        return file

    def _of_file(self, process: Process, row: Row) -> None:
        """ftruncate and fallocate, on each machine that knows the file."""
        known = {each.machine: each for each in self.processes.values()}
        for machine, each in known.items():
            file = self._files.get((machine, row.file))
            if file is None:
                continue
            if row.op == Op.RESIZE:
                mapped = file.size
                each.truncate(file, row.x)
                each.truncate(file, max(row.x, mapped))  # writes, which no trace holds, extend it
            elif row.op == Op.PUNCH:
                each.punch(file, row.z, row.length)
            else:
                each.allocate(file, row.z, row.length)

    def _advise(self, process: Process, row: Row) -> None:
        name = ADVICE_NAMES.get(row.x)
        if name not in _HUGE_ADVICE:
            process.madvise(row.at, row.x, row.length)

    def _remap(self, process: Process, row: Row) -> None:
        moved = row.z != row.at or bool(row.y & _MREMAP_FIXED)
        process.mremap(
            row.at,
            row.x,
            to=row.z if moved else None,
            old_length=row.length,
            maymove=moved,
            dontunmap=bool(row.y & _MREMAP_DONTUNMAP),
        )

    def _touch(self, process: Process, row: Row) -> None:
        at, length, kind = row.at, row.length, row.x
        if kind & GUARD:
            process.madvise(at, "GUARD_INSTALL", length)
        elif kind & HUGE and (not kind & FILE or kind & PFNZERO):
            _touch_huge(process, at, length, write=not kind & PFNZERO)
        elif kind & HUGE:
            _touch_huge_file(process, at, length)
        else:
            if kind & (WAS_READ | WAS_WRITTEN):
                write = bool(kind & WAS_WRITTEN)
            else:
                write = not kind & (FILE | PFNZERO) or bool(kind & FILE and _shared(process, at))
            process.touch(at, length, write=write, stride=row.z or PAGE_SIZE)

    def _lost(self, process: Process, row: Row) -> None:
        self.trouble["LOST: pages lost their entry without a call"] += 1

    def _not_understood(self, process: Process, row: Row) -> None:
        self.trouble[f"UNKNOWN: {not_understood(row.x)}"] += 1


def _touch_huge(process: Process, at: int, length: int, write: bool) -> None:
    """Pages that became huge: at their first access, or because khugepaged collapsed small ones."""
    for slot in range(at, at + length, PMD_SIZE):
        process.madvise(slot, "HUGEPAGE", PMD_SIZE)
        if write and _has_entries(process, slot):
            process.madvise(slot, "COLLAPSE", PMD_SIZE)
        else:
            process.touch(slot, PMD_SIZE, write=write, stride=PMD_SIZE)
        process.madvise(slot, "NOHUGEPAGE", PMD_SIZE)


def _touch_huge_file(process: Process, at: int, length: int) -> None:
    """Huge pages of files, however they came: MADV_COLLAPSE is what the simulator has for them."""
    write = _shared(process, at)
    for slot in range(at, at + length, PMD_SIZE):
        process.touch(slot, PMD_SIZE, write=write)
        process.madvise(slot, "COLLAPSE", PMD_SIZE)


def _shared(process: Process, at: int) -> bool:
    """Whether memory there is shared and may be written."""
    vma = find_vma_intersection(process.mm.vmas, at, at + PAGE_SIZE)
    return vma is not None and vma.shared and bool(vma.flags & VM.WRITE)


def _has_entries(process: Process, at: int) -> bool:
    """Whether a table of small pages is there already."""
    return bool(process.mm.lookup(at, Level.PTE))


def _reason(error: Exception) -> str:
    """What kind of refusal it was, without the addresses."""
    if isinstance(error, NotModelled):
        return f"not modelled: {error}"
    if isinstance(error, SegmentationFault):
        return "SIGSEGV or SIGBUS"
    return errorcode.get(getattr(error, "errno", 0) or 0, type(error).__name__)
