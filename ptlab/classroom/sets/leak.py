"""Set 3, the leak: which call frees which tables. How to leave the most of them empty: leak_most.py.

Sources: zap_pte_range() and free_pgtables() in mm/memory.c (Linux 6.12: only munmap and exit free
tables); mm/pt_reclaim.c (Linux 6.14); for the design of 2021 Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, never merged.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab import scenario
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.leak_most import Leaves
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.process.process import Process
from ptlab.story.story import Comparison, Story

_SCHEMES = ("unmap_only", "pte_refcount", "pt_reclaim")
_KERNELS = {"unmap_only": "6.1", "pte_refcount": "6.1", "pt_reclaim": "6.18"}


@dataclass(frozen=True)
class Programs:
    """What happens to `pages` touched pages, in several variants: each some lines of a scenario."""

    pages: int
    endings: tuple[tuple[str, ...], ...]

    def lines(self, ending: tuple[str, ...]) -> tuple[str, ...]:
        """A whole program."""
        return (f"mmap s0 {self.pages}P", f"touch w s0 {self.pages}P", *ending)

    def story(self, number: int) -> Comparison:
        """The program with ending `number` (1 is the first) under the three designs, in step."""
        ending = self.endings[number - 1]
        text = "\n".join(self.lines(ending))
        stories = [Story(_played(text, scheme, "table")) for scheme in _SCHEMES]
        return Comparison("; ".join(ending), stories)


class Frees(TableQuestion[Programs]):
    """How many PTE pages are left, by design."""

    name = "leak-1"
    title = "what frees a table?"
    points = 7
    minutes = 25
    goal = "say which call frees which PTE pages, on Linux then and now and in the design of 2021"
    hints = (
        "Until Linux 6.13 there is one rule: munmap and exit free tables, and they look at VMAs, "
        "not at entries.",
        "The design of 2021 asks for each PTE page alone: is an entry left that is not none? And "
        "who still needs a table that no entry is in?",
        "Since Linux 6.14 (CONFIG_PT_RECLAIM) a table goes when one call of MADV_DONTNEED covers "
        "all of its 2 MiB within one VMA, and leaves no entry in it. Go through the tables one by "
        "one.",
    )
    columns = (Column("Linux 6.1"), Column("design of 2021"), Column("Linux 6.18"))

    def pose(self, rng: Random) -> Programs:
        """One program of each kind, in any order, over three tables or more and a part of one."""
        while True:
            tables = rng.randrange(3, 6)
            pages = 512 * tables + 256
            head, one = rng.randrange(1, 400), rng.randrange(512 * tables)
            half = 512 * rng.randrange(1, tables) + rng.choice([128, 256, 384])
            endings = [
                (f"madvise DONTNEED s0+{head}P {pages - head}P",),
                (f"madvise_each DONTNEED s0 {pages}P {rng.choice([64, 128, 256])}P",),
                (f"madvise FREE s0 {512 * tables}P",),
                (f"madvise PAGEOUT s0 {512 * tables}P",),
                (f"mprotect s0+{half}P {pages - half}P r", f"madvise DONTNEED s0 {pages}P"),
                (f"madvise DONTNEED s0 {pages}P", f"touch r s0+{one}P 1P"),
                (f"mmap s0+{pages}P 256P r", f"munmap s0 {pages}P"),
            ]
            rng.shuffle(endings)
            problem = Programs(pages, tuple(endings))
            if self.tells_apart(problem):
                return problem

    def text(self, problem: Programs) -> str:
        """The common beginning and the seven endings."""
        begin = "\n".join(problem.lines(()))
        ends = "\n".join(
            f"{k}  " + "\n   ".join(ending) for k, ending in enumerate(problem.endings, 1)
        )
        return (
            f"A program maps and writes {problem.pages} pages (`P` are pages of 4 KiB; slot `s0` "
            "begins at a multiple of 512 GiB, huge pages are off, there is swap):\n\n"
            f"```text\n{begin}\n```\n\n"
            f"Then it does **one** of these things.\n\n```text\n{ends}\n```\n\n"
            "**How many PTE pages are there afterwards?** Say it for Linux 6.1, for the reference "
            "counts of 2021 (`pte_refcount`, never merged) and for Linux 6.18 (`pt_reclaim`).\n\n"
            "Answer with seven rows of `(Linux 6.1, design of 2021, Linux 6.18)`."
        )

    def rows(self, problem: Programs) -> Sequence[str]:
        """The endings."""
        return [f"{k}. {'; '.join(ending)}" for k, ending in enumerate(problem.endings, 1)]

    def where(self, problem: Programs, row: int) -> str:
        """The program, to be stepped through."""
        return f"Step through it: ptlab.ask({self.name!r}).problem.story({row + 1})."

    def solve(self, problem: Programs) -> list[Row]:
        """The engine, three times for each."""
        return _left(problem, problem.endings)

    def why(self, problem: Programs) -> str:
        """The three rules, and the numbers."""
        told = "\n".join(
            f"* `{name}`: {row}"
            for name, row in zip(self.rows(problem), self.solve(problem), strict=True)
        )
        return (
            "**Linux 6.1**: only munmap frees tables, and it asks whether another VMA is in the "
            "same 2 MiB. **2021**: a table goes with its last entry, whoever clears it; swap "
            "entries, zero pages and pages marked by MADV_FREE are entries. **Linux 6.18**: as "
            "6.1, and a table goes when one MADV_DONTNEED covers all its 2 MiB in one "
            f"VMA.\n\n{told}"
        )

    def wrong(self, problem: Programs) -> list[Wrong]:
        """The same programs, played as somebody with a mistaken idea sees them."""
        right = self.solve(problem)

        def but(old: str, new: str) -> list[Row]:
            endings = [tuple(line.replace(old, new) for line in e) for e in problem.endings]
            return _left(problem, tuple(endings))

        def without(verb: str) -> list[Row]:
            endings = [
                tuple(line for line in ending if line.split()[0] != verb)
                for ending in problem.endings
            ]
            return _left(problem, tuple(endings))

        return [
            Wrong("dontneed-frees-tables", _THEN, [(b, b, c) for _, b, c in right], 5),
            Wrong("nothing-new", _NOW, [(a, b, a) for a, b, _ in right], 5),
            Wrong("todays-kernel-counts", _COUNTS, [(a, b, b) for a, b, _ in right], 6),
            Wrong("free-drops", _FREE, but("FREE", "DONTNEED"), 6),
            Wrong("swap-does-not-count", _SWAP, but("PAGEOUT", "DONTNEED"), 6),
            Wrong("calls-ignore-vmas", _VMA, without("mprotect"), 6),
            Wrong("one-entry-is-nothing", _ONE, without("touch"), 6),
            Wrong("munmap-looks-at-entries", _FLOOR, without("mmap"), 6),
        ]


_THEN = "Until 6.13 MADV_DONTNEED clears entries, and nothing more. Who frees the table?"
_NOW = "Something was added in 6.14: what does MADV_DONTNEED do now at the end of a table?"
_COUNTS = "Linux keeps no count of entries today. How does it know that a table is empty?"
_FREE = "MADV_FREE only marks pages. Is an entry cleared?"
_SWAP = "A swap entry says where the page is. Is it none?"
_VMA = "A call is carried out VMA by VMA, and mprotect has made two of one."
_ONE = "One entry is enough to keep a table, and the zero page needs an entry."
_FLOOR = "munmap looks at the neighbours: is another VMA in the same 2 MiB?"


@functools.lru_cache(256)
def _left(problem: Programs, endings: tuple[tuple[str, ...], ...]) -> list[Row]:
    """PTE pages left after each program, for each scheme."""
    return [
        tuple(_pte_pages("\n".join(problem.lines(ending)), scheme) for scheme in _SCHEMES)
        for ending in endings
    ]


@functools.lru_cache(4096)
def _pte_pages(text: str, scheme: str) -> int:
    return _played(text, scheme, "range").counters.pte


def _played(text: str, scheme: str, grain: str) -> Process:
    process = Process(scheme, _KERNELS[scheme], grain=grain, swap=True)
    for row in scenario.play(process, scenario.parse(text)[0]):
        assert not row.get("unsupported"), row
    return process


QUESTIONS = (Frees(), Leaves())
