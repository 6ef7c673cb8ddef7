"""Set 2, who holds a reference: the counts of a PTE page under the design of 2021.

Sources: Qi Zheng, "[PATCH v3 00/15] Free user PTE page table pages", Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>, and its Documentation/vm/pte_ref.rst. Never merged.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab import scenario
from ptlab.base.facts import References
from ptlab.classroom.question import Wrong
from ptlab.classroom.sets.references_missing import Missing
from ptlab.classroom.table_question import Column, Row, TableQuestion
from ptlab.process.process import Process
from ptlab.story.story import Story


@dataclass(frozen=True)
class Program:
    """What a program does in 2 MiB: verb, first page, number of pages."""

    ops: tuple[tuple[str, int, int], ...]

    @property
    def lines(self) -> list[str]:
        """In the scenario language."""
        return [
            "mmap s0 2M",
            *(_SPELT[verb].format(f"s0+{at}P", f"{n}P") for verb, at, n in self.ops),
        ]


_SPELT = {
    "write": "touch w {} {}",
    "read": "touch r {} {}",
    "free": "madvise FREE {} {}",
    "pageout": "madvise PAGEOUT {} {}",
    "protect": "mprotect {} {} r",
    "dontneed": "madvise DONTNEED {} {}",
}


class Counts(TableQuestion[Program]):
    """Predict the count after each operation, and the most during it."""

    name = "references-1"
    title = "a count through its life"
    points = 4
    minutes = 20
    goal = "say at any moment who holds a reference to a PTE page"
    hints = (
        "There are two kinds of holders: every entry that is not none, and every visitor for the "
        "time it looks.",
        "Keep the set of pages whose entry is not none. Which of the operations add to it, which "
        "take away from it, and which only change entries that are there?",
        "Each fault and each zap visits. The visitor comes before an entry is set or cleared, and "
        "leaves after it. A program that finds its entry does not fault, so nobody visits.",
    )
    columns = (Column("after it"), Column("most during it"))

    def pose(self, rng: Random) -> Program:
        """Writes and reads that overlap, two operations that look as if they freed, then a zap."""
        while True:
            first, some = rng.randrange(40), rng.randrange(5, 10)
            middle = [
                ("free", first, 2),
                ("pageout", first + 2, 2),
                ("protect", first + some, 2),
            ]
            rng.shuffle(middle)
            problem = Program(
                (
                    ("write", first, some),
                    ("read", first + some - 2, rng.randrange(4, 8)),
                    ("write", first + some - 1, rng.randrange(2, 4)),
                    *middle,
                    ("dontneed", first + 1, rng.randrange(3, some)),
                    ("dontneed", 0, 512),
                )
            )
            if self.tells_apart(problem):
                return problem

    def text(self, problem: Program) -> str:
        """The program in the scenario language."""
        return (
            "Under `pte_refcount`, the design of 2021, a program runs these operations. `P` are "
            "pages, so `s0+3P 5P` is the five pages from page 3 on. The machine has swap; huge "
            "pages are off.\n\n"
            f"```text\n{_numbered(problem)}\n```\n\n"
            "**How many references does the PTE page have after each of the operations 2 to "
            f"{len(problem.ops) + 1}, and how many at most during it?** A page that is gone has "
            "0.\n\n"
            f"Answer with {len(problem.ops)} rows of `(after it, most during it)`."
        )

    def rows(self, problem: Program) -> Sequence[str]:
        """The operations."""
        return [f"{k}. {line}" for k, line in enumerate(problem.lines[1:], 2)]

    def where(self, problem: Program, row: int) -> str:
        """The steps of the operation."""
        operation = _played(problem).journal.operations[row + 1]  # type: ignore[union-attr]
        return (
            f"Look at steps {operation.first + 1} to {operation.last} of "
            f"ptlab.ask({self.name!r}).story()."
        )

    def remark(self, problem: Program, row: int, given: Row) -> str:
        """The end of an operation belongs to it."""
        after, most = map(int, given)
        return (
            ""
            if most >= after
            else "The most during it cannot be less than what is there after it."
        )

    def solve(self, problem: Program) -> list[Row]:
        """The counts that the steps of the run tell."""
        journal = _played(problem).journal
        assert journal is not None
        count, rows = 0, list[Row]()
        for operation in journal.operations:
            most = count
            for step in journal.steps[operation.first : operation.last]:
                if isinstance(step.fact, References):
                    count = int(step.fact.after)
                    most = max(most, count)
            rows.append((count, most))
        return rows[1:]

    def story(self, problem: Program) -> Story:
        """The whole run."""
        return Story(_played(problem), "A count through its life")

    def why(self, problem: Program) -> str:
        """The rule, and the row of each operation."""
        rows = zip(self.rows(problem), self.solve(problem), strict=True)
        told = "\n".join(
            f"* `{name}`: {after} after it, {most} at most" for name, (after, most) in rows
        )
        return (
            "references = entries that are not none + visitors. A zero page, a swap entry, a page "
            "marked by MADV_FREE and a read-only entry are all not none. At rest nobody visits. "
            "During a fault that sets an entry there is one visitor besides; a zap visits before "
            "it clears.\n\n" + told
        )

    def wrong(self, problem: Program) -> list[Wrong]:
        """Entries that are thought not to count, or to count twice; visitors forgotten."""
        right = _model(problem)
        quiet = [after for after, _ in right]
        return [
            Wrong("reads-do-not-count", _ZERO, _model(problem, ignores="read"), 3),
            Wrong("free-drops", _FREE, _model(problem, drops="free"), 3.5),
            Wrong("swap-does-not-count", _SWAP, _model(problem, drops="pageout"), 3.5),
            Wrong("read-only-drops", _ONLY, _model(problem, drops="protect"), 3.5),
            Wrong("each-access-counts", _AGAIN, _model(problem, again=True), 3),
            Wrong(
                "no-visitors",
                _VISIT,
                list(zip(quiet, map(max, quiet, [0, *quiet]), strict=True)),
                1,
            ),
            Wrong("installer-stays", _INSTALLER, [(n + 1, m + 1) for n, m in right], 1),
            Wrong("capacity", _CAPACITY, [(512, 513)] * len(right), 0),
        ]


_ZERO = "A read fault sets an entry, too. What does the count know about what an entry points to?"
_FREE = "MADV_FREE marks pages that may go later. Has it cleared an entry?"
_SWAP = "A swap entry is not a mapping, but is it none?"
_ONLY = "mprotect changes bits of an entry. Is the entry none afterwards?"
_AGAIN = "An entry that is there already is not set again, or it is only changed."
_VISIT = "Who looks at a table holds a reference while it looks, a zap as well."
_INSTALLER = "The one who installs the page is a visitor. What does a visitor do when it leaves?"
_CAPACITY = "Entries that are none hold nothing."


def _model(
    problem: Program, ignores: str = "", drops: str = "", again: bool = False
) -> list[tuple[int, int]]:
    """The rows by a set of entries, with one mistaken idea at most.

    `ignores`: what does not set entries; `drops`: what clears them; `again`: an access to a page
    that is there counts once more.
    """
    entries, zero, extra, rows = set[int](), set[int](), 0, list[tuple[int, int]]()
    for verb, at, n in problem.ops:
        pages = set(range(at, at + n))
        before = len(entries) + extra
        if verb in ("read", "write"):
            faults = pages - entries | (pages & zero if verb == "write" else set())
            extra += len(pages & entries) if again else 0
            zero = zero - pages if verb == "write" else zero | pages - entries
            entries |= set() if verb == ignores else pages
            after = len(entries) + extra
            rows.append((after, after + 1 if faults else after))
        else:
            extra = 0 if n == 512 else extra
            entries -= pages if verb in ("dontneed", drops) else set()
            rows.append((len(entries) + extra, before + 1))
    return rows


@functools.lru_cache(8)
def _played(problem: Program) -> Process:
    process = Process(scheme="pte_refcount", swap=True)
    for _ in scenario.play(process, scenario.parse("\n".join(problem.lines))[0]):
        pass
    return process


def _numbered(problem: Program) -> str:
    return "\n".join(f"{k:2}  {line}" for k, line in enumerate(problem.lines, 1))


QUESTIONS = (Counts(), Missing())
