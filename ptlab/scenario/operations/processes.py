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
from ptlab.scenario.slots import TOP


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


class Vfork(Fork):
    """vfork(): the child runs the next `count` operations in the parent's memory, and exits."""

    __slots__ = ()
    verb = "vfork"
    usage = "vfork N"
    meaning = (
        "Make a child that runs in the same memory (CLONE_VM). It runs the next N operations and "
        "exits, then the parent goes on."
    )
    example = "mmap s0 2M\ntouch w s0 8K\nvfork 2\ntouch w s0+1M 4K\nmunmap s0 4K\ntouch w s0+1M 4K"

    def system_calls(self) -> list[SystemCall]:
        """The recorder makes the child; it is told how many operations this one runs."""
        return [["vfork", self.count]]


class Exec(WordOperation):
    """execve()."""

    __slots__ = ()
    verb = "exec"
    usage = "exec"
    meaning = (
        "Run another program: its memory is empty, and files and children of `forkbg` are no longer "
        "at hand."
    )
    example = "mmap s0 2M\ntouch w s0 8K\nfork 3\nexec\nmmap s0 2M\ntouch w s0 4K\ntouch w s0 8K"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """execve."""
        yield partial(self._exec, process, stage)

    def _exec(self, process: Process, stage: Stage) -> None:
        process.exec()
        process.mm.layout.mmap_base = TOP
        stage.files, stage.sleepers = {}, []

    def system_calls(self) -> list[SystemCall]:
        """The recorder runs itself again."""
        return [["exec"]]


@dataclass(frozen=True, slots=True)
class ForkInBackground(Operation):
    """fork() of children that stay: each runs the next `count` operations, and then sleeps."""

    verb = "forkbg"
    usage = "forkbg [CHILDREN N]"
    meaning = (
        "Fork a child that only sleeps, or CHILDREN of them, one after the other, each of which runs "
        "the next N operations before it sleeps. Until `endfork` they share the memory."
    )
    example = "mmap s0 2M shared\nforkbg 3 1\ntouch w s0 8K\ntouch w s0 4K\nendfork"

    children: int
    count: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read how many children there are, and how many operations each of them runs."""
        if not line.more:
            return cls(*line.place, 1, 0)
        return cls(*line.place, line.number("CHILDREN", least=1), line.number("N"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The player forks."""
        raise AssertionError("the player plays a fork")

    def system_calls(self) -> list[SystemCall]:
        """The recorder forks; it is told how many children run how many operations."""
        return [["fork_sleepers", self.children, self.count]]


class EndFork(WordOperation):
    """The end of the sleeping children."""

    __slots__ = ()
    verb = "endfork"
    usage = "endfork"
    meaning = "The children of the last `forkbg` end."
    example = ForkInBackground.example

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The children exit."""
        yield partial(self._end, stage)

    def _end(self, stage: Stage) -> None:
        if not stage.sleepers:
            raise KernelError(errno.ESRCH, "endfork: there is no forkbg to end")
        for sleeper in stage.sleepers:
            sleeper.exit()
        stage.sleepers = []

    def system_calls(self) -> list[SystemCall]:
        """The recorder ends them."""
        return [["end_sleepers"]]


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
