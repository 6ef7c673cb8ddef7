"""Operations that access memory, and that advise the kernel about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.base.geometry import PAGE_SIZE, MiB
from ptlab.paths.madvise import ADVICE
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, RangeOperation, Span, Stage, SystemCall

_CHUNK = 2 * MiB
_MAKES_HUGE = ("HUGEPAGE", "COLLAPSE")
_FILLING = ("POPULATE_READ", "POPULATE_WRITE", "GUARD_INSTALL", "COLLAPSE")


@dataclass(frozen=True, slots=True)
class Touch(RangeOperation):
    """One read or write in every `stride` bytes of a range."""

    verb = "touch"
    usage = "touch r|w ADDR LEN [STRIDE]"
    meaning = (
        "Read or write one byte in every STRIDE bytes (4K), in order. A refused access is skipped."
    )
    example = "mmap s0 2M\ntouch w s0 8K\ntouch r s0+1M 4K"

    write: bool
    stride: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """r or w, ADDR LEN, and perhaps a stride."""
        write = line.choice(("r", "w")) == "w"
        addr, length = line.number("ADDR"), line.number("LEN")
        stride = line.number("STRIDE", least=1) if line.more else PAGE_SIZE
        return cls(*line.place, addr, length, write, stride)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The accesses."""
        yield partial(process.touch, self.addr, self.length, write=self.write, stride=self.stride)

    def system_calls(self) -> list[SystemCall]:
        """The accesses."""
        return [["touch", self.write, self.addr, self.length, self.stride]]

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """What it touches."""
        if self.stride > _CHUNK:
            yield from ((at, at + 1) for at in range(*self.range, self.stride))
        else:
            yield self.range


@dataclass(frozen=True, slots=True)
class Cover(RangeOperation):
    """The cover letter's loop."""

    verb = "cover"
    usage = "cover ADDR LEN [CHUNK]"
    meaning = "The loop of the 2021 cover letter: write each CHUNK (2M), then DONTNEED it."
    example = "mmap s0 8M noreserve\ncover s0 8M"

    chunk: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR LEN, and perhaps the chunk."""
        addr, length = line.number("ADDR"), line.number("LEN")
        chunk = line.number("CHUNK", least=1) if line.more else _CHUNK
        return cls(*line.place, addr, length, chunk)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """Two calls for each chunk."""
        for addr in range(*self.range, self.chunk):
            yield partial(process.touch, addr, self.chunk)
            yield partial(process.madvise, addr, "DONTNEED", self.chunk)
            stage.progress(addr + self.chunk - self.addr, self.length)

    def system_calls(self) -> list[SystemCall]:
        """Two system calls at each chunk."""
        return [
            ["touch", True, 0, self.chunk, PAGE_SIZE],
            ["madvise", 0, self.chunk, ADVICE["DONTNEED"]],
        ]

    def repeats(self) -> range:
        """The chunks."""
        return range(*self.range, self.chunk)

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """All of it."""
        yield self.range


@dataclass(frozen=True, slots=True)
class Madvise(RangeOperation):
    """madvise(); `advice` has the kernel's name without `MADV_`."""

    verb = "madvise"
    usage = "madvise ADVICE ADDR LEN"
    meaning = (
        "Advise the kernel: DONTNEED, FREE, COLD, PAGEOUT, POPULATE_WRITE, HUGEPAGE, COLLAPSE, ..."
    )
    example = "mmap s0 2M\ntouch w s0 2M\nmadvise DONTNEED s0 2M"

    advice: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """The advice, then ADDR LEN."""
        advice = line.choice(ADVICE)
        return cls(*line.place, line.number("ADDR"), line.number("LEN"), advice)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """madvise."""
        yield partial(process.madvise, self.addr, self.advice, self.length)

    def system_calls(self) -> list[SystemCall]:
        """madvise."""
        return [["madvise", self.addr, self.length, ADVICE[self.advice]]]

    @property
    def needs_huge_pages(self) -> bool:
        """Whether the advice may make huge pages."""
        return self.advice in _MAKES_HUGE

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """Where the advice puts entries."""
        if self.advice in _FILLING:
            yield self.range


@dataclass(frozen=True, slots=True)
class MadviseEach(Madvise):
    """One madvise() for every `chunk` bytes of a range."""

    verb = "madvise_each"
    usage = "madvise_each ADVICE ADDR LEN CHUNK"
    meaning = "Advise the kernel about a range piece by piece, one call for every CHUNK."
    example = "mmap s0 2M\ntouch w s0 2M\nmadvise_each DONTNEED s0 2M 256K"

    chunk: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """The advice, ADDR LEN, and the chunk."""
        advice = line.choice(ADVICE)
        addr, length = line.number("ADDR"), line.number("LEN")
        return cls(*line.place, addr, length, advice, line.number("CHUNK", least=1))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """One call for each chunk."""
        for addr in self.repeats():
            yield partial(process.madvise, addr, self.advice, self.chunk)

    def system_calls(self) -> list[SystemCall]:
        """One system call at each chunk."""
        return [["madvise", 0, self.chunk, ADVICE[self.advice]]]

    def repeats(self) -> range:
        """The chunks."""
        return range(*self.range, self.chunk)


@dataclass(frozen=True, slots=True)
class ProcessMadvise(Operation):
    """process_madvise() of the process on itself."""

    verb = "process_madvise"
    usage = "process_madvise ADVICE ADDR LEN [ADDR LEN ...]"
    meaning = "Advise the kernel about several ranges in one call, up to the first that fails."
    example = "mmap s0 4M\ntouch w s0 4M\nprocess_madvise COLD s0 2M s0+3M 64K"

    advice: str
    ranges: tuple[Span, ...]
    """Addresses and lengths."""

    @classmethod
    def read(cls, line: Line) -> Self:
        """The advice, then the ranges."""
        advice = line.choice(ADVICE)
        ranges = [(line.number("ADDR"), line.number("LEN"))]
        while line.more:
            ranges.append((line.number("ADDR"), line.number("LEN")))
        return cls(*line.place, advice, tuple(ranges))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """process_madvise."""
        yield partial(process.process_madvise, self.ranges, self.advice)

    def system_calls(self) -> list[SystemCall]:
        """process_madvise."""
        return [["process_madvise", ADVICE[self.advice], self.ranges]]

    @property
    def needs_huge_pages(self) -> bool:
        """Whether the advice may make huge pages."""
        return self.advice in _MAKES_HUGE

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """Where the advice puts entries."""
        if self.advice in _FILLING:
            yield from ((addr, addr + length) for addr, length in self.ranges)
