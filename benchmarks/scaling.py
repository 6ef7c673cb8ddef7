"""Does time grow with the number of tables as it should? The exponent, fitted over four decades.

python -m benchmarks.scaling [FILE.svg]

A whole run over n tables should take time in proportion to n: exponent 1. An operation that does the
same work should take the same time however many other tables there are: exponent 0.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measure import machine, timed
from ptlab import MADV_DONTNEED, KiB, MiB, Process
from ptlab.draw.chart import Chart, Series

Points = list[tuple[int, float]]

DECADES = (10, 100, 1_000, 10_000, 100_000)
VMAS = (10, 100, 1_000, 10_000, 30_000)
JOURNALED = (10, 30, 100, 300, 1_000)
ROUNDS = 5
REPEATS = 20


def main(picture: Path | None = None) -> None:
    """Print the time of each number of tables, and the exponent."""
    print("whole runs, microseconds for each table: the exponent should be at most 1.05")
    for scheme in ("unmap_only", "pte_refcount", "pt_reclaim"):
        for grain in ("table", "range"):
            points = [(n, whole(scheme, grain, n)) for n in DECADES[1:]]
            show(f"{scheme}, {grain}", points, [1e6 * seconds / n for n, seconds in points])
    stories = [(n, told(n)) for n in JOURNALED]
    show("a story, table", stories, [1e6 * seconds / n for n, seconds in stories])
    print("one operation beside n tables, or among n VMAs, in microseconds: at most 0.05")
    found: dict[str, Points] = {}
    for n in DECADES:
        for name, seconds in beside(n).items():
            found.setdefault(name, []).append((n, 1e6 * seconds))
    for n in VMAS:
        for name, seconds in among(n).items():
            found.setdefault(name, []).append((n, 1e6 * seconds))
    for name, points in found.items():
        show(name, points, [micros for _, micros in points])
    if picture:
        lines = [Series(k, [(np.log10(n), y) for n, y in v]) for k, v in found.items()]
        title = "One operation beside many tables, or among many VMAs"
        chart = Chart(title, "of them, as a power of ten", "microseconds", lines)
        picture.write_text(chart.svg(), encoding="utf-8")


def show(name: str, points: Points, told_as: list[float]) -> None:
    """A line: the exponent that fits the points best, and their values."""
    exponent = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(
        f"{name:28}{exponent:7.2f}   {' '.join(f'{value:9.1f}' for value in told_as)}", flush=True
    )


def whole(scheme: str, grain: str, tables: int) -> float:
    """Seconds of a run that touches one page of each table, drops all, and unmaps."""

    def run() -> None:
        process = Process(scheme, "6.18", grain=grain, record=False)
        memory = process.mmap(tables * 2 * MiB)
        process.touch(memory, stride=2 * MiB)
        process.madvise(memory, MADV_DONTNEED)
        process.munmap(memory)

    return min(timed(run)[1].cpu for _ in range(2 if tables > DECADES[-2] else ROUNDS))


def told(tables: int) -> float:
    """Seconds of the walk through a story with so many tables, one step for each of them."""
    from ptlab.story.timeline import Timeline

    process = Process("pt_reclaim", grain="table")
    memory = process.mmap(tables * 2 * MiB)
    process.touch(memory, stride=2 * MiB)
    process.madvise(memory, MADV_DONTNEED)
    return timed(lambda: Timeline(process.machine, process.journal))[1].cpu


def beside(tables: int) -> dict[str, float]:
    """Seconds of operations that do the same work beside `tables` other tables, by their names."""
    process = Process("pt_reclaim", "6.18", grain="range", record=False)
    process.touch(process.mmap(tables * 2 * MiB, noreserve=True), stride=2 * MiB)
    place = process.mmap(4 * MiB)
    process.touch(place)
    process.keep_journal("range")
    operations: dict[str, Callable[[], object]] = {
        "touch 16 pages, DONTNEED": partial(touch_and_drop, process, place),
        "mmap, touch, munmap": partial(come_and_go, process),
        "mprotect and back": partial(protect, process, place),
        "a step back and forth": partial(back_and_forth, process),
        "is it at rest?": lambda: process.journal.at_rest if process.journal else None,
    }
    return {name: quickest(operation) for name, operation in operations.items()}


def among(vmas: int) -> dict[str, float]:
    """Seconds of operations in the middle of so many VMAs, with the journal on."""
    process = Process("pt_reclaim", "6.18", grain="range")
    pages = process.mmap(vmas * 4 * KiB)
    for k in range(0, vmas, 2):  # every other page has other rights
        process.mprotect(pages + k * 4 * KiB, "r", 4 * KiB)
    middle = pages + vmas // 4 * 2 * 4 * KiB + 4 * KiB
    operations: dict[str, Callable[[], object]] = {
        "mprotect among VMAs": partial(protect, process, middle),
        "mmap among VMAs": partial(come_and_go, process),
    }
    return {name: quickest(operation) for name, operation in operations.items()}


def quickest(operation: Callable[[], object]) -> float:
    """The least of REPEATS times, each of some runs."""
    return min(timed(lambda: [operation() for _ in range(5)])[1].cpu / 5 for _ in range(REPEATS))


def touch_and_drop(process: Process, place: int) -> None:
    """Page faults, and a zap of one table."""
    process.touch(place, 64 * KiB)
    process.madvise(place, MADV_DONTNEED, 2 * MiB)


def come_and_go(process: Process) -> None:
    """A VMA, a table and a page that come and go."""
    memory = process.mmap(2 * MiB)
    process.touch(memory, 4 * KiB)
    process.munmap(memory)


def protect(process: Process, place: int) -> None:
    """A VMA is split and merged."""
    process.mprotect(place, "r", 4 * KiB)
    process.mprotect(place, "rw", 4 * KiB)


def back_and_forth(process: Process) -> None:
    """Time travel over one step."""
    assert process.journal is not None
    process.journal.back()
    process.journal.step()


if __name__ == "__main__":
    print(machine())
    main(*map(Path, sys.argv[1:]))
