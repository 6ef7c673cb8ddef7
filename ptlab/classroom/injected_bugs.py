"""A kernel that once forgets a reference, and what comes of it: for the questions of set 2."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

from ptlab import scenario
from ptlab.base.facts import References
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables
from ptlab.draw.sentences import sentence
from ptlab.process.process import Process
from ptlab.schemes import NOTHING, PteRefcount
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.story.story import Story

POINTS = ("visitor_arrives", "visitor_leaves", "entries_mapped", "entries_unmapped")
"""Where a reference is taken or given back."""


@dataclass(frozen=True)
class InjectedBug:
    """A log of `lines`; in it the kernel forgets what it does when it comes to `point` for the
    `turn`-th time. After the log the program runs `rest`.
    """

    lines: tuple[str, ...]
    rest: tuple[str, ...]
    point: str
    turn: int


class Forgetful(PteRefcount):
    """pte_refcount with a bug: once it forgets a get or a put. A subclass says which."""

    name = "forgetful"
    fate = "Never proposed: a bug to be found."
    point: ClassVar[str]
    turn: ClassVar[int]

    def __init__(self) -> None:
        self._turns = 0

    def _forgets(self, point: str) -> bool:
        self._turns += point == self.point
        return point == self.point and self._turns == self.turn

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """pte_try_get(), or nothing."""
        if self._forgets("visitor_arrives"):
            return NOTHING  # type: ignore[no-any-return]
        return super().visitor_arrives(mm, pmd, slots, times)

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """pte_put(), or nothing."""
        if self._forgets("visitor_leaves"):
            return NOTHING  # type: ignore[no-any-return]
        return super().visitor_leaves(mm, tables, times, tlb)

    def entries_mapped(self, mm: Mm, tables: Tables, n: Any, times: int = 1) -> Path[None]:
        """pte_get(), or nothing."""
        if self._forgets("entries_mapped"):
            return NOTHING  # type: ignore[no-any-return]
        return super().entries_mapped(mm, tables, n, times)

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """pte_put_many(), or nothing."""
        if self._forgets("entries_unmapped"):
            return NOTHING  # type: ignore[no-any-return]
        return super().entries_unmapped(mm, tables, n, tlb)


@dataclass(frozen=True)
class Found:
    """What a bug does.

    bad      the run with it, to its end
    good     the same without it
    steps    the steps of the log
    after    the number of the step after which one is missing
    """

    bad: Process
    good: Process
    steps: list[Step]
    after: int

    @property
    def kind(self) -> str:
        """What is missing: "get" or "put"."""
        return _steps(self.good)[self.after].kind

    @property
    def outcome(self) -> str:
        """How it ends: "too early", freed with an entry in it, or "never", kept without one."""
        return "never" if self.bad.counters.pte else "too early"

    @property
    def log(self) -> str:
        """The log as text, without the counts."""
        return _log(self.bad, len(self.steps))

    @property
    def should(self) -> str:
        """The missing step's sentence."""
        return Story(self.good).steps[self.after].text


@functools.lru_cache(64)
def find(bug: InjectedBug) -> Found | None:
    """Run with and without the bug; None if it does not happen in the log, or shows in it."""

    class Buggy(Forgetful):
        point, turn = bug.point, bug.turn

    good, bad = _run(bug, PteRefcount), _run(bug, Buggy)
    good_steps, bad_steps = _steps(good), _steps(bad)
    end = bad.journal.operations[len(bug.lines) - 1].last  # type: ignore[union-attr]
    pairs = zip(good_steps, bad_steps, strict=False)
    after = next((k for k, (x, y) in enumerate(pairs) if _sign(x) != _sign(y)), None)
    if after is None or after >= end or any(s.kind is Kind.UNHOOK for s in bad_steps[:end]):
        return None
    return Found(bad, good, bad_steps[:end], after)


def _run(bug: InjectedBug, scheme: type[PteRefcount]) -> Process:
    process = Process(scheme=scheme)
    for _ in scenario.play(process, scenario.parse("\n".join(bug.lines + bug.rest))[0]):
        pass
    return process


def _steps(process: Process) -> list[Step]:
    assert process.journal is not None
    return process.journal.steps


def _sign(step: Step) -> tuple[Any, ...]:
    """What two runs have in common, as long as no reference is missing."""
    return step.kind, step.fn, step.n


def _log(process: Process, end: int) -> str:
    """The first `end` steps by operation, without those of the first operation.

    A count would give the bug away, so counts are left out.
    """
    journal = process.journal
    assert journal is not None
    lines = list[str]()
    for operation in journal.operations[1:]:
        numbers = range(operation.first, min(operation.last, end))
        if numbers:
            lines.append(f"\n{operation.text}")
        for number in numbers:
            journal.seek(number + 1)
            text = sentence(process.machine.mem, _without_count(journal.steps[number]))
            lines.append(f"{number + 1:4}  {text}")
    journal.seek(len(journal))
    return "\n".join(lines).strip("\n")


def _without_count(step: Step) -> Step:
    if isinstance(step.fact, References):
        return step._replace(fact=step.fact._replace(before=None, after=None))
    return step
