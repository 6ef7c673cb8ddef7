"""One address space while it is recorded: which of its entries the trace knows already."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE
from ptlab.observe.mappings import Mapping, mappings
from ptlab.observe.pagemap import FILE, GUARD, HUGE, PFNZERO, RUN, Pagemap
from ptlab.trace.calls import page_up
from ptlab.trace.faults import Faults, Pages
from ptlab.trace.rows import WAS_READ, WAS_WRITTEN

ALL = (1 << 47) - 4096
"""The end of the address space. With five levels a program gets more only if it asks for more."""

_SHIFT, _PAGE = np.uint64(PAGE_SHIFT), np.uint64(PAGE_SIZE)
_READ, _WRITTEN = np.uint64(WAS_READ), np.uint64(WAS_WRITTEN)
_KINDS = FILE | GUARD | HUGE | PFNZERO  # what the tables, or the way to an entry, depend on


class Space:
    """The address space of the process `pid`, number `who` of the trace.

    known  runs of pages (pagemap.RUN) that the trace says have an entry
    brk    the end of the heap, page aligned
    files  the numbers of the files that it has mapped, some of them no longer
    segments  the length of each segment of System V shared memory, by its address
    faulted   pages that were faulted on, and have not been seen with an entry yet
    """

    def __init__(self, pid: int, who: int, faults: Faults | None = None) -> None:
        self.pid, self.who = pid, who
        self.known = np.zeros(0, RUN)
        self.brk, self.stack = 0, 0
        self.files: set[int] = set()
        self.segments: dict[int, int] = {}
        self.faulted: Pages = {}
        self._pagemap: Pagemap | None = None
        self._faults = faults
        self.threads = {pid}

    def copy(self, pid: int, who: int) -> Space:
        """That of a child. fork() copies anonymous pages; those of files it may leave to faults."""
        child = Space(pid, who, self._faults)
        child.brk, child.stack, child.segments = self.brk, self.stack, {**self.segments}
        child.files = {*self.files}
        child.known = self.known[(self.known["kind"] & np.uint64(FILE)) == 0]
        return child

    def close(self) -> None:
        """No more looks."""
        if self._pagemap is not None:
            self._pagemap.close()
            self._pagemap = None

    def mappings(self) -> list[Mapping]:
        """All mappings now."""
        return mappings(Path(f"/proc/{self.pid}/maps").read_text(errors="replace"))

    def snapshot(self) -> list[Mapping]:
        """All mappings now. Remembers where the heap ends and where the stack begins."""
        found = self.mappings()
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        self.brk = page_up(int(stat[44]))  # start_brk, the 47th field
        for one in found:
            if one.name == "[heap]":
                self.brk = one.end
            elif one.name == "[stack]":
                self.stack = one.start
            elif one.name.startswith("/SYSV"):
                self.segments[one.start] = one.end - one.start
        return found

    def of_32_bits(self) -> bool:
        """Whether the program is one of 32 bits (ELFCLASS32), as Linux on x86-64 runs too."""
        with suppress(PermissionError), open(f"/proc/{self.pid}/exe", "rb") as file:
            return file.read(5) == b"\x7fELF\x01"
        return False

    def attached(self, at: int) -> Mapping | None:
        """The mapping that shmat() has made at `at`."""
        for one in self.mappings():
            if one.start == at:
                self.segments[at] = one.end - at
                return one
        return None

    def look(self, start: int = 0, end: int = ALL) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """The runs in [start, end) that are new, and those that have gone, since the last look."""
        if self._pagemap is None:
            self._pagemap = Pagemap(self.pid)
        seen = self._pagemap.runs(start, end)
        faulted = self.faults(start, end)  # a fault is logged before its entry can be seen
        seen["kind"] &= np.uint64(_KINDS)
        known = self._cut(start, end)
        new, gone = _difference(known, seen)
        at = int(np.searchsorted(self.known["start"], start))
        self.known = np.concatenate([self.known[:at], seen, self.known[at:]])
        if self._faults is not None:
            new = _marked(new, faulted)
            self._drop_marks(_in_runs(faulted, seen))
        return new, gone

    def faults(self, start: int, end: int) -> Pages:
        """The pages of [start, end) that were faulted on, and have not been seen with an entry yet."""
        if self._faults is None:
            return {}
        self._faults.drain()
        first, stop = start >> PAGE_SHIFT, end >> PAGE_SHIFT
        return {page: wrote for page, wrote in self.faulted.items() if first <= page < stop}

    def _drop_marks(self, pages: Iterable[int]) -> None:
        for page in pages:
            del self.faulted[page]

    def forget(self, start: int, end: int) -> None:
        """A call took entries away there, or changed them: the next look reports each again."""
        self._cut(start, end)
        self._drop_marks(self.faults(start, end))

    def _cut(self, start: int, end: int) -> NDArray[np.void]:
        """Take [start, end) out of `known`, and return it."""
        known = self.known
        first = int(np.searchsorted(known["end"], start, "right"))
        last = int(np.searchsorted(known["start"], end, "left"))
        inside = known[first:last].copy()
        if not len(inside):
            return inside
        before, after = inside[:1].copy(), inside[-1:].copy()
        before["end"], after["start"] = start, end
        before, after = (each[each["start"] < each["end"]] for each in (before, after))
        self.known = np.concatenate([known[:first], before, after, known[last:]])
        inside["start"][0] = max(start, int(inside["start"][0]))
        inside["end"][-1] = min(end, int(inside["end"][-1]))
        return inside

    def vmpte_kb(self) -> int:
        """VmPTE now. ProcessLookupError: the process has ended."""
        text = Path(f"/proc/{self.pid}/status").read_bytes()
        if b"VmPTE:" not in text:
            raise ProcessLookupError(f"process {self.pid} has ended")
        return int(text[text.index(b"VmPTE:") + 6 :].split(None, 1)[0])

    def stack_growth(self) -> tuple[int, int] | None:
        """[start, end) by which the stack has grown since the last question."""
        if not self.stack:
            return None
        with suppress(OSError):
            for one in self.mappings()[::-1]:
                if one.name == "[stack]" and one.start < self.stack:
                    grown = one.start, self.stack
                    self.stack = one.start
                    return grown
        return None


def _difference(
    old: NDArray[np.void], now: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Runs of `now` that are not in `old` or of another kind there; runs of `old` not in `now`."""
    if not len(old):
        return now, old
    borders = np.unique(np.concatenate([old["start"], old["end"], now["start"], now["end"]]))
    was, is_ = _kind_at(old, borders), _kind_at(now, borders)
    new = _runs(borders, np.where(was == is_, -1, is_))
    return new, _runs(borders, np.where(is_ == -1, was, -1))


def _marked(runs: NDArray[np.void], faulted: Pages) -> NDArray[np.void]:
    """Runs of pages of files, with how each was used first: as its fault says.

    A page without a fault came around another that was read.
    """
    parts = [runs[:0]]
    written = np.array([page for page, wrote in faulted.items() if wrote], np.uint64) << _SHIFT
    for run in runs:
        part = np.repeat(run, 1)
        if int(run["kind"]) & (FILE | HUGE) == FILE:
            here = written[(written >= run["start"]) & (written < run["end"])]
            borders = np.unique(np.concatenate([part["start"], part["end"], here, here + _PAGE]))
            part = np.repeat(part, len(borders) - 1)
            part["start"], part["end"] = borders[:-1], borders[1:]
            part["kind"] |= np.where(np.isin(part["start"], here), _WRITTEN, _READ)
        parts.append(part)
    return np.concatenate(parts)


def _in_runs(pages: Pages, runs: NDArray[np.void]) -> list[int]:
    """Those of the pages that lie in one of the runs."""
    numbers = np.array([*pages], np.uint64)
    inside = _kind_at(runs, numbers << _SHIFT) >= 0
    found: list[int] = numbers[inside].tolist()
    return found


def _kind_at(runs: NDArray[np.void], borders: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The kind of the run that each address lies in, -1 for none."""
    kinds = np.full(len(borders), -1)
    if len(runs):
        at = np.searchsorted(runs["start"], borders, "right") - 1
        inside = (at >= 0) & (borders < runs["end"][at])
        kinds[inside] = runs["kind"][at[inside]]
    return kinds


def _runs(borders: NDArray[np.uint64], kinds: NDArray[np.int64]) -> NDArray[np.void]:
    """Runs between the borders, joined where they touch and are of one kind; -1 is left out."""
    change = np.flatnonzero(np.diff(kinds, prepend=-2))
    runs = np.zeros(len(change), RUN)
    runs["start"] = borders[change]
    runs["end"][:-1] = borders[change[1:]]
    chosen = kinds[change]
    kept = chosen >= 0
    runs["kind"][kept] = chosen[kept]
    found: NDArray[np.void] = runs[kept]
    return found
