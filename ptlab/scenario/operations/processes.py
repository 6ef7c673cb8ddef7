"""Operations on processes. The player and the recorder fork; these classes only describe it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.base.errors import KernelError
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Stage, SystemCall, WordOperation


@dataclass(frozen=True, slots=True)
class Fork(Operation):
    """fork(): the child runs the next `count` operations and exits, then the parent goes on."""

    verb = "fork"
    usage = "fork N"
    meaning = "Fork. The child runs the next N operations and exits, then the parent goes on."
    example = "mmap s0 2M\ntouch w s0 8K\nfork 1\ntouch w s0 4K\ntouch w s0 4K"

    count: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read how many operations the child runs."""
        return cls(*line.place, line.number("N", least=1))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The player forks."""
        raise AssertionError("the player plays a fork")

    def system_calls(self) -> list[SystemCall]:
        """The recorder forks; it is told how many operations the child runs."""
        return [["fork", self.count]]


class ForkInBackground(WordOperation):
    """fork() of a child that only sleeps."""

    __slots__ = ()
    verb = "forkbg"
    usage = "forkbg"
    meaning = "Fork a child that only sleeps. Until `endfork` it shares the memory."
    example = "mmap s0 2M\ntouch w s0 8K\nforkbg\ntouch w s0 4K\nendfork"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """fork."""
        yield partial(self._fork, process, stage)

    def _fork(self, process: Process, stage: Stage) -> None:
        stage.sleeper = process.fork()

    def system_calls(self) -> list[SystemCall]:
        """The recorder forks."""
        return [["fork_sleeper"]]


class EndFork(WordOperation):
    """The end of the sleeping child."""

    __slots__ = ()
    verb = "endfork"
    usage = "endfork"
    meaning = "The child of `forkbg` ends."
    example = ForkInBackground.example

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The child exits."""
        yield partial(self._end, stage)

    def _end(self, stage: Stage) -> None:
        if stage.sleeper is None:
            raise KernelError(errno.ESRCH, "endfork: there is no forkbg to end")
        stage.sleeper.exit()
        stage.sleeper = None

    def system_calls(self) -> list[SystemCall]:
        """The recorder ends it."""
        return [["end_sleeper"]]


class Nop(WordOperation):
    """No call: its row shows the numbers."""

    __slots__ = ()
    verb = "nop"
    usage = "nop"
    meaning = "Do nothing. Its row shows the numbers of this moment."
    example = "nop"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """None."""
        yield from ()

    def system_calls(self) -> list[SystemCall]:
        """None."""
        return []
