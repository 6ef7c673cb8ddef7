"""Steps per second in `entry` grain: with the journal, without it, and through recorded time.

Against the same shape without a kernel (bare_model.py), and simpy where it is installed.

python -m benchmarks.steps
"""

import gc
import tracemalloc
from importlib.util import find_spec
from statistics import median

from benchmarks.bare_model import STEPS_OF_A_FAULT, Bare, simpy_events
from benchmarks.measure import Seconds, machine, spread, timed
from ptlab import MADV_DONTNEED, SCHEMES, MiB, Process

ROUNDS = 5
LENGTH = 64 * MiB
BOUND = "bare model"
SIMPY = "simpy events"


def main() -> None:
    """Measure every scheme against the bare model; count the bytes of a step too."""
    print(f"mmap {LENGTH // MiB} MiB, touch, DONTNEED, munmap: one step for each entry")
    print(f"{ROUNDS} rounds: median (slowest to fastest), thousand steps for each CPU second")
    for scheme in SCHEMES:
        rounds = [rates(scheme) for _ in range(ROUNDS)]
        bound = median(rate[BOUND] for rate in rounds)
        for way in rounds[0]:
            found = [rate[way] for rate in rounds]
            ratio = f"{median(found) / bound:.3f} of the bare model"
            print(f"{scheme:14}{way:30}{spread(found, '.0f'):22}{ratio}")
        print(f"{scheme:14}{'bytes a step':30}{bytes_a_step(scheme):.0f}")


def rates(scheme: str) -> dict[str, float]:
    """Thousands of steps a second, for each way to take them."""
    steps, on, sought = with_journal(scheme)
    _, off = timed(lambda: live(Process(scheme=scheme, record=False)))
    gc.disable()  # as while a journal is kept
    _, bare = timed(lambda: Bare().run(steps // STEPS_OF_A_FAULT))
    gc.enable()
    found = {
        "journal on": steps / on.cpu / 1000,
        "journal off": steps / off.cpu / 1000,
        "back and forth, step by step": 2 * steps / sought.cpu / 1000,
        BOUND: steps / bare.cpu / 1000,
    }
    if find_spec("simpy"):
        _, events = timed(lambda: simpy_events(steps))
        found[SIMPY] = steps / events.cpu / 1000
    return found


def bytes_a_step(scheme: str) -> float:
    """What a step of the journal takes of memory, with all that it refers to."""
    tracemalloc.start()
    process = live(Process(scheme=scheme))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert process.journal is not None
    return taken / len(process.journal)


def with_journal(scheme: str) -> tuple[int, Seconds, Seconds]:
    """How many steps there are, what they take, and what it takes to go through them and back."""
    process, on = timed(lambda: live(Process(scheme=scheme)))
    _, sought = timed(lambda: back_and_forth(process))
    return len(process.journal), on, sought


def live(process: Process) -> Process:
    """Let every page of LENGTH come and go."""
    memory = process.mmap(LENGTH)
    process.touch(memory)
    process.madvise(memory, MADV_DONTNEED)
    process.munmap(memory)
    return process


def back_and_forth(process: Process) -> None:
    """To the beginning and to the end again, one step at a time, as a learner goes."""
    while process.journal.back():
        pass
    while process.journal.step():
        pass


if __name__ == "__main__":
    print(machine())
    main()
