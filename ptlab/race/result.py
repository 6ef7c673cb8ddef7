"""What a search has found, and its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from ptlab.base.lines import wrapped
from ptlab.draw.names import plural
from ptlab.race.broken_rule import Verdict
from ptlab.race.lock_graph import LockGraph


@dataclass(frozen=True)
class Result:
    """What a search has found.

    result     "failure", "exhausted" (every schedule that matters was run) or "bounded"
    schedules  how many were run to their end
    pruned     how many were given up, because a schedule that ends alike had been run
    shortest   the shortest failing schedule found, or None
    verdict    what breaks in it, or None
    bound      the bound, such as "up to 2 preemptions", or None
    trial      what the scene puts to the test, such as "the design frees a table"
    exercised  whether that has happened in some schedule
    locks      which locks were taken inside which, over all schedules
    """

    scene: str
    variant: str
    result: str
    schedules: int
    pruned: int
    shortest: str | None
    verdict: Verdict | None
    seconds: float
    bound: str | None = None
    trial: str = ""
    exercised: bool = True
    locks: LockGraph = field(default_factory=LockGraph, compare=False)

    @property
    def untried(self) -> bool:
        """The result says nothing: no rule was broken, and what is put to the test never happened."""
        return self.result != "failure" and not self.exercised

    def tested(self) -> str:
        """Whether what the scene puts to the test has happened."""
        if self.exercised:
            return f"exercised: in some schedule {self.trial}"
        return f"not exercised: it happens in no schedule that {self.trial}"

    @property
    def sentence(self) -> str:
        """The scene, what the search has found in it, and whether that says anything."""
        name = f"{self.scene} ({self.variant})"
        ran = (
            f"{plural(self.schedules, 'schedule')} run, {self.pruned} pruned, {self.seconds:.1f} s"
        )
        if self.verdict is not None:
            cycles = "".join(f". Over all schedules, {one.sentence}" for one in self.locks.cycles())
            end = f"{self.verdict.sentence}. Schedule {_short(self.shortest or '')} ({ran}){cycles}"
            return f"{name}: {end}; {self.tested()}"
        return f"{name}: {'; '.join(self.passed())} ({ran})"

    def __str__(self) -> str:
        return wrapped(self.sentence, rest="  ")

    def passed(self) -> list[str]:
        """What it means that no rule was broken: nothing, if what is put to the test never happened."""
        if self.bound:
            return [f"no failure {self.bound}; this is not 'no failure'", self.tested()]
        return [self.tested()] if self.untried else ["no failure in any schedule", self.tested()]


def _short(schedule: str) -> str:
    """A schedule that fits in a line."""
    if len(schedule) <= 200:
        return schedule
    return f"{schedule[:40]}... ({len(schedule)} steps)"
