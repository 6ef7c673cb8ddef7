"""Steps per second in `entry` grain: with the journal, without it, and through recorded time.

python -m benchmarks.steps
"""

from collections.abc import Iterator
from statistics import median

from benchmarks.measure import Seconds, machine, spread, timed
from ptlab import MADV_DONTNEED, SCHEMES, MiB, Process

ROUNDS = 5
LENGTH = 64 * MiB
BOUND = "bare generator into a list"


def main() -> None:
    """Measure every scheme against a generator that only yields as many tuples."""
    print(f"mmap {LENGTH // MiB} MiB, touch, DONTNEED, munmap: one step for each entry")
    print(f"{ROUNDS} rounds: median (slowest to fastest), thousand steps for each CPU second")
    for scheme in SCHEMES:
        rounds = [rates(scheme) for _ in range(ROUNDS)]
        bound = median(rate[BOUND] for rate in rounds)
        for way in rounds[0]:
            found = [rate[way] for rate in rounds]
            ratio = f"{median(found) / bound:.3f} of the bare generator"
            print(f"{scheme:14}{way:30}{spread(found, '.0f'):22}{ratio}")


def rates(scheme: str) -> dict[str, float]:
    """Thousands of steps a second, for each way to take them."""
    steps, on, sought = with_journal(scheme)
    _, off = timed(lambda: live(Process(scheme=scheme, record=False)))
    _, bare = timed(lambda: record(tuples(steps)))
    return {
        "journal on": steps / on.cpu / 1000,
        "journal off": steps / off.cpu / 1000,
        "back and forth, step by step": 2 * steps / sought.cpu / 1000,
        BOUND: steps / bare.cpu / 1000,
    }


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


def tuples(count: int) -> Iterator[tuple[str, str, int, int]]:
    """As many tuples as steps, with nothing simulated behind them."""
    for number in range(count):
        yield ("set", "do_anonymous_page", 3, number)


def record(path: Iterator[tuple[str, str, int, int]]) -> None:
    """Keep what a generator yields, as a journal at least has to."""
    kept = []
    for step in path:
        kept.append(step)


if __name__ == "__main__":
    print(machine())
    main()
