"""The two large programs under all nine designs: the server of the mail, and a database's backends.

python -m benchmarks.snapshot
"""

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from benchmarks.measure import Seconds, machine, timed
from ptlab import SCHEMES
from ptlab.costs.measure import KERNEL
from ptlab.costs.measure import run as measured
from ptlab.costs.workloads import program

NAMES = ("production-snapshot", "postgresql")


class Snapshot(NamedTuple):
    """One design: the highest VmPTE in kB, the time, and the most memory the process had, in MiB."""

    peak_kb: int
    taken: Seconds
    peak_mib: int


def main() -> None:
    """One design after the other, each in a process of its own: its memory is not the next one's."""
    for name in NAMES:
        table(name)


def table(name: str) -> None:
    """A line for each design."""
    print(f"{name}: each design against unmap_only")
    print(f"{'':14}{'peak VmPTE':>12}{'CPU seconds':>13}{'times':>8}{'MiB':>8}{'times':>8}")
    first = None
    for scheme in SCHEMES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            now = alone.submit(one, name, scheme).result()
        first = first or now
        seconds, times = now.taken.cpu, now.taken.cpu / first.taken.cpu
        memory = now.peak_mib / first.peak_mib
        line = f"{scheme:14}{now.peak_kb:>12}{seconds:>13.1f}{times:>8.2f}{now.peak_mib:>8}"
        print(f"{line}{memory:>8.2f}", flush=True)


def one(name: str, scheme: str) -> Snapshot:
    """The whole workload under one design."""
    result, taken = timed(lambda: measured(scheme, program(name), KERNEL, "range"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Snapshot(result.peak_kb, taken, peak // 1024)


if __name__ == "__main__":
    print(machine())
    main()
