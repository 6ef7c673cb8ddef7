"""A kernel that once forgets a reference, and the log of it: for the second question of set 2."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ptlab import scenario
from ptlab.base.facts import References
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables
from ptlab.draw.sentences import sentence
from ptlab.process.process import Process
from ptlab.schemes import NOTHING, PteRefcount
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather

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
    happened: ClassVar[bool] = False

    def __init__(self) -> None:
        self._turns = 0

    def _forgets(self, point: str) -> bool:
        self._turns += point == self.point
        forgets = point == self.point and self._turns == self.turn
        type(self).happened |= forgets
        return forgets

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


class Log(NamedTuple):
    """What a bug leaves to read.

    run    the whole run with it, `rest` included
    steps  those of the log
    text   the log, without the counts
    """

    run: Process
    steps: list[Step]
    text: str


@functools.lru_cache(64)
def logged(bug: InjectedBug) -> Log | None:
    """Run with the bug; None if it does not happen in the log, or shows in it."""

    class Buggy(Forgetful):
        point, turn = bug.point, bug.turn

    process = Process(scheme=Buggy)
    program = scenario.parse("\n".join(bug.lines + bug.rest))[0]
    for number, _ in enumerate(scenario.play(process, program), 1):
        if number == len(bug.lines) and not Buggy.happened:
            return None
    journal = process.journal
    assert journal is not None
    end = journal.operations[len(bug.lines) - 1].last
    steps = journal.steps[:end]
    if any(step.kind is Kind.UNHOOK for step in steps):
        return None
    return Log(process, steps, _log(process, end))


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
