"""The programs of the first question of set 2, and the counts that a set of entries gives for them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ptlab import scenario
from ptlab.process.process import Process


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

    @property
    def numbered(self) -> str:
        """The lines with their numbers."""
        return "\n".join(f"{k:2}  {line}" for k, line in enumerate(self.lines, 1))


_SPELT = {
    "write": "touch w {} {}",
    "read": "touch r {} {}",
    "free": "madvise FREE {} {}",
    "pageout": "madvise PAGEOUT {} {}",
    "protect": "mprotect {} {} r",
    "dontneed": "madvise DONTNEED {} {}",
}


@functools.lru_cache(8)
def played(problem: Program) -> Process:
    """The program, run under the design of 2021."""
    process = Process(scheme="pte_refcount", swap=True)
    for _ in scenario.play(process, scenario.parse("\n".join(problem.lines))[0]):
        pass
    return process
