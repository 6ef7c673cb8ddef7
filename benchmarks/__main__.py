"""All benchmarks, one after the other: python -m benchmarks."""

from benchmarks import (
    all_designs,
    contention,
    cover_letter,
    grading,
    observe,
    races,
    replay,
    scaling,
    snapshot,
    stepper,
    steps,
)
from benchmarks.measure import machine

print(machine(), flush=True)
for benchmark in (
    cover_letter,
    all_designs,
    snapshot,
    scaling,
    steps,
    stepper,
    contention,
    races,
    observe,
    replay,
    grading,
):
    print(flush=True)
    benchmark.main()
