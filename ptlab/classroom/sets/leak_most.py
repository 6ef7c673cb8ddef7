"""The second question of set 3: write the scenario that leaks most.

A scenario has the numbers of one problem in it, as a table has. So it is judged on that problem alone:
there is no other one that the same text could solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from ptlab.classroom.question import Question, Wrong, refused
from ptlab.classroom.report import Finding
from ptlab.classroom.student_scenario import Left, Unplayable, play, read
from ptlab.draw.names import plural


class Trick(NamedTuple):
    """A way to leave empty tables.

    verbs        the operations that are allowed
    one_fault    one page fault and one operation for each table; else one fault for each
    extra_lines  operations besides
    """

    verbs: tuple[str, ...]
    one_fault: bool
    extra_lines: int


TRICKS = {
    "pieces": Trick(("mmap", "touch", "madvise_each"), False, 3),
    "file": Trick(("file", "mmap", "touch", "truncate", "punch"), False, 4),
    "moves": Trick(("mmap", "touch", "mremap"), True, 2),
}


@dataclass(frozen=True)
class Goal:
    """Leave `tables` empty PTE pages on `kernel`, in the way of the trick."""

    trick: str
    kernel: str
    tables: int

    @property
    def verbs(self) -> tuple[str, ...]:
        """The operations that are allowed."""
        return TRICKS[self.trick].verbs

    @property
    def faults(self) -> int:
        """How many page faults are allowed."""
        return 1 if TRICKS[self.trick].one_fault else self.tables

    @property
    def lines(self) -> int:
        """How many operations are allowed."""
        trick = TRICKS[self.trick]
        return trick.extra_lines + (self.tables if trick.one_fault else 0)


class Leaves(Question[Goal]):
    """Write a scenario that leaves empty tables, with few page faults."""

    name = "leak-2"
    title = "the most empty tables for the fewest pages"
    points = 5
    minutes = 30
    goal = "make a program leak page tables on a kernel that reclaims them"
    hints = (
        "An empty PTE page is one that had an entry. How far apart must two pages be to need two "
        "PTE pages?",
        "Which of the operations you may use takes an entry out of a table without being one call "
        "of MADV_DONTNEED over its whole 2 MiB?",
        "The stride of `touch` can be 2M. And then: small pieces do not count as a whole; a file "
        "can get shorter; a page can move to an address with another place in its table, and "
        "`dontunmap` leaves the old mapping where it is.",
    )

    def pose(self, rng: Random) -> Goal:
        """A trick, a kernel that reclaims, and a number of tables."""
        trick = rng.choice(sorted(TRICKS))
        tables = rng.randrange(4, 12) if TRICKS[trick].one_fault else rng.randrange(12, 40)
        return Goal(trick, rng.choice(["6.18", "6.19", "7.3"]), tables)

    def text(self, problem: Goal) -> str:
        """The goal and what is allowed."""
        verbs = ", ".join(f"`{verb}`" for verb in problem.verbs)
        usages = "\n".join(_USAGE[verb] for verb in problem.verbs)
        many = "one page fault" if problem.faults == 1 else f"{problem.faults} page faults"
        return (
            f"Linux {problem.kernel} frees empty PTE pages (`CONFIG_PT_RECLAIM`), but not all of "
            "them. Write a scenario that leaves, at its end, **as many empty PTE pages as asked "
            "for, with as few page faults as allowed**. An empty PTE page hangs in the tree and "
            "has no entry.\n\n"
            f"* wanted: **{problem.tables} empty PTE pages**\n"
            f"* allowed: **{many}**, {problem.lines} lines, and only {verbs}\n\n"
            "The slots `s0`, `s1`, ... are 512 GiB apart and begin at multiples of 512 GiB. Huge "
            "pages are off. Numbers are `4K`, `2M`, `1P` (pages), `s0+2M`:\n\n"
            f"```text\n{usages}\n```\n\n"
            'Answer with one text: `"""` at its beginning and end, and a line for each operation. Try '
            f'it with `ptlab.story(answer, kernel="{problem.kernel}", grain="table")`.'
        )

    def grade(self, problem: Goal, answer: object, further: Sequence[Goal] = ()) -> list[Finding]:
        """Play it and count: three parts for the empty tables, one for each other rule."""
        try:
            left = play(read(answer, problem.verbs, problem.lines), problem.kernel)
        except Unplayable as error:
            return refused(str(error), self.points)
        share = min(left.empty / problem.tables, 1.0)
        got, rest = 4 * share, 4 * (1 - share)
        told = f"{plural(left.tables, 'PTE page')} at the end, {left.empty} of them empty"
        findings = [Finding(True, told, got)] if left.empty else []
        if rest:
            missing = f"{told}; {problem.tables} empty ones are wanted"
            findings.append(Finding(False, missing, rest, _look(left), _idea(left)))
        saved = left.faults <= problem.faults
        faults = f"{plural(left.faults, 'page fault')}, {problem.faults} allowed"
        thrift = Finding(
            saved, faults, share, "" if saved else _THRIFT, None if saved else "too-many-pages"
        )
        findings.append(thrift)
        findings += [Finding(False, f"this call failed: {call}") for call in left.failed[:3]]
        return findings

    def solve(self, problem: Goal) -> str:
        """The trick, spelt out."""
        n = problem.tables
        if problem.trick == "pieces":
            return f"mmap s0 {2 * n}M\ntouch w s0 {2 * n}M 2M\nmadvise_each DONTNEED s0 {2 * n}M 1M"
        if problem.trick == "file":
            return f"file f {2 * n}M\nmmap s0 {2 * n}M file:f\ntouch w s0 {2 * n}M 2M\ntruncate f 0"
        moves = [f"mremap s{k}+{k}P 1P 1P to s{k + 1}+{k + 1}P maymove dontunmap" for k in range(n)]
        return "\n".join(["mmap s0 1P", "touch w s0 1P", *moves])

    def why(self, problem: Goal) -> str:
        """What the kernel does not look at."""
        return {
            "pieces": "A call for less than 2 MiB never frees a table, and no later call covers one. "
            "One page in each 2 MiB is enough to have a table there.",
            "file": "A truncated file loses its pages, and the mapping its entries; only MADV_DONTNEED "
            "looks whether a table is empty then.",
            "moves": "mremap with dontunmap moves the page and keeps the old mapping, and so the old "
            "table. At each new place the page needs another one. Nothing faults.",
        }[problem.trick]

    def wrong(self, problem: Goal) -> list[Wrong]:
        """Scenarios that look as if they leaked."""
        n = problem.tables
        drop = {
            "pieces": (
                f"madvise_each DONTNEED s0 {2 * n}M 1M",
                f"madvise_each DONTNEED s0 {2 * n}M 2M",
            ),
            "file": ("truncate f 0", "truncate f 4K"),
            "moves": ("mremap s0 1P 1P to s1+1P maymove dontunmap", "mremap s0 1P 1P to s1+1P"),
        }[problem.trick]
        file, kind = ("file f 4G\n", " file:f") if problem.trick == "file" else ("", "")
        begin = f"{file}mmap s0 {2 * n}M{kind}\n"
        spread = f"{begin}touch w s0 {2 * n}M 2M"
        if problem.trick == "moves":
            begin, spread = "mmap s0 1P\n", "mmap s0 1P\ntouch w s0 1P"
        return [
            Wrong("full-is-empty", "A table with an entry in it is not empty.", spread, 0),
            Wrong("untouched-memory-has-tables", "mmap builds no table.", begin.strip(), 0),
            Wrong(
                "munmap-leaves-tables",
                "munmap frees the tables of what it unmaps.",
                f"{spread}\nmunmap s0 {2 * n}M",
                0,
            ),
            Wrong("one-table", _THRIFT, f"{begin}touch w s0 64K\n{drop[0]}", 2),
            Wrong(
                "free-drops", "MADV_FREE clears no entry.", f"{spread}\nmadvise FREE s0 {2 * n}M", 0
            ),
            Wrong(
                "whole-call",
                "What does one call do that covers a whole table?",
                f"{spread}\n{drop[1]}",
                4.9,
            ),
        ]


_USAGE = {
    "mmap": "mmap ADDR LEN [r|rw] [shared] [file:F]",
    "touch": "touch r|w ADDR LEN [STRIDE]         one access in every STRIDE bytes",
    "madvise_each": "madvise_each ADVICE ADDR LEN CHUNK  one madvise for every CHUNK bytes",
    "file": "file F SIZE",
    "truncate": "truncate F SIZE",
    "punch": "punch F OFFSET LEN",
    "mremap": "mremap ADDR OLDLEN NEWLEN to NEWADDR [maymove] [dontunmap]",
}
"""What the operations of the tricks take; numbers are 4096, 4K, 2M, 1P (pages), s0+2M."""

_THRIFT = "How many pages does one table need to be there at all?"


def _look(left: Left) -> str:
    if not left.faults:
        return "No page was touched. What builds a PTE page?"
    if left.tables > left.empty:
        return "Which entries are still in the others? The last picture of the story shows them."
    return "Look for the last step that unhooks a PTE page: which call was it?"


def _idea(left: Left) -> str | None:
    if not left.faults:
        return "untouched-memory-has-tables"
    if not left.tables:
        return "everything-was-freed"
    return "full-is-empty" if left.tables > left.empty else None
