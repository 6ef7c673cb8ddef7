"""All benchmarks, one after the other: python -m benchmarks."""

from benchmarks import cover_letter, stepper, steps
from benchmarks.measure import machine

print(machine(), flush=True)
for benchmark in (cover_letter, steps, stepper):
    print(flush=True)
    benchmark.main()
