"""Race schedules per second, how many the reduction saves, and the speed-up on two processes.

python -m benchmarks.races
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.measure import machine, timed
from ptlab.explore import Found, Job, Result, explore, search
from ptlab.scenes import SCENES

PLAIN_LIMIT = 1500
TWO = ("abc", "fixed")


def main() -> None:
    """Print one line for each scene, then the speed-up on the largest."""
    print(
        "every fixed scene, exhausted; naive: plain search, each order of segments its own schedule"
    )
    print(f"{'scene':14}{'explored':>9}{'pruned':>8}{'per CPU s':>11}   naive")
    for scene in SCENES.values():
        if scene.name == TWO[0]:
            continue
        result, seconds = timed(lambda scene=scene: explore(scene, "fixed"))
        rate = (result.schedules + result.pruned) / seconds.cpu
        print(
            f"{scene.name:14}{result.schedules:9}{result.pruned:8}{rate:11.0f}   {naive(scene.name)}"
        )
    print(f"{TWO[0]}, three tasks: one process and two")
    alone, one = timed(lambda: explore(SCENES[TWO[0]], TWO[1]))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(8)))  # the processes are there before the clock runs
        together, two = timed(lambda: explore(SCENES[TWO[0]], TWO[1], pool))
    print(f"  one: {told(alone)}, {one.clock:.1f} s; two: {told(together)}, {two.clock:.1f} s")
    print(f"  speed-up {one.clock / two.clock:.2f} by the clock")


def naive(name: str) -> str:
    """How many schedules plain search runs, or that it was stopped."""

    def plain() -> Found:
        return search(SCENES[name], "fixed", Job("", {}), most=PLAIN_LIMIT, reduce=False)

    found, _ = timed(plain)
    return f"more than {found.schedules}" if found.cut else str(found.schedules)


def told(result: Result) -> str:
    """'1669 schedules, 183 pruned, exhausted'."""
    return f"{result.schedules} schedules, {result.pruned} pruned, {result.result}"


if __name__ == "__main__":
    print(machine(), flush=True)
    main()
