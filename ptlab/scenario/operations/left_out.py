"""An operation that Linux has and ptlab leaves out: a scenario ends at it, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from ptlab.base.left_out import left_out
from ptlab.process.process import Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Stage, SystemCall


@dataclass(frozen=True, slots=True)
class LeftOut(Operation):
    """Not one of OPERATIONS: its line is not read, but for the name of the call or the flag."""

    name: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """The call that begins the line."""
        return cls(*line.place, line.place[0].split()[0])

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """None: NotModelled."""
        raise left_out(self.name)

    def system_calls(self) -> list[SystemCall]:
        """None: what the simulator leaves out is not recorded either."""
        raise left_out(self.name)
