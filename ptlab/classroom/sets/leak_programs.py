"""The programs of the first question of set 3, and the PTE pages that each design leaves."""

from __future__ import annotations

from dataclasses import dataclass

from ptlab import scenario
from ptlab.process.process import Process
from ptlab.story.story import Comparison, Story

SCHEMES = ("unmap_only", "pte_refcount", "pt_reclaim")
_KERNELS = {"unmap_only": "6.1", "pte_refcount": "6.1", "pt_reclaim": "6.18"}


@dataclass(frozen=True)
class Programs:
    """What happens to `pages` touched pages, in several variants: each some lines of a scenario."""

    pages: int
    endings: tuple[tuple[str, ...], ...]

    def lines(self, ending: tuple[str, ...]) -> tuple[str, ...]:
        """A whole program."""
        return (f"mmap s0 {self.pages}P", f"touch w s0 {self.pages}P", *ending)

    def story(self, number: int) -> Comparison:
        """The program with ending `number` (1 is the first) under the three designs, in step."""
        ending = self.endings[number - 1]
        text = "\n".join(self.lines(ending))
        stories = [Story(played(text, scheme, "table")) for scheme in SCHEMES]
        return Comparison("; ".join(ending), stories)


def played(text: str, scheme: str, grain: str) -> Process:
    """A process that has run the program under one of SCHEMES."""
    process = Process(scheme, _KERNELS[scheme], grain=grain, swap=True)
    for row in scenario.play(process, scenario.parse(text)[0]):
        assert not row.get("unsupported"), row
    return process
