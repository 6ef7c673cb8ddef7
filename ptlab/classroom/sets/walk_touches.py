"""The second question of set 1: which tables each of some touches builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

from ptlab.base.geometry import GiB, KiB, MiB
from ptlab.classroom.question import Wrong
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.process.process import Process
from ptlab.story.story import Story

TABLES = (Column("PUD pages"), Column("PMD pages"), Column("PTE pages"))
"""The columns of the questions that count tables."""

SHARED = "Neighbours share tables: which addresses does one PTE page serve?"

_BASE = 0x1000_0000_0000
"""The start of a PGD entry, so that every index below the PGD's is 0."""

_EARLIER = (
    "Which earlier touch was in the same 2 MiB (one PTE page), in the same GiB (one PMD page), in the "
    "same 512 GiB (one PUD page)?"
)
_LEVELS = "Neighbours share tables: which addresses does one table of each level serve?"
_ONE_WALK = "One touch walks down one path: it passes one table of each level."
_BELOW = "A new table is empty, so each level below it needs a new one too."
_FIRST = "The process is fresh: which table below the PGD could be there before its first access?"
_READS = "What does an entry point to after a read of memory that was never written?"


def tables(process: Process) -> tuple[int, int, int]:
    """How many tables of each level the process has now."""
    now = process.counters
    return now.pud, now.pmd, now.pte


@dataclass(frozen=True)
class Touches:
    """Accesses to one area: offset from its beginning, and whether it is a write."""

    touches: tuple[tuple[int, bool], ...]


class Built(TableQuestion[Touches]):
    """Which tables each of six touches builds."""

    name = "walk-2"
    title = "six touches"
    points = 3
    minutes = 15
    goal = "say which tables a page fault builds, and which are there already"
    hints = (
        "An address needs one table of each level. Which of them did an earlier touch build?",
        "Two addresses share a PTE page when they are in the same 2 MiB, a PMD page when they are "
        "in the same GiB, a PUD page when they are in the same 512 GiB.",
        "Go through the touches with three sets in hand: `address >> 39`, `address >> 30` and "
        "`address >> 21`. Does reading differ from writing here?",
    )
    columns = TABLES
    names_columns = False
    length: ClassVar[int] = 1024 * GiB

    def pose(self, rng: Random) -> Touches:
        """Each touch is near an earlier one, at a distance that makes some level new, or none."""
        while True:
            offsets = [rng.randrange(512) * GiB + rng.randrange(512) * 2 * MiB]
            steps = [64 * KiB, 2 * MiB, GiB, 512 * GiB, 2 * MiB + 64 * KiB]
            rng.shuffle(steps)
            for step in steps:
                offsets.append(rng.choice(offsets) ^ step)
            read = rng.randrange(1, 6)
            problem = Touches(tuple((offset, k != read) for k, offset in enumerate(offsets)))
            if self.tells_apart(problem):
                return problem

    def text(self, problem: Touches) -> str:
        """The touches in order."""
        rows = "\n".join(
            f"{k}. {'writes' if write else 'reads'} `{_BASE + offset:#x}`"
            for k, (offset, write) in enumerate(problem.touches, 1)
        )
        return (
            f"A fresh process has 1 TiB of untouched memory at `{_BASE:#x}`, the start of a PGD "
            "entry. It accesses one byte at each of these addresses, in this order. **How many "
            "tables of each level does each touch build?**\n\n"
            f"{rows}\n\n"
            "Answer with six rows of `(PUD pages, PMD pages, PTE pages)`; a touch that finds all "
            "its tables builds `(0, 0, 0)`."
        )

    def rows(self, problem: Touches) -> Sequence[str]:
        """Its number and address."""
        return [f"touch {k}, {_BASE + a:#x}" for k, (a, _) in enumerate(problem.touches, 1)]

    def where(self, problem: Touches, row: int) -> str:
        """What to compare the address with, and the touch in the story."""
        shows = f"Operation {row + 2} of ptlab.ask({self.name!r}).story() shows it."
        return f"{_EARLIER} {shows}" if row else shows

    def remark(self, problem: Touches, row: int, given: Row) -> str:
        """What no touch can build, and what is special about the first one and a read."""
        built = [int(n) for n in given]
        if not {0, 1}.issuperset(built):
            return _ONE_WALK
        if built != sorted(built):
            return _BELOW
        if not problem.touches[row][1] and not any(built):
            return _READS
        return _FIRST if row == 0 else ""

    def solve(self, problem: Touches) -> list[Row]:
        """Touch, and count what is new."""
        process = Process(record=False)
        return list(self._play(process, problem))

    def story(self, problem: Touches) -> Story:
        """The mmap and the six touches."""
        process = Process()
        for _ in self._play(process, problem):
            pass
        return Story(process, "Six touches")

    def _play(self, process: Process, problem: Touches) -> Iterator[Row]:
        area = process.mmap(self.length, at=_BASE, noreserve=True)
        before = tables(process)
        for offset, write in problem.touches:
            process.touch(area + offset, 1, write=write)
            now = tables(process)
            yield tuple(b - a for a, b in zip(before, now, strict=True))
            before = now

    def why(self, problem: Touches) -> str:
        """For each touch, the levels at which it is the first."""
        names = ("a PUD page", "a PMD page", "a PTE page")
        lines = []
        for name, row in zip(self.rows(problem), self.solve(problem), strict=True):
            new = [level for level, n in zip(names, row, strict=True) if n]
            told = " and ".join(new) if new else "nothing: all its tables are there"
            lines.append(f"* {name}: {row} builds {told}")
        return (
            "A fault walks down and builds each table that is missing. A read needs the same "
            "tables as "
            "a write: the zero page must be pointed to as well.\n\n" + "\n".join(lines)
        )

    def wrong(self, problem: Touches) -> list[Wrong]:
        """Tables that are not shared, not remembered, or not needed."""
        paths = [tuple(a >> shift for shift in (39, 30, 21)) for a, _ in problem.touches]
        pages = [tuple(a >> shift for shift in (30, 21, 12)) for a, _ in problem.touches]
        writes = [write for _, write in problem.touches]
        right = _first_uses(paths, [True] * 6)
        totals = [tuple(map(sum, zip(*right[: k + 1], strict=True))) for k in range(6)]
        previous = [(-1, -1, -1), *paths]
        return [
            Wrong("own-path-each", _LEVELS, [(1, 1, 1)] * 6, 1.5),
            Wrong("own-pte-page-each", _LEVELS, [(1, 1, 1), *[(0, 0, 1)] * 5], 2),
            Wrong("mmap-built-them", "mmap makes a VMA. Who builds tables?", [(0, 0, 0)] * 6, 1.5),
            Wrong("reads-build-nothing", _READS, _first_uses(paths, writes), 2.5),
            Wrong(
                "only-the-last-touch",
                "A table stays when the program goes elsewhere.",
                [
                    tuple(int(x != y) for x, y in zip(p, q, strict=True))
                    for p, q in pairwise(previous)
                ],
                2.5,
            ),
            Wrong("totals", "Count what this touch builds, not what is there after it.", totals, 2),
            Wrong(
                "one-level-off",
                "How much does one whole PTE page map?",
                _first_uses(pages, [True] * 6),
                2.5,
            ),
        ]


def _first_uses(paths: Sequence[tuple[int, ...]], counts: Sequence[bool]) -> list[Row]:
    """1 where a touch that counts is the first to use that table, for each level."""
    seen: set[tuple[int, int]] = set()
    rows: list[Row] = []
    for path, does in zip(paths, counts, strict=True):
        steps = set(enumerate(path)) if does else set[tuple[int, int]]()
        rows.append(tuple(int(step in steps - seen) for step in enumerate(path)))
        seen |= steps
    return rows
