"""What a search is bounded by: preemptions, schedules, seconds, or the first failure."""

from __future__ import annotations

from time import time
from typing import NamedTuple

from ptlab.draw.names import plural


class Limits(NamedTuple):
    """Bounds of a search; None and False are no bound.

    preemptions  how often a task that could go on is left
    most         schedules run in each part of the search
    seconds      time by the clock; a schedule that has begun is run to its end
    first        stop at the first failure
    deadline     when `seconds` are over, as time.time()
    """

    preemptions: int | None = None
    most: int | None = None
    seconds: float | None = None
    first: bool = False
    deadline: float | None = None

    def begin(self) -> Limits:
        """The same, from now on. ValueError if a bound is too small."""
        if self.preemptions is not None and self.preemptions < 0:
            raise ValueError(f"preemptions: {self.preemptions} is below 0")
        if self.most is not None and self.most < 1:
            raise ValueError(f"most: {self.most} is below 1; at least 1 schedule must run")
        if self.seconds is None:
            return self
        if not self.seconds > 0:
            raise ValueError(f"seconds: {self.seconds:g} must be above 0")
        return self._replace(deadline=time() + self.seconds)

    def reached(self, schedules: int) -> str:
        """What ends the search after so many schedules, in words; "" if it goes on."""
        if self.most is not None and schedules >= self.most:
            return "as many as were asked for"
        if self.deadline is not None and time() >= self.deadline:
            return f"{self.seconds:g} s are over"
        return ""

    def in_words(self, schedules: int, cut: str) -> str | None:
        """The bound of a search that ran so many schedules and was `cut`; None if it ran all."""
        bounds = []
        if self.preemptions is not None:
            bounds.append(f"up to {plural(self.preemptions, 'preemption')}")
        if cut:
            over = f" ({cut})" if cut.endswith("over") else ""
            bounds.append(f"in the first {plural(schedules, 'schedule')}{over}")
        return " and ".join(bounds) or None


UNLIMITED = Limits()
