"""Set 1, the walk: from an address to its entry, and which tables that needs.

Sources: Intel SDM volume 3A, "4-Level Paging"; __handle_mm_fault() and do_anonymous_page() in
mm/memory.c (Linux 6.12) build a table at the first fault that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.walk_any import AnyPages
from ptlab.classroom.table import Column, Row, TableQuestion
from ptlab.geometry import PAGE_SIZE, Geometry, GiB, KiB, Level, MiB
from ptlab.process import Process
from ptlab.story import Story

_BASE = 0x1000_0000_0000
"""The start of a PGD entry, so that every index below the PGD's is 0."""

_TABLES = (Column("PUD pages"), Column("PMD pages"), Column("PTE pages"))


@dataclass(frozen=True)
class Addresses:
    """Some addresses to walk to."""

    addresses: tuple[int, ...]


class Indices(TableQuestion[Addresses]):
    """Cut addresses into the indices of the four levels."""

    name = "walk-1"
    title = "four indices"
    points = 3
    minutes = 10
    goal = "cut a virtual address into the index for each level"
    hints = (
        "A table has 512 entries. How many bits does it take to choose one of them?",
        "The lowest 12 bits are the place inside the 4 KiB page; no table is indexed by them.",
        "`(address >> shift) & 511`, with the shifts 12, 21, 30 and 39. Which shift is the PGD's?",
    )
    columns = (Column("PGD"), Column("PUD"), Column("PMD"), Column("PTE"))

    def pose(self, rng: Random) -> Addresses:
        """Three addresses whose indices are all different and none is 0."""
        found: list[int] = []
        while len(found) < 3:
            address = rng.randrange(1 << 46, (1 << 47) - PAGE_SIZE) & ~7
            indices = [(address >> shift) & 511 for shift in (12, 21, 30, 39)]
            if len({*indices, 0}) == 5:
                found.append(address)
        return Addresses(tuple(found))

    def text(self, problem: Addresses) -> str:
        """The addresses, and a table of the levels."""
        rows = "\n".join(f"{k}. `{a:#x}`" for k, a in enumerate(problem.addresses, 1))
        return (
            "An x86-64 processor with four levels of page tables walks to each of these "
            "addresses. **Which entry does it read in each table?** Every index is a number from "
            "0 to 511.\n\n"
            f"{rows}\n\n"
            "Answer with three rows of `(PGD, PUD, PMD, PTE)`."
        )

    def rows(self, problem: Addresses) -> Sequence[str]:
        """One for each address."""
        return [f"{address:#x}" for address in problem.addresses]

    def where(self, problem: Addresses, row: int) -> str:
        """The level by level form of the address."""
        return f"Write it in binary: bin({problem.addresses[row]:#x})."

    def solve(self, problem: Addresses) -> list[Row]:
        """What the engine's geometry says."""
        index = Geometry(4).index
        levels = (Level.PGD, Level.PUD, Level.PMD, Level.PTE)
        return [tuple(index(a, level) for level in levels) for a in problem.addresses]

    def why(self, problem: Addresses) -> str:
        """The bits of each address in groups of nine."""
        lines = []
        for address, row in zip(problem.addresses, self.solve(problem), strict=True):
            bits = f"{address:048b}"
            groups = " ".join(bits[k : k + 9] for k in range(0, 36, 9)) + " " + bits[36:]
            lines.append(f"* `{address:#x}` = `{groups}`: {row}")
        return (
            "Nine bits for each level, from bit 47 down, then twelve for the page.\n\n"
            + "\n".join(lines)
        )

    def wrong(self, problem: Addresses) -> list[Wrong]:
        """Shifts, masks and order that are a little off."""

        def cut(shifts: tuple[int, ...], mask: int = 511) -> list[Row]:
            return [tuple(a >> shift & mask for shift in shifts) for a in problem.addresses]

        return [
            Wrong("offset-is-an-index", _OFFSET, cut((27, 18, 9, 0)), 0),
            Wrong(
                "no-mask",
                "An index ends where the level above begins.",
                cut((39, 30, 21, 12), -1),
                0,
            ),
            Wrong("reversed", "The walk begins at the top: at the PGD.", cut((12, 21, 30, 39)), 0),
            Wrong(
                "ten-bits",
                _WIDTH,
                cut((42, 32, 22, 12), 1023),
                0,
            ),
            Wrong("hex-digits", "Three hex digits are 12 bits.", cut((36, 24, 12, 0), 4095), 0),
            Wrong("page-of-16k", "A page is 4 KiB.", cut((41, 32, 23, 14)), 0),
        ]


_OFFSET = "The lowest bits do not choose an entry: where in the page do they point?"


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
    columns = _TABLES
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
        """The touch in the story."""
        return f"Step through operation {row + 2} of ptlab.ask({self.name!r}).story()."

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
        before = _tables(process)
        for offset, write in problem.touches:
            process.touch(area + offset, 1, write=write)
            now = _tables(process)
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
            Wrong("own-path-each", _SHARED, [(1, 1, 1)] * 6, 1.5),
            Wrong("own-pte-page-each", _SHARED, [(1, 1, 1), *[(0, 0, 1)] * 5], 2),
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


@dataclass(frozen=True)
class Load:
    """`pages` pages to write in one piece; then `few` pages, spread over `gib` GiB."""

    pages: int
    few: int
    gib: int


class Extremes(TableQuestion[Load]):
    """The fewest and the most tables for so many pages."""

    name = "walk-3"
    title = "at best and at worst"
    points = 3
    minutes = 15
    goal = "say how many tables so many pages need, at best and at worst"
    hints = (
        "How many pages does one PTE page serve, and how many PTE pages one PMD page?",
        "A run of pages need not begin where a table begins. Where would you put its first page, "
        "so that it crosses as many borders as it can?",
        "Spread out, every page can have a PTE page of its own. But the area has only so many "
        "GiB, and all of it lies below one PUD page.",
    )
    columns = _TABLES

    def pose(self, rng: Random) -> Load:
        """Never a whole number of tables; fewer GiB than pages to spread over them."""
        while True:
            gib = rng.randrange(3, 30)
            problem = Load(rng.randrange(1030, 9000), rng.randrange(2 * gib, 5 * gib), gib)
            if problem.pages % 512 > 1 and self.tells_apart(problem):
                return problem

    def text(self, problem: Load) -> str:
        """The three cases."""
        return (
            "A fresh process writes one byte in each of some pages. How many tables does it have "
            "then?\n\n"
            f"1. It writes **{problem.pages} pages** that lie one behind the other, at a place "
            "that is **as good as possible**: fewest tables.\n"
            f"2. It writes **{problem.pages} pages** that lie one behind the other, at a place "
            "that is **as bad as possible**, anywhere in user space: most tables.\n"
            f"3. It writes **{problem.few} pages** that are spread over {problem.gib} GiB, **as "
            "badly as possible**; the area begins at a multiple of 512 GiB.\n\n"
            "Answer with three rows of `(PUD pages, PMD pages, PTE pages)`."
        )

    def rows(self, problem: Load) -> Sequence[str]:
        """The cases, short."""
        return ["in one piece, at best", "in one piece, at worst", "spread, at worst"]

    def where(self, problem: Load, row: int) -> str:
        """How to try it."""
        return (
            'Try it: p = ptlab.Process(grain="table"), p.mmap(n, at=...), p.touch(...), print(p).'
        )

    def solve(self, problem: Load) -> list[Row]:
        """Touch at several places and take the extremes; spread evenly, no two pages share a table."""
        length, border = problem.pages * PAGE_SIZE, 512 * GiB
        starts = [border, border - PAGE_SIZE, border + GiB - PAGE_SIZE, border - 2 * MiB]
        found = [_touched(start, length, PAGE_SIZE) for start in starts]
        stride = problem.gib * GiB // problem.few & -PAGE_SIZE
        return [min(found), max(found), _touched(border, stride * problem.few, stride)]

    def why(self, problem: Load) -> str:
        """The arithmetic."""
        low, high, spread = self.solve(problem)
        n, gib = problem.pages, problem.gib
        return (
            f"1. {low}: {n} pages fill {n // 512} PTE pages and a part of one more. One PMD page "
            "serves 512 of them.\n"
            f"2. {high}: the first page is the last of its PTE page, its PMD page and its PUD "
            f"page. The other {n - 1} pages begin at the border and need {-(-(n - 1) // 512)} PTE "
            "pages.\n"
            f"3. {spread}: {gib} GiB are {gib * 512} times 2 MiB, so each of the {problem.few} "
            f"pages can have a PTE page of its own. There are {gib} GiB, so {gib} PMD pages, and "
            "one PUD page."
        )

    def wrong(self, problem: Load) -> list[Wrong]:
        """A border forgotten, a size mistaken."""
        n, few, gib = problem.pages, problem.few, problem.gib
        best, half = -(-n // 512), -(-n // 1024)
        low, high, spread = (1, 1, best), (2, 2, 1 + -(-(n - 1) // 512)), (1, gib, few)
        part = "A table that is partly used is a whole page."
        cross = "Where would the run cross a border between two tables?"
        below = "A border of a PUD page is a border of the tables below it as well."
        far = "Nothing forces two pages that are far apart into one table."
        gibs = "How much does one PMD page map?"
        return [
            Wrong("rounds-down", part, [(1, 1, n // 512), (2, 2, n // 512 + 1), spread], 2),
            Wrong("no-borders", cross, [low, low, spread], 2),
            Wrong("one-border-only", below, [low, (1, 2, high[2]), spread], 2),
            Wrong("own-pte-page-each", _SHARED, [(1, 1, n), (1, 1, n), spread], 1),
            Wrong("spread-shares", far, [low, high, (1, gib, gib)], 2),
            Wrong("own-pmd-page-each", gibs, [low, high, (1, few, few)], 2),
            Wrong("1024-entries", _WIDTH, [(1, 1, half), (2, 2, half + 1), spread], 1),
        ]


def _touched(start: int, length: int, stride: int) -> Row:
    """The tables of a process that has touched [start, start + length)."""
    process = Process(record=False, grain="range")
    process.mmap(length, at=start, noreserve=True)
    process.touch(start, length, stride=stride)
    return _tables(process)


_WIDTH = "A table is 4096 bytes, and an entry is 8."
_SHARED = "Neighbours share tables: which addresses does one PTE page serve?"
_READS = "What does an entry point to after a read of memory that was never written?"


def _first_uses(paths: Sequence[tuple[int, ...]], counts: Sequence[bool]) -> list[Row]:
    """1 where a touch that counts is the first to use that table, for each level."""
    seen: set[tuple[int, int]] = set()
    rows: list[Row] = []
    for path, does in zip(paths, counts, strict=True):
        steps = set(enumerate(path)) if does else set[tuple[int, int]]()
        rows.append(tuple(int(step in steps - seen) for step in enumerate(path)))
        seen |= steps
    return rows


def _tables(process: Process) -> tuple[int, int, int]:
    now = process.counters
    return now.pud, now.pmd, now.pte


QUESTIONS = (Indices(), Built(), Extremes(), AnyPages())
