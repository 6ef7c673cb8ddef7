"""Operations on files: a file in memory or on disk that only the scenario sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Stage, SystemCall

FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2  # include/uapi/linux/falloc.h


@dataclass(frozen=True, slots=True)
class MakeFile(Operation):
    """`filled` puts the pages of the new file into the page cache."""

    verb = "file"
    usage = "file F SIZE [memfd|disk] [filled]"
    meaning = (
        "Make a file, in memory (memfd) or on disk. `filled`: all its pages are in the page cache."
    )
    example = "file f 2M memfd filled\nmmap s0 2M file:f\ntouch r s0 4K"

    name: str
    size: int
    disk: bool
    filled: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """A name and a size, then what kind of file it is."""
        name, size = line.take("F, the name of the file"), line.number("SIZE")
        words = set[str]()
        while line.more:
            word = line.choice(("memfd", "disk", "filled"))
            if word in words or {word, *words} >= {"memfd", "disk"}:
                raise line.error(f"nothing that contradicts or repeats {' '.join(words)!r}", back=1)
            words.add(word)
        return cls(*line.place, name, size, "disk" in words, "filled" in words)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """No system call of the simulated process: the file exists from now on."""
        yield partial(self._make, process, stage)

    def _make(self, process: Process, stage: Stage) -> None:
        kind = "disk" if self.disk else "memfd"
        stage.files[self.name] = process.file(self.size, kind, self.filled)

    def system_calls(self) -> list[SystemCall]:
        """The call that makes it, with the given size."""
        return [["make_file", self.name, self.size, self.disk, self.filled]]


@dataclass(frozen=True, slots=True)
class Truncate(Operation):
    """ftruncate()."""

    verb = "truncate"
    usage = "truncate F SIZE"
    meaning = "Give a file another size; the pages beyond it go, out of every mapping too."
    example = "file f 2M memfd filled\nmmap s0 2M file:f\ntouch r s0 64K\ntruncate f 4K"

    name: str
    size: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """A file and its new size."""
        return cls(*line.place, line.take("F, a file"), line.number("SIZE"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """ftruncate."""
        yield partial(process.truncate, stage.file(self, self.name), self.size)

    def system_calls(self) -> list[SystemCall]:
        """ftruncate."""
        return [["ftruncate", self.name, self.size]]

    @property
    def file_used(self) -> str | None:
        """The file."""
        return self.name


@dataclass(frozen=True, slots=True)
class Punch(Operation):
    """fallocate() with FALLOC_FL_PUNCH_HOLE."""

    verb = "punch"
    usage = "punch F OFF LEN"
    meaning = "Punch a hole into a file (FALLOC_FL_PUNCH_HOLE)."
    example = "file f 2M memfd filled\nmmap s0 2M file:f\ntouch r s0 64K\npunch f 0 4K"

    name: str
    offset: int
    length: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """A file and a part of it."""
        return cls(*line.place, line.take("F, a file"), line.number("OFF"), line.number("LEN"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """fallocate."""
        yield partial(process.punch, stage.file(self, self.name), self.offset, self.length)

    def system_calls(self) -> list[SystemCall]:
        """fallocate."""
        how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        return [["fallocate", self.name, how, self.offset, self.length]]

    @property
    def file_used(self) -> str | None:
        """The file."""
        return self.name


class Allocate(Punch):
    """fallocate()."""

    __slots__ = ()
    verb = "alloc"
    usage = "alloc F OFF LEN"
    meaning = "Bring a part of a file into being (fallocate)."
    example = "file f 2M memfd\nalloc f 0 64K"

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """fallocate."""
        yield partial(process.allocate, stage.file(self, self.name), self.offset, self.length)

    def system_calls(self) -> list[SystemCall]:
        """fallocate."""
        return [["fallocate", self.name, 0, self.offset, self.length]]
