"""All benchmarks, one after the other: python -m benchmarks."""

from benchmarks import all_designs, contention, cover_letter, races, stepper, steps
from benchmarks.measure import machine

print(machine(), flush=True)
for benchmark in (cover_letter, all_designs, steps, stepper, contention, races):
    print(flush=True)
    benchmark.main()
