"""Race schedules per second, what they cost by tasks and steps, and the speed-up on two processes.

python -m benchmarks.races
"""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import sleep

from benchmarks.measure import machine, timed
from ptlab.race.explore import Found, Job, Result, explore, search
from ptlab.race.limits import Limits
from ptlab.race.scenes import SCENES, Scene

PLAIN_LIMIT = 1000
LARGEST = "abc"
PROCESSES = 2


def main() -> None:
    """Print one line for each scene, then the speed-up on the largest."""
    print("every fixed scene, exhausted; naive: plain search, every order of segments is run")
    print(
        f"{'scene':14}{'tasks':>6}{'steps':>6}{'explored':>9}{'pruned':>8}{'CPU s':>8}"
        f"{'per CPU s':>11}   naive"
    )
    for scene in SCENES.values():
        result, seconds = timed(partial(explore, scene, "fixed"))
        rate = (result.schedules + result.pruned) / seconds.cpu
        tasks, steps = size(scene)
        print(
            f"{scene.name:14}{tasks:6}{steps:6}{result.schedules:9}{result.pruned:8}{seconds.cpu:8.2f}{rate:11.0f}"
            f"   {naive(scene.name)}",
            flush=True,
        )
    print(f"{LARGEST}, three tasks: one process and {PROCESSES}")
    alone, one = timed(partial(explore, SCENES[LARGEST], "fixed"))
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(sleep, [1.0] * PROCESSES))  # all have started before the clock runs,
        list(pool.map(warm, range(PROCESSES)))  # and have imported the modules
        together, more = timed(partial(explore, SCENES[LARGEST], "fixed", pool))
    print(
        f"  one: {outcome(alone)}, {one.clock:.1f} s; "
        f"{PROCESSES}: {outcome(together)}, {more.clock:.1f} s"
    )
    print(
        f"  speed-up {one.clock / more.clock:.2f} by the clock; it takes {PROCESSES} idle processors"
    )


def size(scene: Scene) -> tuple[int, int]:
    """How many tasks a scene has, and how many segments they run, one task after the other."""
    scheduler = scene.start("fixed")
    while able := scheduler.enabled():
        scheduler.go(able[0])
    return len(scheduler.tasks), len(scheduler.schedule)


def warm(number: int) -> str:
    """A small search."""
    result = explore(SCENES["install"], "fixed").result
    sleep(0.2)  # so that no process does all of these
    return result


def naive(name: str) -> str:
    """How many schedules plain search runs, up to a limit."""

    def plain() -> Found:
        return search(SCENES[name], "fixed", Job("", {}), Limits(most=PLAIN_LIMIT), reduce=False)

    found, _ = timed(plain)
    return f"more than {found.schedules}" if found.cut else str(found.schedules)


def outcome(result: Result) -> str:
    """'1669 schedules, 183 pruned, exhausted'."""
    return f"{result.schedules} schedules, {result.pruned} pruned, {result.result}"


if __name__ == "__main__":
    print(machine(), flush=True)
    main()
