"""The scenario language: `parse` turns text into `Scenario` objects.

There is one operation on a line; `#` starts a comment. A `scenario NAME` line begins a scenario,
`group TEXT` and `desc TEXT` describe it. A text without such a line is one scenario, named after its
source. Each operation reads itself: see ptlab/scenario/operations/.
"""

from __future__ import annotations

from pathlib import PurePath

from ptlab.base.left_out import CALLS, flag_named
from ptlab.scenario.line import Line, ScenarioError
from ptlab.scenario.operation import Operation, Scenario
from ptlab.scenario.operations import OPERATIONS
from ptlab.scenario.operations.left_out import LeftOut
from ptlab.scenario.operations.processes import Fork, ForkInBackground


def parse(text: str, source: str = "scenario") -> list[Scenario]:
    """Read every scenario of a text; raises `ScenarioError` at the first word that is wrong.

    >>> [op.verb for op in parse("mmap s0 2M\\ntouch w s0 4K")[0].ops]
    ['mmap', 'touch']
    """
    reader = _Reader(source)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = Line(source, number, raw)
        if line.more:
            reader.read(line)
    reader.finish()
    if not reader.scenarios:
        raise ScenarioError(source, 1, 1, "no op", "a 'scenario NAME' line or an op")
    return reader.scenarios


def _flag(verb: str, word: str) -> str | None:
    """The flag of a call, or of its rights, that a word means, if ptlab leaves it out."""
    return next(
        filter(None, (flag_named(prefix, word) for prefix in _FLAGS_OF.get(verb, ()))), None
    )


_FLAGS_OF = {"mmap": ("MAP_", "PROT_"), "mprotect": ("PROT_",)}


class _Reader:
    """Gathers lines into scenarios."""

    def __init__(self, source: str) -> None:
        self.scenarios: list[Scenario] = []
        self._source = source
        self._first_lines: dict[str, int] = {}
        self._begin()

    def _begin(self, name: str | None = None) -> None:
        self._name = name
        self._texts = {"group": "", "desc": ""}
        self._ops: list[Operation] = []
        self._forks: list[tuple[int, int, Line]] = []

    def read(self, line: Line) -> None:
        """Read one line that is not empty."""
        if any(map(line.ahead, CALLS)):
            self._ops.append(LeftOut.read(line))
            return
        verb = line.choice(["scenario", *self._texts, *OPERATIONS])
        if verb == "scenario":
            self._scenario(line)
        elif verb in self._texts:
            self._texts[verb] = line.rest(f"the text of the {verb}")
        else:
            self._op(verb, line)

    def _scenario(self, line: Line) -> None:
        line.usage = "scenario NAME"
        if self._name is None and (self._ops or any(self._texts.values())):
            raise line.error(
                "more ops: the lines above are in no scenario (put a scenario line before them)",
                back=1,
            )
        name = line.take("NAME")
        if name in self._first_lines:
            raise line.error(f"a new name (line {self._first_lines[name]} has this one)", back=1)
        line.end()
        self.finish()
        self._first_lines[name] = line.line
        self._begin(name)

    def _op(self, verb: str, line: Line) -> None:
        line.usage = OPERATIONS[verb].usage
        op: Operation
        try:
            op = OPERATIONS[verb].read(line)
            line.end()
        except ScenarioError as wrong:
            missing = _flag(verb, wrong.word)
            if missing is None:
                raise
            op = LeftOut(*line.place, missing)
        self._ops.append(op)
        if isinstance(op, Fork | ForkInBackground):
            self._forks.append((len(self._ops), op.count, line))

    def finish(self) -> None:
        """Close the scenario that was being read, if there is one."""
        if self._name is None and not self._ops:
            return
        ends = [len(self._ops)]  # where the operations of the children that it is in end
        for position, count, line in self._forks:
            while ends[-1] < position:
                ends.pop()
            follow = ends[-1] - position
            ends.append(position + count)
            if count > follow:
                raise line.error(f"N of at most {follow}, the ops that follow", back=1)
        name = self._name or PurePath(self._source).stem
        self.scenarios.append(
            Scenario(name, self._texts["group"], self._texts["desc"], tuple(self._ops))
        )
