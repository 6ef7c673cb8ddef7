"""The system calls that a scenario consists of, by name, with their arguments."""

from __future__ import annotations

import ctypes
import errno
import os
from mmap import MAP_ANONYMOUS, MAP_PRIVATE
from typing import Any

from . import pool, proc
from .calls import MADV_DONTDUMP, PAGE, PR_SET_MM, PR_SET_MM_MAP, Calls

MAP_NORESERVE, MAP_FIXED_NOREPLACE = 0x4000, 0x100000
_SINK, _SOURCE = 16 * PAGE, 512 * PAGE


class Doer:
    """Makes calls. A failure is an OSError, a refused access is counted.

    watch         the ranges that can have entries
    refused       accesses refused since it was last set to 0, `last_refused` is the last of them:
                  its address and whether it was a write
    """

    def __init__(self, watch: list[tuple[int, int]], directory: str) -> None:
        self.calls = Calls()
        self.watch, self.directory = watch, directory
        self.refused, self.last_refused = 0, (0, False)
        self._files: dict[str, int] = {}
        self._layout = proc.layout()
        self._chosen = 0
        self._source = _memory_file("source", b"\7", _SOURCE)  # Linux looks for pages full of zeros
        self._sink = _memory_file("sink", b"\0", _SINK)

    def do(self, op: dict[str, Any]) -> None:
        """All calls of an operation, at each of its addresses.

        A failure ends the calls at one address. Those at the next ones are made all the same; the
        last failure is raised.
        """
        failure: OSError | None = None
        for offset in range(*op["at"]):
            try:
                for name, *arguments in op["calls"]:
                    self._call(name, arguments, offset)
            except OSError as error:
                failure = error
        if failure:
            raise failure

    def _call(self, name: str, arguments: list[Any], offset: int) -> None:
        """A call of this class, or a plain system call, whose first argument is an address."""
        own = getattr(self, name, None)
        if own:
            own(offset, *arguments)
        else:
            address, *rest = arguments
            address = self._chosen if address is None else address + offset
            getattr(self.calls, name)(address, *rest)

    def touch(self, offset: int, write: bool, address: int, length: int, stride: int) -> None:
        """Access one byte per stride. Neighbouring pages take one system call for many."""
        address += offset
        end = address + length
        if stride == PAGE:
            pages = -(-length // PAGE)
            address &= -PAGE
            end = address + pages * PAGE
        while address < end:
            size = end - address if stride == PAGE else 1
            try:
                if write:
                    done = self.calls.pread(self._source, address, min(size, _SOURCE), 0)
                else:
                    done = self.calls.pwrite(self._sink, address, min(size, _SINK), 0)
                address += max(done, stride)
            except OSError as failure:
                if failure.errno != errno.EFAULT:
                    raise
                self.refused += 1
                self.last_refused = address, write
                address += stride

    def mmap(
        self,
        at: int,
        address: int | None,
        length: int,
        prot: int,
        flags: int,
        file: str | None,
        pos: int,
    ) -> None:
        """mmap, of a file by its name. Without an address the kernel chooses one, which is noted."""
        number = -1 if file is None else self._files[file]
        if address is None:
            self._chosen = self.calls.mmap(0, length, prot, flags, number, pos)
            self._watch(self._chosen, self._chosen + length)
        else:
            self.calls.mmap(address + at, length, prot, flags, number, pos)

    def _watch(self, start: int, end: int) -> None:
        """Read this range too from now on, what is not read already."""
        for first, last in sorted(map(tuple, self.watch)):
            if first < end and start < last:
                if start < first:
                    self.watch.append((start, first))
                start = max(start, last)
        if start < end:
            self.watch.append((start, end))

    def close_gaps(self) -> None:
        """Leave no room above the slots: what the kernel chooses is in them."""
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE
        for start, end in proc.gaps():
            self.calls.mmap(start, end - start, 0, flags, -1, 0)
            self.calls.madvise(start, end - start, MADV_DONTDUMP)  # like nothing of a scenario

    def advise_huge_pages(self, at: int, address: int | None, length: int, advice: int) -> None:
        """madvise; a kernel without huge pages returns EINVAL, which is as good."""
        try:
            self.calls.madvise(self._chosen if address is None else address + at, length, advice)
        except OSError as failure:
            if failure.errno != errno.EINVAL:
                raise

    def mremap(self, at: int, address: int, old: int, new: int, flags: int, to: int | None) -> None:
        """mremap; if the kernel chose the new place, that place is read from now on."""
        place = self.calls.mremap(address + at, old, new, flags, to or 0)
        if place not in (address + at, to):
            self._watch(place, place + new)

    def munlockall(self, _: int) -> None:
        """munlockall, which has no arguments."""
        self.calls.munlockall()

    def brk(self, _: int, address: int) -> None:
        """brk; the system call returns where the break is, moved or not."""
        if self.calls.brk(address) != address:
            raise OSError(errno.ENOMEM, "brk")

    def set_heap(self, _: int, address: int) -> None:
        """prctl(PR_SET_MM): everything stays as it is, but the heap, which is empty."""
        layout = self._layout
        layout.start_brk = layout.brk = address
        size = ctypes.sizeof(layout)
        self.calls.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.addressof(layout), size, 0)

    def process_madvise(self, _: int, advice: int, ranges: list[tuple[int, int]]) -> None:
        """process_madvise of this process, by its pidfd."""
        pidfd = self.calls.pidfd_open(os.getpid(), 0)
        vector = (ctypes.c_size_t * (2 * len(ranges)))(*(word for pair in ranges for word in pair))
        try:
            self.calls.process_madvise(pidfd, ctypes.addressof(vector), len(ranges), advice, 0)
        finally:
            os.close(pidfd)

    def make_file(self, _: int, name: str, size: int, disk: bool, filled: bool, flags: int) -> None:
        """A file in memory or on disk, that nobody else sees; `flags` of memfd_create."""
        if disk:
            path = f"{self.directory}/ptlab-{os.getpid()}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.unlink(path)
        else:
            file = os.memfd_create(name, flags)
        self._files[name] = file
        os.ftruncate(file, size)
        if filled:
            for offset in range(0, size, PAGE):
                os.pwrite(file, b"\7" * PAGE, offset)

    def hugepages(self, _: int, size: int, count: int) -> None:
        """Have so many huge pages in the pool; the server puts the number back afterwards."""
        pool.resize(size, count)

    def set_thp(self, _: int, setting: str, mode: str) -> None:
        """Who gets transparent huge pages; the server puts the setting back afterwards."""
        pool.set_thp(setting, mode)

    def ftruncate(self, _: int, name: str, size: int) -> None:
        """ftruncate, of a file by its name."""
        os.ftruncate(self._files[name], size)

    def fallocate(self, _: int, name: str, how: int, offset: int, length: int) -> None:
        """fallocate, of a file by its name."""
        self.calls.fallocate(self._files[name], how, offset, length)


def _memory_file(name: str, byte: bytes, size: int) -> int:
    """A file in memory, full of one byte."""
    file = os.memfd_create(name)
    os.write(file, byte * size)
    return file
