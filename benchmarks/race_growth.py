"""What a race costs when it has more tasks, and when its tasks take more steps.

python -m benchmarks.race_growth [FILE.svg]

Each task writes pages of its own, which lie in one table with those of the others. Without reference
counts only the PTE lock is shared, so the schedules that matter are the orders in which it is taken:
n! for one page in each of n tasks, and C(2k, k) for k pages in each of two.
"""

import sys
from collections.abc import Iterator
from functools import partial
from math import log10
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import machine, timed
from benchmarks.races import size
from ptlab.base.steps import Path as KernelPath
from ptlab.draw.chart import Chart, Series
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.scenes.scene import PAGE, Paths, Scene, Variant, one_table, write
from ptlab.schemes import scheme_class

SHAPES = {
    "more tasks": [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)],
    "more pages": [(2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6)],
}
"""(tasks, pages that each of them writes): a page for each of more tasks, or more pages for two."""

DESIGNS = ("unmap_only", "pte_refcount")
MOST = 3000
"""A race that takes more schedules is the last of its line."""


class Cost(NamedTuple):
    """How many segments run one after the other, schedules that matter (all of them?), CPU seconds."""

    segments: int
    schedules: int
    whole: bool
    seconds: float


def main(picture: Path | None = None) -> None:
    """Print a line for each number of tasks and steps; draw them if there is a file."""
    lines = []
    print(
        f"{'':26}{'tasks':>6}{'pages':>6}{'segments':>9}{'schedules':>10}{'CPU s':>8}{'per CPU s':>10}"
    )
    for design in DESIGNS:
        for name, shapes in SHAPES.items():
            points = []
            for (tasks, pages), cost in costs(design, shapes):
                more = "" if cost.whole else "   and there are more"
                print(
                    f"{design + ': ' + name:26}{tasks:6}{pages:6}{cost.segments:9}{cost.schedules:10}"
                    f"{cost.seconds:8.2f}{cost.schedules / cost.seconds:10.0f}{more}",
                    flush=True,
                )
                points.append((cost.segments, log10(cost.seconds)))
            lines.append(Series(f"{design}: {name}", points))
    if picture:
        chart = Chart(
            "What it takes to run every schedule that matters",
            "segments of one schedule",
            "CPU seconds, as a power of ten",
            lines,
        )
        picture.write_text(chart.svg(), encoding="utf-8")


def costs(design: str, shapes: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Cost]]:
    """The cost of each shape, up to the first that has too many schedules."""
    for shape in shapes:
        race = scene(design, *shape)
        result, seconds = timed(partial(explore, race, "fixed", most=MOST))
        whole = result.result == "exhausted"
        yield shape, Cost(size(race)[1], result.schedules, whole, seconds.cpu)
        if not whole:
            return


def scene(design: str, tasks: int, pages: int) -> Scene:
    """`tasks` tasks, each of which writes `pages` pages of its own in one table."""
    variant = Variant(scheme_class(design))
    return Scene("growth", "growth", "", partial(writers, tasks, pages), variant, variant)


def writers(tasks: int, pages: int, process: Process) -> Paths:
    """The paths of the tasks; page 0 is there already."""
    heap = one_table(process, 0)

    def path(first: int) -> KernelPath[Any]:
        for page in range(first, first + pages):
            yield from write(process, heap + page * PAGE)

    return {f"write from page {k}": path(k) for k in range(1, tasks * pages + 1, pages)}


if __name__ == "__main__":
    print(machine(), flush=True)
    main(*(Path(name) for name in sys.argv[1:2]))
