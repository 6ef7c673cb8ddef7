"""Explore generated scenes under every design; print the shortest failure of each kind.

`make pairs` runs all pairs of operations at once, up to MOST schedules of each scene: about an hour.
`make triples` runs three at once. There are 20 000 of these for each design, so it takes them in random
order for as many minutes as MINUTES says (half an hour), and says how many it has run.
"""

from __future__ import annotations

import random
import sys
from time import perf_counter

from ptlab.race.explore import explore
from ptlab.race.known_failures import known_failure
from ptlab.race.operations import generated, shortest_of_each_kind
from ptlab.schemes import SCHEMES

MOST = 200
A_LONG_TIME = 20
"""Seconds for one scene of a search that has an end."""


def main(of: int = 2, minutes: float | None = None, seed: int | None = None) -> int:
    """The exit status is 1 if a design fails in a way that is not known of it."""
    failed, chance = False, random.Random(seed)
    for name, scheme in SCHEMES.items():
        scenes, found, run = list(generated(of, scheme.kernel)), [], 0
        until = perf_counter() + (60 * minutes / len(SCHEMES) if minutes else float("inf"))
        if minutes:
            chance.shuffle(scenes)
        for scene in scenes:
            if perf_counter() > until:
                break
            seconds = A_LONG_TIME if minutes else None
            result = explore(scene, scene.under(scheme), most=MOST, seconds=seconds)
            run += 1
            if result.result == "failure":
                found.append(result)
        print(f"{name}: {len(found)} of {run} scenes fail ({len(scenes)} there are)", flush=True)
        for result in shortest_of_each_kind(found):
            print(f"  {result}", flush=True)
        failed = failed or not all(known_failure(name, result.verdict) for result in found)
    return 1 if failed else 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*numbers))
