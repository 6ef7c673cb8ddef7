"""`ptlab measure`: small workloads under all nine designs, against the ten seconds that one waits.

python -m benchmarks.all_designs
"""

import os

from benchmarks import snapshot
from benchmarks.measure import machine, spread, timed
from ptlab.costs.measure import measure
from ptlab.costs.workloads import WORKLOADS

ROUNDS = 3
BOUND = 10.0
"""Seconds by the clock that a measurement may take on two processors."""


def main() -> None:
    """Time each workload as the command runs it: on all processors, in processes of their own."""
    print(f"all designs on {os.cpu_count()} processors, {ROUNDS} rounds")
    print(f"{'':22}{'median (fastest to slowest)':32}of the bound of {BOUND:.0f} s")
    names = [name for name in WORKLOADS if name not in snapshot.NAMES]
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name, seconds in times.items():
            seconds.append(timed(lambda name=name: measure(name, parallel=True))[1].clock)
    for name, seconds in times.items():
        print(f"{name:22}{spread(seconds, '.2f'):32}{max(seconds) / BOUND:.2f}")


if __name__ == "__main__":
    print(machine())
    main()
