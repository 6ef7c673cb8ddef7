"""Explore all generated scenes under every design; print the shortest failure of each kind.

`make pairs` runs two operations at once, up to MOST schedules of each scene: about an hour. With a
number, `python -m benchmarks.pairs 3`, it runs so many at once: a night.
"""

from __future__ import annotations

import sys
from itertools import islice

from ptlab.race.all_scenes import BREAKS_AS_POSTED
from ptlab.race.explore import explore
from ptlab.race.operations import generated, shortest_of_each_kind
from ptlab.schemes import SCHEMES

MOST = 200


def main(of: int, scenes: int | None = None) -> int:
    """The exit status is 1 if a design fails that is not known to."""
    failed = False
    for name, scheme in SCHEMES.items():
        found = [
            result
            for scene in islice(generated(of, scheme.kernel), scenes)
            if (result := explore(scene, scene.under(scheme), most=MOST)).result == "failure"
        ]
        print(f"{name}: {len(found)} scenes fail", flush=True)
        for result in shortest_of_each_kind(found):
            print(f"  {result}", flush=True)
        failed = failed or (bool(found) and name not in BREAKS_AS_POSTED)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
