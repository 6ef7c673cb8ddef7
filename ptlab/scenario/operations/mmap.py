"""mmap: where memory is mapped, what backs it, and with which flags."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PMD_SIZE, PUD_SIZE
from ptlab.paths.madvise import ADVICE
from ptlab.paths.mmap import MAP, PROTECTIONS
from ptlab.process.arguments import Region
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, RangeOperation, Span, Stage, SystemCall
from ptlab.scenario.operations.hugetlb import HUGETLB_SIZES, hugetlb_size_bits

_HUGE_PAGES = {"thp": "HUGEPAGE", "keepthp": None, "": "NOHUGEPAGE"}
"""The advice that follows a mmap at once. The recorder allows huge pages only if asked."""


_FLAGS = {
    "locked": MAP.LOCKED,
    "growsdown": MAP.GROWSDOWN,
    "stack": MAP.STACK,
    "prefault": MAP.POPULATE,
}


@dataclass(frozen=True, slots=True)
class Mmap(RangeOperation):
    """`advice` is the one about huge pages that follows the call at once, or None."""

    verb = "mmap"
    usage = (
        "mmap ADDR|any LEN [RIGHTS] [anon|shared|file:F[:OFF]|pfile:F[:OFF]] "
        "[noreserve] [populate] [thp|keepthp|hugetlb2M|hugetlb1G] [over] [locked] [growsdown] "
        "[stack] [prefault]"
    )
    meaning = (
        "Map memory at an address: private and anonymous unless the line says otherwise. `over` "
        "replaces what is there (MAP_FIXED). The region has no huge pages, unless `thp` or "
        "`keepthp` is given. `populate` fills it before advice could ask for huge pages. RIGHTS are "
        "some of the letters `rwx`, in this order, or `none`. `locked`, `growsdown`, `stack` and "
        "`prefault` are MAP_LOCKED, MAP_GROWSDOWN, MAP_STACK and MAP_POPULATE. `hugetlb2M` and "
        "`hugetlb1G` are MAP_HUGETLB with pages of this size, from the pool of `hugepages`. With `any` "
        "the kernel chooses the address: the highest free place below `top`."
    )
    example = "mmap s0 4M rw noreserve populate"

    prot: str
    shared: bool
    file: str | None
    offset: int
    noreserve: bool
    populate: bool
    advice: str | None
    over: bool
    flags: frozenset[str]
    """Which of locked, growsdown, stack and prefault are given."""
    anywhere: bool
    """The kernel chooses the address; `addr` is 0."""
    hugetlb: int = 0
    """The size of a huge page of MAP_HUGETLB in bytes, or 0."""

    @classmethod
    def read(cls, line: Line) -> Self:
        """The options come in any order, each thing that they decide once."""
        anywhere = line.ahead("any")
        addr, length = 0 if anywhere else line.number("ADDR"), line.number("LEN")
        given: dict[str, str] = {}  # what each option decides -> the word that decided it
        file, offset = None, 0
        while line.more:
            word = line.take("an option")
            kind = _decides(word)
            if kind is None:
                raise line.error("an option of mmap or the end of the line", back=1)
            if kind in given:
                raise line.error(f"no second word for {kind} after {given[kind]!r}", back=1)
            given[kind] = word
            if ":" in word:
                file, offset = _file_and_offset(line, word)
        backing = given.get("backing", "anon").split(":")[0]
        return cls(
            *line.place,
            addr,
            length,
            given.get("protection", "rw"),
            shared=backing in ("shared", "file"),
            file=file,
            offset=offset,
            noreserve="noreserve" in given,
            populate="populate" in given,
            advice=_advice(given),
            over="over" in given,
            flags=frozenset(given) & frozenset(_FLAGS),
            anywhere=anywhere,
            hugetlb=HUGETLB_SIZES.get(given.get("huge pages", ""), 0),
        )

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """mmap, the advice about huge pages, and what populates; the first error ends it."""
        yield partial(self._map, process, stage)

    def _map(self, process: Process, stage: Stage) -> None:
        region = process.mmap(
            self.length,
            at=None if self.anywhere else self.addr,
            prot=self.prot,
            shared=self.shared,
            noreserve=self.noreserve,
            over=self.over,
            file=None if self.file is None else stage.file(self, self.file),
            offset=self.offset,
            locked="locked" in self.flags,
            growsdown="growsdown" in self.flags,
            stack="stack" in self.flags,
            populate="prefault" in self.flags,
            hugetlb=self.hugetlb,
        )
        if self.advice:
            _advise_huge_pages(process, region, self.advice)
        if self.populate:
            process.madvise(region, self._populating)

    @property
    def _populating(self) -> str:
        return "POPULATE_WRITE" if "w" in self.prot else "POPULATE_READ"

    def system_calls(self) -> list[SystemCall]:
        """The same calls for the recorder."""
        flags = MAP.SHARED if self.shared else MAP.PRIVATE
        flags |= MAP.FIXED if self.over else 0 if self.anywhere else MAP.FIXED_NOREPLACE
        flags |= MAP.NORESERVE if self.noreserve else 0
        flags |= MAP.ANONYMOUS if self.file is None else 0
        flags |= sum(_FLAGS[name] for name in self.flags)
        flags |= MAP.HUGETLB | hugetlb_size_bits(self.hugetlb) if self.hugetlb else 0
        prot, addr = PROTECTIONS[self.prot], None if self.anywhere else self.addr
        calls: list[SystemCall] = [["mmap", addr, self.length, prot, flags, self.file, self.offset]]
        if self.advice:
            calls.append(["advise_huge_pages", addr, self.length, ADVICE[self.advice]])
        if self.populate:
            calls.append(["madvise", addr, self.length, ADVICE[self._populating]])
        return calls

    @property
    def file_used(self) -> str | None:
        """The file that is mapped."""
        return self.file

    @property
    def needs_huge_pages(self) -> bool:
        """Whether huge pages are allowed in it."""
        return self.advice != "NOHUGEPAGE" and not self.hugetlb

    @property
    def reach(self) -> int:
        """A hugetlb mapping that is long enough may get another one's PMD page with all its entries."""
        shares = self.shared and (self.file or self.hugetlb) and self.length >= PUD_SIZE
        return PUD_SIZE if shares else PMD_SIZE

    def fills(self, filled: Collection[Span], locked: bool) -> Iterator[Span]:
        """The whole mapping, if it is populated."""
        filled_in = self.populate or locked or not self.flags.isdisjoint(("prefault", "locked"))
        if filled_in and not self.anywhere:
            yield self.range

    @property
    def locks(self) -> bool:
        """With `locked`."""
        return "locked" in self.flags

    @property
    def kernel_chooses(self) -> bool:
        """With `any`."""
        return self.anywhere


def _advise_huge_pages(process: Process, region: Region, advice: str) -> None:
    """madvise; the recorder too takes EINVAL for an answer (of a part of a hugetlb page)."""
    try:
        process.madvise(region, advice)
    except KernelError as refusal:
        if refusal.errno != errno.EINVAL:
            raise


def _advice(given: Mapping[str, str]) -> str | None:
    """With `populate` the pages are there before MADV_HUGEPAGE could be said, so it is not."""
    asked = given.get("huge pages", "")
    return None if "populate" in given and asked else _HUGE_PAGES.get(asked)


def _decides(word: str) -> str | None:
    """What an option of mmap decides."""
    if word in PROTECTIONS:
        return "protection"
    if word in ("anon", "shared") or word.startswith(("file:", "pfile:")):
        return "backing"
    if word in ("thp", "keepthp", *HUGETLB_SIZES):
        return "huge pages"
    return word if word in ("noreserve", "populate", "over", *_FLAGS) else None


def _file_and_offset(line: Line, word: str) -> tuple[str, int]:
    _, name, *offset = word.split(":", maxsplit=2)
    if not name:
        raise line.error("the name of a file after the colon", back=1, skip=len(word))
    if not offset:
        return name, 0
    return name, line.value(offset[0], "OFF", skip=len(word) - len(offset[0]))
