"""The server of the mail, 55 TiB and 590 GiB of it in use, under all nine designs.

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

NAME = "production-snapshot"


class Snapshot(NamedTuple):
    """One design: VmPTE at the end in kB, the time, and the most memory the process had, in MiB."""

    vmpte_kb: int
    taken: Seconds
    peak_mib: int


def main() -> None:
    """One design after the other, each in a process of its own: its memory is not the next one's."""
    print(f"{NAME}: each design against unmap_only")
    print(f"{'':14}{'VmPTE in kB':>12}{'CPU seconds':>13}{'times':>8}{'MiB':>8}{'times':>8}")
    first = None
    for scheme in SCHEMES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            now = alone.submit(one, scheme).result()
        first = first or now
        seconds, times = now.taken.cpu, now.taken.cpu / first.taken.cpu
        memory = now.peak_mib / first.peak_mib
        line = f"{scheme:14}{now.vmpte_kb:>12}{seconds:>13.1f}{times:>8.2f}{now.peak_mib:>8}"
        print(f"{line}{memory:>8.2f}", flush=True)


def one(scheme: str) -> Snapshot:
    """The whole workload under one design."""
    result, taken = timed(lambda: measured(scheme, program(NAME), KERNEL, "range"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Snapshot(result.end_kb, taken, peak // 1024)


if __name__ == "__main__":
    print(machine())
    main()
