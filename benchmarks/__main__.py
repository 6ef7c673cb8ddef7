"""All benchmarks, one after the other: python -m benchmarks."""

from benchmarks import comparison, contention, cover_letter, races, stepper, steps
from benchmarks.measure import machine

print(machine(), flush=True)
for benchmark in (cover_letter, comparison, steps, stepper, contention, races):
    print(flush=True)
    benchmark.main()
