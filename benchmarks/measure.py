"""What the benchmarks share: a clock, a summary of repeated runs, and a line about the machine."""

import gc
import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Seconds(NamedTuple):
    """How long a run took: by the clock, and of a processor's time (its own and the kernel's).

    Ratios use the processor time: it does not count waiting for a busy processor.
    """

    clock: float
    cpu: float


def timed(run: Callable[[], T]) -> tuple[T, Seconds]:
    """What `run` returns and how long it takes, without the garbage of the run before."""
    gc.collect()
    clock, cpu = perf_counter(), process_time()
    result = run()
    return result, Seconds(perf_counter() - clock, process_time() - cpu)


def spread(values: Sequence[float], form: str) -> str:
    """'20.6 (20.1 to 21.9)': the median, and between which values the runs were."""
    middle, least, most = (format(v, form) for v in (median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"


def machine() -> str:
    """The machine. A load above 0 means that other programs used the processors."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, numpy {version('numpy')}; "
        f"load before this run (1, 5, 15 minutes): {load}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
