"""Where the empty tables are: a guess, by the time that PAGEMAP_SCAN takes.

Nothing shows an empty table. But the kernel looks at its 512 entries, and passes a hole at once. On
Linux 6.18 that is 1.06 against 0.7 microseconds for a PTE page, and 9.8 against 1.5 for the GiB of a
PMD page. What is fast and what is slow here, memory of this process shows first: holes, and empty tables
that it makes. Not searched for are PUD pages, PTE pages of which mappings cover less than half, and PMD
pages of which no mapping covers a sixteenth. The number of empty tables never depends on this.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SIZE, PMD_SHIFT, PMD_SIZE, PUD_SHIFT
from ptlab.observe.mapped import Mapped
from ptlab.observe.pagemap import Pagemap
from ptlab.observe.tables import Tables

_TIMES = 6  # the shortest of so many
_ROUNDS = 5  # how often those are timed again that are in doubt
_SAMPLES = 16  # holes, and as many empty tables, to learn from
_GIB = 1 << PUD_SHIFT
_NORESERVE = 0x4000  # mmap.MAP_NORESERVE, since Python 3.13


class _Candidate(NamedTuple):
    """What may be an empty table: address >> 21, and the part of it that is mapped."""

    slot: int
    start: int
    end: int


class Located(NamedTuple):
    """The tables without the entry of a page that were found.

    slots      PTE pages: address >> 21 of each, sorted
    doubtful   candidates that took a time between that of a hole and that of an empty table, or that
               are more than there are empty tables
    upper      PMD pages above none but these PTE pages: address >> 30 of each, sorted
    """

    slots: NDArray[np.int64]
    doubtful: int
    upper: NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many tables these are."""
        return len(self.slots) + len(self.upper)

    def inside(self, start: int, end: int) -> Iterator[int]:
        """For each of them that a mapping [start, end) shares, the first address that both have."""
        for slot in self.slots.tolist():
            at = max(start, slot << PMD_SHIFT)
            if at < min(end, (slot + 1) << PMD_SHIFT):
                yield at

    def bare(self, start: int, end: int) -> Iterator[int]:
        """2 MiB amid each part of a mapping [start, end) that a PMD page has without a PTE page."""
        covered = set((self.slots >> PUD_SHIFT - PMD_SHIFT).tolist())
        for gib in self.upper.tolist():
            low, high = max(start, gib * _GIB), min(end, (gib + 1) * _GIB)
            at = (-(-low // PMD_SIZE) + 1) * PMD_SIZE
            if gib not in covered and at + 2 * PMD_SIZE <= high:
                yield at

    def runs(self) -> Iterator[tuple[int, int]]:
        """[start, end) of each run of neighbouring empty tables."""
        breaks = np.flatnonzero(np.diff(self.slots, prepend=-2) != 1)
        for part in np.split(self.slots, breaks[1:]):
            if len(part):
                yield int(part[0]) << PMD_SHIFT, (int(part[-1]) + 1) << PMD_SHIFT


def locate(pid: int, mapped: Iterable[Mapped], seen: Tables, most: int) -> Located:
    """Search the mappings of a process for empty tables; those that were `seen` have an entry.

    `most` is how many empty tables there are: of more candidates, the surest are taken.
    OSError: the process has ended, may not be seen, or the kernel has no PAGEMAP_SCAN (before 6.7).
    """
    sure: dict[int, float] = {}
    doubt: list[_Candidate] = []
    upper: set[int] = set()
    if most:
        mapped = list(mapped)
        with closing(Pagemap(pid)) as pagemap, _reference() as times:
            upper = set(_upper(pagemap, mapped, set(seen.pmd.tolist())))
            doubt = list(_candidates(pagemap, mapped, set(seen.pte.tolist()), *times()))
            for _ in range(_ROUNDS):
                doubt = _judge(pagemap, doubt, times(), sure)
    surest = sorted(sure, key=sure.__getitem__, reverse=True)
    taken = surest[: max(0, most - len(upper))]
    doubtful = len(doubt) + len(surest) - len(taken)
    return Located(_sorted(taken), doubtful, _sorted(sorted(upper)[:most]))


def _sorted(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.array(sorted(numbers), np.int64)


def _upper(pagemap: Pagemap, mapped: list[Mapped], filled: set[int]) -> Iterator[int]:
    """PMD pages (address >> 30) besides the filled ones: their GiB takes longer than a hole."""
    parts: dict[int, tuple[int, int]] = {}
    for one in mapped:
        start, end = one.mapping.start, one.mapping.end
        for gib in range(start >> PUD_SHIFT, ((end - 1) >> PUD_SHIFT) + 1):
            low, high = max(start, gib * _GIB), min(end, (gib + 1) * _GIB)
            before = parts.get(gib, (0, _GIB // 16 - 1))
            if gib not in filled and high - low > before[1] - before[0]:
                parts[gib] = low, high
    if not parts:
        return
    hole, empty = _upper_reference()
    for gib, (low, high) in parts.items():
        took = pagemap.fastest_scan(low, high, _TIMES)
        if took - hole > (empty - hole) * (high - low) / _GIB / 2:
            yield gib


def _upper_reference() -> tuple[int, int]:
    """Nanoseconds for a GiB of this process without a PMD page, and with one that has no page."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
    with (
        mmap.mmap(-1, 3 * _GIB, flags) as memory,
        closing(Pagemap(os.getpid())) as pagemap,
    ):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        first = -(-_address(memory) // _GIB) * _GIB
        hole = pagemap.fastest_scan(first, first + _GIB, _TIMES)
        at = first - _address(memory)
        memory[at] = 1
        memory.madvise(mmap.MADV_DONTNEED, at, PMD_SIZE)
        return hole, pagemap.fastest_scan(first, first + _GIB, _TIMES)


def _judge(
    pagemap: Pagemap,
    candidates: list[_Candidate],
    times: tuple[float, float],
    sure: dict[int, float],
) -> list[_Candidate]:
    """Time each candidate. Empty tables go into `sure`; those that are neither are returned."""
    hole, empty = times
    doubt = []
    for one in candidates:
        took = pagemap.fastest_scan(one.start, one.end, _TIMES)
        # 0 for the time of a hole, 1 for that of an empty table
        place = (took - hole) / ((empty - hole) * (one.end - one.start) / PMD_SIZE)
        if place > 0.7:
            sure[one.slot] = -abs(place - 1)
        elif place > 0.3:
            doubt.append(one)
    return doubt


def _candidates(
    pagemap: Pagemap, mapped: Iterable[Mapped], filled: set[int], hole: float, empty: float
) -> Iterator[_Candidate]:
    """What may be an empty table. A GiB that scans like a hole is passed over."""
    limit = hole + (empty - hole) / 4
    for one in mapped:
        start, last = one.mapping.start, one.mapping.end
        while start < last:
            end = min(last, ((start >> PUD_SHIFT) + 1) << PUD_SHIFT)
            inside = one.runs[(one.runs["start"] < end) & (one.runs["end"] > start)]
            if len(inside) or pagemap.fastest_scan(start, end, _TIMES) > limit:
                for slot in range(start >> PMD_SHIFT, ((end - 1) >> PMD_SHIFT) + 1):
                    low, high = max(start, slot << PMD_SHIFT), min(end, (slot + 1) << PMD_SHIFT)
                    if slot not in filled and high - low >= PMD_SIZE // 2:
                        yield _Candidate(slot, low, high)
            start = end


@contextmanager
def _reference() -> Iterator[Callable[[], tuple[float, float]]]:
    """A function that says how long a hole and an empty table take now: nanoseconds for 2 MiB.

    A processor changes its clock, so it is asked again from time to time.
    """
    length = (2 * _SAMPLES + 2) * PMD_SIZE
    with (
        mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory,
        closing(Pagemap(os.getpid())) as pagemap,
    ):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        first = -(-_address(memory) // PMD_SIZE) * PMD_SIZE
        for n in range(0, 2 * _SAMPLES, 2):
            at = first - _address(memory) + n * PMD_SIZE
            memory[at] = 1
            memory.madvise(mmap.MADV_DONTNEED, at, PAGE_SIZE)

        def times() -> tuple[float, float]:
            took = [
                pagemap.fastest_scan(first + n * PMD_SIZE, first + (n + 1) * PMD_SIZE, _TIMES)
                for n in range(2 * _SAMPLES)
            ]
            return float(np.median(took[1::2])), float(np.median(took[::2]))

        yield times


def _address(memory: mmap.mmap) -> int:
    """Where a mapping of this process begins."""
    return int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0])
