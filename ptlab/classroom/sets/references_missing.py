"""The second question of set 2: find the place in a log where a reference is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ptlab.base.steps import Kind
from ptlab.classroom.injected_bugs import POINTS, Found, InjectedBug, find
from ptlab.classroom.question import Wrong
from ptlab.classroom.table_question import Cell, Column, TableQuestion
from ptlab.story.story import Story


class Missing(TableQuestion[InjectedBug]):
    """Find the place in a log where a get or a put is missing."""

    name = "references-2"
    title = "what is missing here?"
    points = 4
    minutes = 20
    goal = "read a log of steps and see where a reference is forgotten, and what comes of it"
    hints = (
        "Each fault that goes well has the same pattern: a visitor comes, an entry is set, the "
        "entry takes its reference, the visitor leaves. What is the pattern of a zap?",
        "Pair the steps up: each visitor that comes with its leaving, each entry that is set or "
        "cleared with its get or put. One step has no partner. An access to an entry that is "
        "there has none of them.",
        "If a get is missing the count is lower than it should be from there on: what happens "
        "when it comes to 0? If a put is missing it is higher: will it come to 0 at all?",
    )
    columns = (Column("step"),)
    worths = (2, 1, 1)
    _row_columns: ClassVar[tuple[Column, ...]] = (
        Column("the number of a step"),
        Column("what is missing", ("get", "put")),
        Column("what comes of it", ("too early", "never")),
    )

    def column(self, row: int, k: int) -> Column:
        """A number, then two choices."""
        return self._row_columns[row]

    def pose(self, rng: Random) -> InjectedBug:
        """Some faults, a hit and a zap; what is forgotten shows only after the log."""
        while True:
            first, some = rng.randrange(40), rng.randrange(2, 4)
            verb = rng.choice("rw")
            lines = (
                "mmap s0 2M",
                f"touch w s0+{first}P {some}P",
                f"touch {verb} s0+{first + some - 1}P 3P",
                f"madvise DONTNEED s0+{first}P {some}P",
                f"touch w s0+{first}P 1P",
            )
            pages = [first, *range(first + some, first + some + 2)]
            rest = tuple(f"madvise DONTNEED s0+{page}P 1P" for page in pages)
            problem = InjectedBug(lines, rest, rng.choice(POINTS), rng.randrange(1, 6))
            if find(problem) and self.tells_apart(problem):
                return problem

    def text(self, problem: InjectedBug) -> str:
        """The log, without the counts."""
        return (
            "A kernel with `pte_refcount` has a bug: once, somewhere in the log below, it forgets "
            "a get or a put. Nothing else is missing in the log; only the counts are left out. "
            "The PTE page is built by the first touch. (Steps 1 to 6, the `mmap`, are not "
            "shown.)\n\n"
            f"```text\n{_found(problem).log}\n```\n\n"
            "After that the program gives back all its pages, with one `MADV_DONTNEED` for each "
            "page.\n\n"
            "**After which step is a step missing? Is it a get or a put? What comes of it: is the "
            "PTE page freed too early, with an entry in it, or is it never freed, although it is "
            "empty?**\n\n"
            'Answer with `[number of the step, "get" or "put", "too early" or "never"]`.'
        )

    def rows(self, problem: InjectedBug) -> Sequence[str]:
        """The three questions."""
        return ["a step is missing after step", "what is missing", "what comes of it"]

    def where(self, problem: InjectedBug, row: int) -> str:
        """How to look; the run itself, once it is the end that matters."""
        pairs = "Write down for each visitor and for each entry where it gets and where it puts."
        story = f"ptlab.ask({self.name!r}).story() is the same run to its end, with the counts."
        return story if row == 2 else pairs

    def solve(self, problem: InjectedBug) -> list[Cell]:
        """The first step that the run without the bug has, and this one has not; how this one ends."""
        found = _found(problem)
        return [found.after, found.kind, found.outcome]

    def story(self, problem: InjectedBug) -> Story:
        """The run with the bug, to its end."""
        return Story(_found(problem).bad)

    def why(self, problem: InjectedBug) -> str:
        """What should stand there, and how the count goes on."""
        found = _found(problem)
        ends = {
            "too early": "The count is one too low from there on. It comes to 0 while an entry is still "
            "there, and the page is freed with the entry in it: too early.",
            "never": "The count is one too high from there on. When the last entry is cleared and the "
            "last visitor has left it is 1, and nobody is left to put it: never.",
        }
        return (
            f"After step {found.after} should stand: *{found.should}* It is a {found.kind}.\n\n"
            f"{ends[found.outcome]}"
        )

    def wrong(self, problem: InjectedBug) -> list[Wrong]:
        """A pair that is none, a place that is one off, cause and effect the wrong way round."""
        found = _found(problem)
        after, kind, outcome = found.after, found.kind, found.outcome
        hit = 1 + next(k for k, step in enumerate(found.steps) if step.kind is Kind.HIT)
        hook = max(k for k, step in enumerate(found.steps, 1) if step.kind is Kind.INSTALL)
        other = "put" if kind == "get" else "get"
        opposite = "never" if outcome == "too early" else "too early"
        return [
            Wrong("hit-visits", _HIT, [hit, "get", "too early"], 2),
            Wrong("tables-hold-references", _UPPER, [hook, "get", "too early"], 2),
            Wrong("one-late", _LATE, [after + 1, kind, outcome], 2),
            Wrong("get-for-put", _SIGN, [after, other, outcome], 3),
            Wrong("effect-reversed", _EFFECT, [after, kind, opposite], 3),
            Wrong("nothing-before-the-end", _END, [len(found.steps), "put", "never"], 2),
        ]


_HIT = "The processor finds an entry that is there by itself. Does the kernel know of it?"
_UPPER = "The series of 2021 counts references of PTE pages only."
_LATE = "Does something belong before that step?"
_SIGN = "Is the count too low after it, or too high?"
_EFFECT = (
    "The page is freed when the count comes to 0. Does it come there sooner now, or not at all?"
)
_END = "With all steps in place the page would still be there at the end of the log."


def _found(problem: InjectedBug) -> Found:
    found = find(problem)
    assert found is not None, "pose() makes no other problems"
    return found
