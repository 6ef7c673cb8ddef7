"""Operations on files: a file in memory or on disk that only the scenario sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Stage, SystemCall
from ptlab.scenario.operations.hugetlb import HUGETLB_SIZES, hugetlb_size_bits

FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2  # include/uapi/linux/falloc.h
_MFD_HUGETLB = 4  # include/uapi/linux/memfd.h
_BACKINGS = ("memfd", "disk", *HUGETLB_SIZES)


@dataclass(frozen=True, slots=True)
class MakeFile(Operation):
    """`filled` puts the pages of the new file into the page cache."""

    verb = "file"
    usage = "file F SIZE [memfd|disk|hugetlb2M|hugetlb1G] [filled]"
    meaning = (
        "Make a file, in memory (memfd), on disk, or in memory of huge pages (MFD_HUGETLB). `filled`: "
        "all its pages are in the page cache."
    )
    example = "file f 2M memfd filled\nmmap s0 2M file:f\ntouch r s0 4K"

    name: str
    size: int
    disk: bool
    filled: bool
    hugetlb: int = 0
    """The size of a huge page in bytes, if it is made of these, or 0."""

    @classmethod
    def read(cls, line: Line) -> Self:
        """A name and a size, then what kind of file it is."""
        name, size = line.take("F, the name of the file"), line.number("SIZE")
        words = set[str]()
        while line.more:
            word = line.choice((*_BACKINGS, "filled"))
            both = {word, *words}
            if (
                word in words
                or len(both & {*_BACKINGS}) > 1
                or ("filled" in both and both & {*HUGETLB_SIZES})
            ):
                raise line.error(f"nothing that contradicts or repeats {' '.join(words)!r}", back=1)
            words.add(word)
        huge = sum(size for word, size in HUGETLB_SIZES.items() if word in words)
        return cls(*line.place, name, size, "disk" in words, "filled" in words, huge)

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """No system call of the simulated process: the file exists from now on."""
        yield partial(self._make, process, stage)

    def _make(self, process: Process, stage: Stage) -> None:
        kind = "disk" if self.disk else "memfd"
        stage.files[self.name] = process.file(self.size, kind, self.filled, self.hugetlb)

    def system_calls(self) -> list[SystemCall]:
        """The call that makes it, with the given size."""
        flags = _MFD_HUGETLB | hugetlb_size_bits(self.hugetlb) if self.hugetlb else 0
        return [["make_file", self.name, self.size, self.disk, self.filled, flags]]


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
