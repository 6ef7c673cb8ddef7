"""The cover letter's 50 GiB loop: three schemes in two grains against the real kernel.

python -m benchmarks.cover_letter
"""

import sys
from functools import partial
from statistics import median

from benchmarks import real_kernel
from benchmarks.measure import Seconds, machine, spread, timed
from ptlab import SCHEMES, GiB, Process
from ptlab.scenario import find, play

ROUNDS = 3
LOOP = find("cover-letter")
LENGTH = 50 * GiB  # what LOOP covers
GRAINS = ("range", "table")
REAL = "real kernel"


def main() -> None:
    """Time every variant once in each round, so that a busy minute falls on all of them."""
    print(f"{LOOP.name}: {LOOP.description}")
    variants = {
        f"{scheme}, {grain}": partial(simulated, scheme, grain)
        for grain in GRAINS
        for scheme in SCHEMES
    }
    if sys.platform == "linux":
        variants = {REAL: partial(real_kernel.loop, LENGTH), **variants}
    else:
        print("The real kernel is left out: it has to be Linux.")
    times: dict[str, list[Seconds]] = {name: [] for name in variants}
    vmpte: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            vmpte[name], taken = timed(run)
            times[name].append(taken)
    report(times, vmpte)


def simulated(scheme: str, grain: str) -> int:
    """Play the loop; returns VmPTE in kB before the munmap."""
    *_, covered, _ = play(Process(scheme=scheme, grain=grain, record=False), LOOP)
    return int(covered["pte_kb"])


def report(times: dict[str, list[Seconds]], vmpte: dict[str, int]) -> None:
    """One line for each variant; the ratio is how often the loop fits into the real kernel's."""
    print(f"{ROUNDS} rounds: median (fastest to slowest). VmPTE: growth until the munmap.")
    print(f"{'':22}{'VmPTE':>10}   {'seconds':24}{'CPU seconds':24}times faster (CPU)")
    for name, runs in times.items():
        cpu = [run.cpu for run in runs]
        faster = (
            f"{median(run.cpu for run in times[REAL]) / median(cpu):.1f}" if REAL in times else "-"
        )
        print(
            f"{name:22}{vmpte[name]:>7} kB   {spread([run.clock for run in runs], '.2f'):24}"
            f"{spread(cpu, '.2f'):24}{faster}"
        )


if __name__ == "__main__":
    print(machine())
    main()
