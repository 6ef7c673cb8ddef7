"""Set 3, the leak: which call frees which tables. How to leave the most of them empty: leak_most.py.

Sources: zap_pte_range() and free_pgtables() in mm/memory.c (Linux 6.12: only munmap and exit free
tables); mm/pt_reclaim.c (Linux 6.14); for the design of 2021 Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, never merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ptlab.classroom.sets.leak_most import Leaves
from ptlab.classroom.sets.leak_programs import Programs
from ptlab.classroom.table_question import Column, TableQuestion
from ptlab.classroom.wording import Fills


class Frees(TableQuestion[Programs]):
    """How many PTE pages are left, by design."""

    name = "leak-1"
    columns = (Column("Linux 6.1"), Column("design of 2021"), Column("Linux 6.18"))

    def pose(self, rng: Random) -> Programs:
        """One program of each kind, in any order, over four tables or more and a part of one."""
        tables = rng.randrange(4, 9)
        return Programs(512 * tables + 256, _endings(rng, tables))

    def in_text(self, problem: Programs) -> Fills:
        """The common beginning and the seven endings."""
        begin = "\n".join(problem.lines(()))
        ends = "\n".join(
            f"{k}  " + "\n   ".join(ending) for k, ending in enumerate(problem.endings, 1)
        )
        return {"begin": begin, "ends": ends}

    def rows(self, problem: Programs) -> Sequence[str]:
        """The endings."""
        return [f"{k}. {'; '.join(ending)}" for k, ending in enumerate(problem.endings, 1)]

    def where(self, problem: Programs, row: int) -> str:
        """The program, to be stepped through."""
        return f"Step through it: ptlab.ask({self.name!r}).problem.story({row + 1})."


def _endings(rng: Random, tables: int) -> tuple[tuple[str, ...], ...]:
    """Each over a part of the program's own: no row of numbers is the same for all students."""
    pages = 512 * tables + 256
    head, rest = 512 * rng.randrange(tables - 1) + rng.randrange(1, 400), rng.randrange(tables - 1)
    split = rng.randrange(tables)
    around, beyond = rng.randrange(split + 1), rng.randrange(split + 1, tables + 1)
    endings = [
        (f"madvise DONTNEED s0+{head}P {pages - head}P",),
        (f"madvise_each {_dropped(rng, tables)} {rng.choice([64, 128, 256])}P",),
        (f"madvise FREE s0 {512 * tables}P", f"madvise {_dropped(rng, tables)}"),
        (f"madvise PAGEOUT s0 {512 * tables}P", f"madvise {_dropped(rng, tables)}"),
        (
            f"mprotect s0+{512 * split + rng.choice([128, 256, 384])}P 512P r",
            f"madvise DONTNEED s0+{512 * around}P {512 * (beyond - around)}P",
        ),
        (
            f"madvise DONTNEED s0 {pages}P",
            *(
                f"touch r s0+{512 * table + rng.randrange(512)}P 1P"
                for table in sorted(rng.sample(range(tables), rng.randrange(1, 4)))
            ),
        ),
        (
            f"mmap s0+{pages}P 256P r",
            f"munmap s0+{512 * rest + 256}P {pages - 512 * rest - 256}P",
        ),
    ]
    rng.shuffle(endings)
    return tuple(endings)


def _dropped(rng: Random, tables: int) -> str:
    """DONTNEED of some whole tables, not of all."""
    first = rng.randrange(tables)
    some = rng.randrange(1, min(tables - first, tables - 1) + 1)
    return f"DONTNEED s0+{512 * first}P {512 * some}P"


QUESTIONS = (Frees(), Leaves())
