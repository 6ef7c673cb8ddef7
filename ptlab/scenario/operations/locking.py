"""Operations that keep memory from being given back: mlock and munlock."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from ptlab.process.process import Process
from ptlab.scenario.operation import Call, RangeOperation, Span, Stage, SystemCall


class Mlock(RangeOperation):
    """mlock()."""

    __slots__ = ()
    verb = "mlock"
    usage = "mlock ADDR LEN"
    meaning = "Lock a range in memory; every page is faulted in."
    example = "mmap s0 2M\nmlock s0 64K"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mlock."""
        yield partial(process.mlock, self.addr, self.length)

    def system_calls(self) -> list[SystemCall]:
        """mlock."""
        return [["mlock", self.addr, self.length]]

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """All of it."""
        yield self.range


class Munlock(RangeOperation):
    """munlock()."""

    __slots__ = ()
    verb = "munlock"
    usage = "munlock ADDR LEN"
    meaning = "Undo mlock."
    example = "mmap s0 2M\nmlock s0 64K\nmunlock s0 64K"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """munlock."""
        yield partial(process.munlock, self.addr, self.length)

    def system_calls(self) -> list[SystemCall]:
        """munlock."""
        return [["munlock", self.addr, self.length]]
