"""What an operation of the scenario language is: one class with everything about it.

An operation has its syntax and an example, reads itself from a line, makes its calls of a simulated
Process, and gives, as plain data, what the recorder has to do on a real kernel. A new operation is one
class in operations/, and nothing else.

Addresses and lengths are plain byte counts that nobody checks here: refusing a bad one is up to the
kernel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeAlias

from ptlab.base.geometry import PMD_SIZE
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.state.page_cache import File

Call: TypeAlias = Callable[[], object]
"""A system call of the simulator, or a run of accesses, ready to be made."""

SystemCall: TypeAlias = list[Any]
"""What the recorder does: the name of one of its calls, and the arguments. A file is its name."""

Span: TypeAlias = tuple[int, int]
"""[start, end) in bytes."""


class Stage(Protocol):
    """What the operations of one scenario have made so far."""

    files: dict[str, File]
    sleepers: list[Process]
    """The children of the last `forkbg`."""

    def file(self, op: Operation, name: str) -> File:
        """The file that an operation before this one has made."""

    def progress(self, done: int, total: int) -> None:
        """Note how many bytes of a loop are done."""


@dataclass(frozen=True, slots=True)
class Operation(ABC):
    """One operation, and where it was read (`line` and `column` count from 1)."""

    verb: ClassVar[str]
    usage: ClassVar[str]
    meaning: ClassVar[str]
    """What it does, in one line for the page of the language."""
    example: ClassVar[str]
    """A scenario that uses it, complete."""

    text: str
    line: int
    column: int

    @classmethod
    @abstractmethod
    def read(cls, line: Line) -> Self:
        """The operation that `line` says, whose verb has been taken. Raises ScenarioError."""

    @abstractmethod
    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """The calls that it stands for: one, or many for a loop. An error does not stop the rest."""

    @abstractmethod
    def system_calls(self) -> list[SystemCall]:
        """The same for the recorder, which makes them in turn and stops at an error."""

    def repeats(self) -> range:
        """Offsets at which the system calls are made again and again; their addresses begin at 0."""
        return range(1)

    @property
    def file_used(self) -> str | None:
        """The file that has to be there before."""
        return None

    @property
    def locks(self) -> bool:
        """Whether it locks memory, which is then faulted in without an access."""
        return False

    @property
    def kernel_chooses(self) -> bool:
        """Whether the kernel may choose an address for it."""
        return False

    @property
    def needs_huge_pages(self) -> bool:
        """Whether what it does depends on how huge pages are set on the machine."""
        return False

    @property
    def huge_page_size(self) -> int:
        """The size of the huge pages that it puts into the machine's pool, or 0."""
        return 0

    @property
    def reach(self) -> int:
        """How much memory around an access may get entries then."""
        return PMD_SIZE

    @property
    def pool_bytes(self) -> int:
        """How much memory it puts into that pool."""
        return 0

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """Where it may put entries, if those of `filled` may be there and memory is `locked`."""
        yield from ()


@dataclass(frozen=True, slots=True)
class RangeOperation(Operation):
    """An operation that takes ADDR LEN and nothing else."""

    addr: int
    length: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """ADDR LEN."""
        return cls(*line.place, line.number("ADDR"), line.number("LEN"))

    @property
    def range(self) -> Span:
        """[start, end) in bytes."""
        return self.addr, self.addr + self.length


class WordOperation(Operation):
    """An operation that is one word."""

    __slots__ = ()

    @classmethod
    def read(cls, line: Line) -> Self:
        """Nothing follows the verb."""
        return cls(*line.place)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named list of operations."""

    name: str
    group: str
    description: str
    ops: tuple[Operation, ...]
