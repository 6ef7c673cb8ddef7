"""Which pages of a process have an entry: the ioctl PAGEMAP_SCAN, or /proc/PID/pagemap itself.

Source: include/uapi/linux/fs.h and fs/proc/task_mmu.c. The ioctl came with Linux 6.7, its bit for
guard regions with 6.15; before that the file is read, 8 bytes for each page, mapped or not.
It needs no page frame numbers, and so no privilege for a process that you may trace.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE

FILE, PRESENT, SWAPPED, PFNZERO, HUGE, GUARD = 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 8
"""PAGE_IS_FILE ... PAGE_IS_GUARD."""

RUN = np.dtype([("start", "<u8"), ("end", "<u8"), ("kind", "<u8")])
"""struct page_region: the pages [start, end), all of one kind."""

_ROOM = 512  # with more, Linux 6.18 returns the last runs of a scan twice
_AT_ONCE = 1 << 27  # bytes of address space whose words are read in one go


class _ScanArg(ctypes.Structure):
    """struct pm_scan_arg."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            *("size", "flags", "start", "end", "walk_end", "vec", "vec_len", "max_pages"),
            *("category_inverted", "category_mask", "category_anyof_mask", "return_mask"),
        )
    ]


_PAGEMAP_SCAN = 3 << 30 | ctypes.sizeof(_ScanArg) << 16 | ord("f") << 8 | 16  # _IOWR('f', 16, ...)


class Pagemap:
    """/proc/PID/pagemap, open until it is closed.

    OSError where the process is gone (ENOENT, ESRCH) or may not be seen (EACCES, EPERM).
    """

    def __init__(self, pid: int) -> None:
        from fcntl import ioctl  # Windows has none, and ptlab is imported there too

        self._ioctl = ioctl
        self._file = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        self._found = np.zeros(_ROOM, RUN)
        seen = PRESENT | SWAPPED | GUARD
        self._arg = _ScanArg(
            size=ctypes.sizeof(_ScanArg),
            vec=self._found.ctypes.data,
            vec_len=_ROOM,
            category_anyof_mask=seen,
            return_mask=seen | FILE | PFNZERO | HUGE,
        )

    def close(self) -> None:
        """No more scans."""
        os.close(self._file)

    def runs(self, start: int, end: int) -> NDArray[np.void]:
        """The runs of pages in [start, end) that have an entry, as an array of RUN."""
        try:
            return _joined(self.scan(start, end))
        except OSError as failed:
            if failed.errno != errno.ENOTTY:
                raise
            return _joined(self.read(start, end))  # before Linux 6.7

    def scan(self, start: int, end: int) -> Iterator[NDArray[np.void]]:
        """What each ioctl returns. A hole costs nothing, whatever its size."""
        arg = self._arg
        while start < end:
            arg.start, arg.end = start, end
            try:
                count = self._ioctl(self._file, _PAGEMAP_SCAN, arg)
            except OSError as failed:
                if failed.errno != errno.EINVAL or not arg.return_mask & GUARD:
                    raise
                arg.category_anyof_mask &= ~GUARD  # before Linux 6.15
                arg.return_mask &= ~GUARD
                continue
            yield self._found[:count].copy()
            start = arg.walk_end

    def fastest_scan(self, start: int, end: int, times: int) -> int:
        """The shortest time, in nanoseconds, that an ioctl over [start, end) took."""
        ioctl, file, arg, clock = self._ioctl, self._file, self._arg, perf_counter_ns
        arg.start, arg.end = start, end
        best = 1 << 62
        for _ in range(times):
            began = clock()
            ioctl(file, _PAGEMAP_SCAN, arg)
            best = min(best, clock() - began)
        return best

    def read(self, start: int, end: int) -> Iterator[NDArray[np.void]]:
        """The same from the file. It cannot distinguish a huge page from 512 small ones."""
        for first in range(start, end, _AT_ONCE):
            pages = (min(end, first + _AT_ONCE) - first) >> PAGE_SHIFT
            words = np.frombuffer(os.pread(self._file, pages * 8, first // PAGE_SIZE * 8), "<u8")
            yield _runs_of(words, first)


def _runs_of(words: NDArray[np.uint64], first: int) -> NDArray[np.void]:
    """Runs of equal kind in the words of pagemap (Documentation/admin-guide/mm/pagemap.rst)."""
    bits = ((63, PRESENT), (62, SWAPPED), (61, FILE), (58, GUARD))
    kinds = np.zeros(len(words), np.uint64)
    for bit, kind in bits:
        kinds |= (words >> np.uint64(bit) & np.uint64(1)) * np.uint64(kind)
    kinds[(kinds & np.uint64(PRESENT | SWAPPED | GUARD)) == 0] = 0
    borders = np.flatnonzero(np.diff(kinds, prepend=np.uint64(0), append=np.uint64(0)))
    runs = np.zeros(max(len(borders) - 1, 0), RUN)
    runs["start"] = first + (borders[:-1] << PAGE_SHIFT)
    runs["end"] = first + (borders[1:] << PAGE_SHIFT)
    runs["kind"] = kinds[borders[:-1]]
    seen: NDArray[np.void] = runs[runs["kind"] != 0]
    return seen


def _joined(parts: Iterator[NDArray[np.void]]) -> NDArray[np.void]:
    """One array of all parts. Most often there is one, and numpy joins structures slowly."""
    found = [*parts]
    return found[0] if len(found) == 1 else np.concatenate([np.zeros(0, RUN), *found])
