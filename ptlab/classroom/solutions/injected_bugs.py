"""What comes of a forgotten reference: the run beside the one that forgets nothing."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ptlab import scenario
from ptlab.base.steps import Step
from ptlab.classroom.sets.injected_bugs import InjectedBug, logged
from ptlab.process.process import Process
from ptlab.schemes import PteRefcount
from ptlab.story.story import Story


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
    def should(self) -> str:
        """The missing step's sentence."""
        return Story(self.good).steps[self.after].text


@functools.lru_cache(64)
def found(bug: InjectedBug) -> Found:
    """Run without the bug, and compare with the log."""
    log = logged(bug)
    assert log is not None, "pose() makes no other problems"
    good = Process(scheme=PteRefcount)
    for _ in scenario.play(good, scenario.parse("\n".join(bug.lines + bug.rest))[0]):
        pass
    pairs = zip(_steps(good), log.steps, strict=False)
    after = next(k for k, (x, y) in enumerate(pairs) if _sign(x) != _sign(y))
    return Found(log.run, good, log.steps, after)


def _steps(process: Process) -> list[Step]:
    assert process.journal is not None
    return process.journal.steps


def _sign(step: Step) -> tuple[Any, ...]:
    """What two runs have in common, as long as no reference is missing."""
    return step.kind, step.fn, step.n
