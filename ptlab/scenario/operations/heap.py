"""Operations on the heap, which ends at the program break."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Span, Stage, SystemCall
from ptlab.scenario.slots import SLOT_SIZE


@dataclass(frozen=True, slots=True)
class Heap(Operation):
    """prctl(PR_SET_MM): where the heap is."""

    verb = "heap"
    usage = "heap ADDR"
    meaning = "The program's heap begins at ADDR, and is empty (prctl(PR_SET_MM))."
    example = "heap s0\nbrk s0+64K\ntouch w s0 64K"

    addr: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR."""
        return cls(*line.place, line.number("ADDR"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """No system call that is modelled: the heap is there from now on."""
        yield partial(process.mm.layout.set_heap, self.addr, self.addr)

    def system_calls(self) -> list[SystemCall]:
        """prctl."""
        return [["set_heap", self.addr]]

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """Its first page: from there on a later brk may fill it."""
        yield self.addr, self.addr + 1


@dataclass(frozen=True, slots=True)
class Brk(Operation):
    """brk()."""

    verb = "brk"
    usage = "brk ADDR"
    meaning = "Move the program break, where the heap ends, to ADDR."
    example = "heap s0\nbrk s0+2M\ntouch w s0 2M\nbrk s0+4K"

    addr: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR."""
        return cls(*line.place, line.number("ADDR"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """brk."""
        yield partial(process.brk, self.addr)

    def system_calls(self) -> list[SystemCall]:
        """brk."""
        return [["brk", self.addr]]

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """If new memory is locked, all below it in the same slot, from the first place on."""
        slot = (self.addr - 1) & -SLOT_SIZE
        if locked:
            begins = [start for start, _ in filled if slot <= start < self.addr]
            yield min(begins, default=self.addr - 1), self.addr
