"""Operations that keep memory as it is: mlock and its kin, and mseal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.paths.mlock import MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import (
    Call,
    Operation,
    RangeOperation,
    Span,
    Stage,
    SystemCall,
    WordOperation,
)


@dataclass(frozen=True, slots=True)
class Mlock(RangeOperation):
    """mlock(), or mlock2() with MLOCK_ONFAULT."""

    verb = "mlock"
    usage = "mlock ADDR LEN [onfault]"
    meaning = (
        "Lock a range in memory; every page is faulted in, or with `onfault` (mlock2) only when it "
        "is touched."
    )
    example = "mmap s0 2M\nmlock s0 64K"

    onfault: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR LEN, and perhaps how."""
        addr, length = line.number("ADDR"), line.number("LEN")
        return cls(*line.place, addr, length, line.more and line.choice(["onfault"]) == "onfault")

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mlock."""
        yield partial(process.mlock, self.addr, self.length, self.onfault)

    def system_calls(self) -> list[SystemCall]:
        """mlock2."""
        return [["mlock2", self.addr, self.length, int(self.onfault)]]

    @property
    def locks(self) -> bool:
        """Yes."""
        return True

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


@dataclass(frozen=True, slots=True)
class Mlockall(Operation):
    """mlockall()."""

    verb = "mlockall"
    usage = "mlockall [current] [future] [onfault]"
    meaning = (
        "Lock all memory there is (`current`), and what will be mapped (`future`); `onfault`: each "
        "page only when it is touched."
    )
    example = "mmap s0 64K\nmlockall current future\nmmap s1 64K\nmunlockall"

    current: bool
    future: bool
    onfault: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """The flags, in any order."""
        flags = set[str]()
        while line.more:
            flags.add(line.choice(["current", "future", "onfault"]))
        return cls(*line.place, "current" in flags, "future" in flags, "onfault" in flags)

    @property
    def locks(self) -> bool:
        """Yes."""
        return True

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mlockall."""
        yield partial(process.mlockall, self.current, self.future, self.onfault)

    def system_calls(self) -> list[SystemCall]:
        """mlockall."""
        asked = (
            (self.current, MCL_CURRENT),
            (self.future, MCL_FUTURE),
            (self.onfault, MCL_ONFAULT),
        )
        return [["mlockall", sum(flag for wanted, flag in asked if wanted)]]


class Munlockall(WordOperation):
    """munlockall()."""

    __slots__ = ()
    verb = "munlockall"
    usage = "munlockall"
    meaning = "Undo mlock and mlockall."
    example = "mmap s0 64K\nmlockall current\nmunlockall"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """munlockall."""
        yield process.munlockall

    def system_calls(self) -> list[SystemCall]:
        """munlockall."""
        return [["munlockall"]]


class Mseal(RangeOperation):
    """mseal()."""

    __slots__ = ()
    verb = "mseal"
    usage = "mseal ADDR LEN"
    meaning = "Seal a range: it can no longer be unmapped, moved, or given other rights (EPERM)."
    example = "mmap s0 64K\ntouch w s0 4K\nmseal s0 64K"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mseal."""
        yield partial(process.mseal, self.addr, self.length)

    def system_calls(self) -> list[SystemCall]:
        """mseal."""
        return [["mseal", self.addr, self.length, 0]]
