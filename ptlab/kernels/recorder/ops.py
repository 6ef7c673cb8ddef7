"""The ops of a scenario that are plain system calls: one method for each verb."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterable
from typing import Any

from .calls import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MADV_HUGEPAGE,
    MADV_NOHUGEPAGE,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_NORESERVE,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    PAGE,
    PROT,
    Calls,
)

Op = dict[str, Any]
"""An op of `ptlab.scenario.ops` as a dict, with its verb; advice is a number."""

_SINK = 16 * PAGE


class Ops:
    """Does ops. A failure is an OSError, a refused access is counted.

    watch         the ranges that can have entries
    refused       accesses refused since it was last set to 0, `last_refused` is the last of them:
                  its address and whether it was a write
    """

    def __init__(self, watch: list[tuple[int, int]]) -> None:
        self.calls = Calls()
        self.watch = watch
        self.refused, self.last_refused = 0, (0, False)
        self._files: dict[str, int] = {}
        self._zeros = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
        self._sink = os.memfd_create("sink")
        os.write(self._sink, bytes(_SINK))

    def touch(self, op: Op) -> None:
        """Access one byte per stride. Neighbouring pages take one system call for many."""
        address, end, stride = op["addr"], op["addr"] + op["length"], op["stride"]
        if stride == PAGE:
            pages = -(-op["length"] // PAGE)
            address &= -PAGE
            end = address + pages * PAGE
        while address < end:
            length = end - address if stride == PAGE else 1
            try:
                if op["write"]:
                    done = self.calls.read(self._zeros, address, length)
                else:
                    done = self.calls.pwrite(self._sink, address, min(length, _SINK), 0)
                address += max(done, stride)
            except OSError as failure:
                if failure.errno != errno.EFAULT:
                    raise
                self.refused += 1
                self.last_refused = address, op["write"]
                address += stride

    def cover(self, op: Op) -> None:
        """The cover letter's loop."""
        chunk = op["chunk"]

        def fill_and_drop(address: int) -> None:
            self.touch({"write": True, "addr": address, "length": chunk, "stride": PAGE})
            self.calls.madvise(address, chunk, mmap.MADV_DONTNEED)

        each(range(op["addr"], op["addr"] + op["length"], chunk), fill_and_drop)

    def mmap(self, op: Op) -> None:
        """mmap, then the advice about huge pages, then populate."""
        flags = mmap.MAP_SHARED if op["shared"] else mmap.MAP_PRIVATE
        flags |= MAP_FIXED if op["over"] else MAP_FIXED_NOREPLACE
        flags |= MAP_NORESERVE if op["noreserve"] else 0
        flags |= mmap.MAP_ANONYMOUS if op["file"] is None else 0
        file = -1 if op["file"] is None else self._files[op["file"]]
        addr, length, prot = op["addr"], op["length"], PROT[op["prot"]]
        self.calls.mmap(addr, length, prot, flags, file, op["offset"])
        if op["advice"] in (MADV_HUGEPAGE, MADV_NOHUGEPAGE):
            self._madvise_if_known(addr, length, op["advice"])
        if op["populate"]:
            populate = MADV_POPULATE_WRITE if op["prot"] == "rw" else MADV_POPULATE_READ
            self.calls.madvise(addr, length, populate)

    def munmap(self, op: Op) -> None:
        """munmap."""
        self.calls.munmap(op["addr"], op["length"])

    def mprotect(self, op: Op) -> None:
        """mprotect."""
        self.calls.mprotect(op["addr"], op["length"], PROT[op["prot"]])

    def madvise(self, op: Op) -> None:
        """madvise."""
        self.calls.madvise(op["addr"], op["length"], op["advice"])

    def madvise_each(self, op: Op) -> None:
        """One madvise for each chunk."""
        chunk, advice = op["chunk"], op["advice"]
        addresses = range(op["addr"], op["addr"] + op["length"], chunk)
        each(addresses, lambda address: self.calls.madvise(address, chunk, advice))

    def mlock(self, op: Op) -> None:
        """mlock."""
        self.calls.mlock(op["addr"], op["length"])

    def munlock(self, op: Op) -> None:
        """munlock."""
        self.calls.munlock(op["addr"], op["length"])

    def mremap(self, op: Op) -> None:
        """mremap; where the kernel chose the new place, that is read from now on."""
        to = op["to"]
        flags = 0 if to is None else MREMAP_MAYMOVE | MREMAP_FIXED
        flags |= MREMAP_MAYMOVE if op["maymove"] else 0
        flags |= MREMAP_MAYMOVE | MREMAP_DONTUNMAP if op["dontunmap"] else 0
        new = op["new_length"]
        place = self.calls.mremap(op["addr"], op["old_length"], new, flags, to or 0)
        if place not in (op["addr"], to):
            self.watch.append((place, place + new))

    def file(self, op: Op) -> None:
        """A file in memory or on disk, that nobody else sees."""
        if op["disk"]:
            path = f"{op['directory']}/ptlab-{os.getpid()}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.unlink(path)
        else:
            file = os.memfd_create(op["name"])
        self._files[op["name"]] = file
        os.ftruncate(file, op["size"])
        if op["filled"]:
            for offset in range(0, op["size"], PAGE):
                os.pwrite(file, b"\7" * PAGE, offset)

    def truncate(self, op: Op) -> None:
        """ftruncate."""
        os.ftruncate(self._files[op["name"]], op["size"])

    def punch(self, op: Op) -> None:
        """fallocate with FALLOC_FL_PUNCH_HOLE."""
        how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        self.calls.fallocate(self._files[op["name"]], how, op["offset"], op["length"])

    def alloc(self, op: Op) -> None:
        """fallocate."""
        self.calls.fallocate(self._files[op["name"]], 0, op["offset"], op["length"])

    def nop(self, op: Op) -> None:
        """Nothing."""

    def _madvise_if_known(self, addr: int, length: int, advice: int) -> None:
        """Advice about huge pages: a kernel without them says EINVAL, and that is as good."""
        try:
            self.calls.madvise(addr, length, advice)
        except OSError as failure:
            if failure.errno != errno.EINVAL:
                raise


def each(addresses: Iterable[int], call: Callable[[int], object]) -> None:
    """Call for every address; a failure does not stop the later ones, the last one is raised."""
    failure: OSError | None = None
    for address in addresses:
        try:
            call(address)
        except OSError as error:
            failure = error
    if failure:
        raise failure
