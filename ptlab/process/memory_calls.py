"""The system calls that a program makes on its memory, each under its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from errno import EFAULT, EIO
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptlab.base.errors import BusError, SegmentationFault
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE
from ptlab.base.left_out import CALLS, left_out
from ptlab.base.steps import Path
from ptlab.paths.access import touch
from ptlab.paths.brk import do_brk
from ptlab.paths.madvise import ADVICE_NAMES, do_madvise
from ptlab.paths.mlock import (
    MCL_CURRENT,
    MCL_FUTURE,
    MCL_ONFAULT,
    do_mlock,
    do_mlockall,
    do_munlock,
    do_munlockall,
)
from ptlab.paths.mmap import MAP, do_mmap, do_munmap
from ptlab.paths.mprotect import do_mprotect
from ptlab.paths.mremap import do_mremap
from ptlab.paths.mseal import do_mseal
from ptlab.paths.process_madvise import vector_madvise
from ptlab.paths.scattered import touch_pages
from ptlab.paths.touched import Touched
from ptlab.process.arguments import (
    Region,
    address_range,
    advice_number,
    huge_page_size,
    protection,
    refuse_flags,
    size_text,
    whole_number,
)
from ptlab.process.calls import noted
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File, known

T = TypeVar("T")


class MemoryCalls(ABC):
    """What a process can do with its address space `mm`.

    The methods raise KernelError with Linux's errno, NotModelled, or ValueError for invalid arguments.
    """

    machine: Machine
    mm: Mm

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A system call that ptlab leaves out is NotModelled, with its name."""
            if name in CALLS:
                raise left_out(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @abstractmethod
    def _run(self, call: str, path: Path[T], where: int | None, length: int, *rest: object) -> T:
        """Run a kernel path to its end and return its result."""

    @noted
    def mmap(
        self,
        /,
        length: int,
        at: int | None = None,
        prot: str = "rw",
        shared: bool = False,
        noreserve: bool = False,
        populate: bool = False,
        over: bool = False,
        file: File | None = None,
        offset: int = 0,
        growsdown: bool = False,
        locked: bool = False,
        stack: bool = False,
        hugetlb: int = 0,
        **flags_left_out: bool,
    ) -> Region:
        """Map `length` bytes; private anonymous memory unless said. `prot` is "none", "rw", "rx" ...

        `at` is MAP_FIXED_NOREPLACE, with `over` MAP_FIXED. `file` comes from `file()`, `offset` is
        in bytes; without `shared` it is a private mapping. `hugetlb` is MAP_HUGETLB with pages of so
        many bytes, from the pool of `hugepages()`. The others are the flags of their names.
        Builds no table, unless it is populated or locked. A flag that ptlab leaves out is NotModelled.
        """
        refuse_flags("mmap", "MAP_", flags_left_out)
        length = whole_number("mmap", "length", length)
        at = None if at is None else whole_number("mmap", "address", at)
        file = None if file is None else known("mmap", file, self.machine)
        offset = whole_number("mmap", "offset", offset)
        flags = MAP.SHARED if shared else MAP.PRIVATE
        asked = (
            (over, MAP.FIXED),
            (growsdown, MAP.GROWSDOWN),
            (locked, MAP.LOCKED),
            (noreserve, MAP.NORESERVE),
            (populate, MAP.POPULATE),
            (stack, MAP.STACK),
        )
        flags |= sum(flag for wanted, flag in asked if wanted)
        huge = hugetlb and huge_page_size("mmap", hugetlb)
        path = do_mmap(self.mm, at, length, protection(prot), flags, file, offset, huge)
        return Region(self._run("mmap", path, at, length, prot), length)

    @noted
    def munmap(self, where: int, length: int | None = None) -> None:
        """Unmap [where, where + length); frees the tables that no VMA needs any more."""
        where, length = address_range("munmap", where, length)
        self._run("munmap", do_munmap(self.mm, where, length), where, length)

    @noted
    def mprotect(self, where: int, prot: str, length: int | None = None) -> None:
        """Give a range other rights: "none", "r", "rw", "rx" ..."""
        where, length = address_range("mprotect", where, length)
        path = do_mprotect(self.mm, where, length, protection(prot))
        self._run("mprotect", path, where, length, prot)

    @noted
    def madvise(self, where: int, advice: str | int, length: int | None = None) -> None:
        """madvise(); `advice` is MADV_DONTNEED or "DONTNEED"."""
        where, length = address_range("madvise", where, length)
        number = advice_number(advice)
        path = do_madvise(self.mm, where, length, number)
        self._run("madvise", path, where, length, ADVICE_NAMES.get(number, number))

    @noted
    def process_madvise(self, ranges: Sequence[tuple[int, int]], advice: str | int) -> int:
        """process_madvise() on itself, of ranges (address, length). Returns the bytes advised."""
        checked = [address_range("process_madvise", where, length) for where, length in ranges]
        number = advice_number(advice)
        path = vector_madvise(self.mm, checked, number)
        name = ADVICE_NAMES.get(number, number)
        return self._run("process_madvise", path, None, sum(size for _, size in checked), name)

    @noted
    def mlock(self, where: int, length: int | None = None, onfault: bool = False) -> None:
        """Lock a range in memory; faults every page in, or with `onfault` (mlock2) none."""
        where, length = address_range("mlock", where, length)
        path = do_mlock(self.mm, where, length, onfault)
        self._run("mlock", path, where, length, *(["ONFAULT"] if onfault else []))

    @noted
    def munlock(self, where: int, length: int | None = None) -> None:
        """Undo mlock()."""
        where, length = address_range("munlock", where, length)
        self._run("munlock", do_munlock(self.mm, where, length), where, length)

    @noted
    def mlockall(self, current: bool = True, future: bool = False, onfault: bool = False) -> None:
        """Lock all memory there is, and what will be mapped; `onfault` as for mlock()."""
        asked = (current, MCL_CURRENT), (future, MCL_FUTURE), (onfault, MCL_ONFAULT)
        flags = sum(flag for wanted, flag in asked if wanted)
        self._run("mlockall", do_mlockall(self.mm, flags), None, 0, flags)

    @noted
    def munlockall(self) -> None:
        """Undo mlock() and mlockall()."""
        self._run("munlockall", do_munlockall(self.mm), None, 0)

    @noted
    def mseal(self, where: int, length: int | None = None) -> None:
        """Seal a range: it can no longer be unmapped, moved, or given other rights. Linux 6.10."""
        where, length = address_range("mseal", where, length)
        self._run("mseal", do_mseal(self.mm, where, length), where, length)

    @noted
    def brk(self, end: int) -> None:
        """Move the end of the heap, the program break. The heap begins at `mm.layout.start_brk`."""
        end = whole_number("brk", "end", end)
        self._run("brk", do_brk(self.mm, end), end, 0)

    @noted
    def touch(
        self, where: int, length: int | None = None, write: bool = True, stride: int = PAGE_SIZE
    ) -> int:
        """Access one byte every `stride` bytes, in order. Returns the number of page faults.

        Raises SegmentationFault when accesses were refused, after all have been tried.
        """
        where, length = address_range("touch", where, length)
        stride = whole_number("touch", "stride", stride)
        if stride < 1 or length < 0 or where < 0:
            raise ValueError(
                f"touch: stride {stride} must be above 0, address {where} and length {length} not below"
            )
        return self._touch(touch(self.mm, write, where, length, stride), write, where, length)

    def touch_pages(self, pages: NDArray[np.int64], write: bool = True) -> int:
        """Access one byte of each page, in any order: for many pages that lie here and there.

        `pages` are their numbers (address >> 12), ascending. The rest is as with touch().
        """
        if not len(pages):
            return 0
        where, end = (page << PAGE_SHIFT for page in (pages.item(0), pages.item(-1) + 1))
        return self._touch(touch_pages(self.mm, write, pages), write, where, end - where)

    def _touch(self, path: Path[Touched], write: bool, where: int, length: int) -> int:
        verb = "write" if write else "read"
        result = self._run(verb, path, where, length)
        if result.refused:
            refusal, number = (BusError, EIO) if result.sigbus else (SegmentationFault, EFAULT)
            raise refusal(
                number,
                f"{'SIGBUS' if result.sigbus else 'SIGSEGV'}: {result.refused} accesses refused, the "
                f"first ({verb}) at {result.address:#x}; {result.faults} page faults were served",
                result.faults,
                result.refused,
                result.address,
            )
        return result.faults

    @noted
    def mremap(
        self,
        where: int,
        new_length: int,
        to: int | None = None,
        old_length: int | None = None,
        maymove: bool = False,
        dontunmap: bool = False,
    ) -> Region:
        """Grow, shrink or move a mapping; `to` is MREMAP_FIXED. Returns where it is now."""
        where, length = address_range("mremap", where, old_length)
        new_length = whole_number("mremap", "new length", new_length)
        to = None if to is None else whole_number("mremap", "new address", to)
        path = do_mremap(self.mm, where, length, new_length, to, maymove, dontunmap)
        address = self._run("mremap", path, where, length, size_text(new_length))
        return Region(address, new_length)
