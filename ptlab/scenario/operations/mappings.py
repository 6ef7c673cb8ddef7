"""Operations that change mappings, and unmap them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.paths.mmap import PROTECTIONS
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, RangeOperation, Span, Stage, SystemCall

# Numbers of include/uapi/linux/mman.h.
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4


class Munmap(RangeOperation):
    """munmap()."""

    __slots__ = ()
    verb = "munmap"
    usage = "munmap ADDR LEN"
    meaning = "Unmap a range."
    example = "mmap s0 4M\ntouch w s0 4M\nmunmap s0 2M"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """munmap."""
        yield partial(process.munmap, self.addr, self.length)

    def system_calls(self) -> list[SystemCall]:
        """munmap."""
        return [["munmap", self.addr, self.length]]


@dataclass(frozen=True, slots=True)
class Mprotect(RangeOperation):
    """mprotect() to "none", "r", "rw", "rx" ..."""

    verb = "mprotect"
    usage = "mprotect ADDR LEN RIGHTS"
    meaning = "Give a range other rights: some of the letters `rwx`, in this order, or `none`."
    example = "mmap s0 2M\ntouch w s0 8K\nmprotect s0 4K r"

    prot: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR LEN, then the rights."""
        addr, length = line.number("ADDR"), line.number("LEN")
        return cls(*line.place, addr, length, line.choice(PROTECTIONS))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mprotect."""
        yield partial(process.mprotect, self.addr, self.prot, self.length)

    def system_calls(self) -> list[SystemCall]:
        """mprotect."""
        return [["mprotect", self.addr, self.length, PROTECTIONS[self.prot]]]


@dataclass(frozen=True, slots=True)
class Mremap(Operation):
    """mremap(); `to` is the new address (MREMAP_FIXED) or None."""

    verb = "mremap"
    usage = "mremap ADDR OLDLEN NEWLEN [to NEWADDR] [dontunmap] [maymove]"
    meaning = "Grow, shrink or move a mapping."
    example = "mmap s0 4M\ntouch w s0 4M\nmremap s0 4M 4M to s1"

    addr: int
    old_length: int
    new_length: int
    to: int | None
    dontunmap: bool
    maymove: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """Three numbers, then flags in any order."""
        addr, old, new = line.number("ADDR"), line.number("OLDLEN"), line.number("NEWLEN")
        to, flags = None, set[str]()
        while line.more:
            word = line.choice(("to", "dontunmap", "maymove"))
            if word in flags:
                raise line.error(f"no second {word!r}", back=1)
            flags.add(word)
            if word == "to":
                to = line.number("NEWADDR")
        return cls(*line.place, addr, old, new, to, "dontunmap" in flags, "maymove" in flags)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mremap."""
        yield partial(
            process.mremap,
            self.addr,
            self.new_length,
            to=self.to,
            old_length=self.old_length,
            maymove=self.maymove or self.dontunmap,
            dontunmap=self.dontunmap,
        )

    def system_calls(self) -> list[SystemCall]:
        """mremap."""
        flags = 0 if self.to is None else MREMAP_MAYMOVE | MREMAP_FIXED
        flags |= MREMAP_MAYMOVE if self.maymove else 0
        flags |= MREMAP_MAYMOVE | MREMAP_DONTUNMAP if self.dontunmap else 0
        return [["mremap", self.addr, self.old_length, self.new_length, flags, self.to]]

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """The new place of the entries; where locked memory grows, it is faulted in."""
        to = self.addr if self.to is None else self.to
        for start, end in filled:
            start, end = max(start, self.addr), min(end, self.addr + self.old_length)
            if start < end:
                yield start - self.addr + to, end - self.addr + to
        if locked and self.new_length > self.old_length:
            yield to + self.old_length, to + self.new_length

    @property
    def kernel_chooses(self) -> bool:
        """A move to no given place."""
        return self.to is None and (self.maymove or self.dontunmap)
