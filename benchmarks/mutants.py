"""Leave out one lock after the other, and see whether a race scene or a pair of operations notices.

Every place in ptlab/paths and ptlab/schemes that takes a lock is a mutant: there the lock is not taken
(and not dropped). Each mutant is run in the pairs of operations of tests/race/test_pairs.py that come
by that place, in random schedules, until a rule is broken. Run it with `make mutants`.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, NamedTuple
from unittest.mock import patch

from ptlab.base.facts import Lock
from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.scheduler import Scheduler
from ptlab.state.machine import Machine
from tests.race.test_pairs import OPERATIONS, STAGES, truncated

DESIGNS = (
    *(
        ("unmap_only", "6.1"),
        ("unmap_only", "6.12"),
        ("pt_reclaim", "6.18"),
        ("every_level", "6.1"),
    ),
    *(
        ("pte_refcount", "6.1"),
        ("pt_rwsem", "6.1"),
        ("mapped_count", "6.1"),
        ("async_scan", "6.12"),
    ),
)
OTHERS = ("write page 0", "read page 5", "DONTNEED the table", "munmap the table", "COLLAPSE")
"""Each operation is run beside each of these."""

TRIES = 8000
"""Schedules that are run of a mutant before it counts as a survivor."""

FEW = 300
"""The same for one that is known to survive."""

EXPLAINED = {
    "paths/collapse.py mmap_read_lock": "redundant: the caller only drops it, or looks again first",
    "paths/collapse.py pte_offset_map_lock": (
        "redundant: the table is out of the tree, and mmap_lock and the VMA's lock keep all others out"
    ),
    "paths/move.py take_rmap_locks": (
        "not judged: a truncate may miss pages on their way; for tables the second look is enough"
    ),
    "schemes/mapped_count.py mmap_read_trylock": "redundant: each table is looked up again later",
    "schemes/mapped_count.py mmap_read_lock": "redundant: each table is looked up again later",
}
"""Survivors, by file and function, and why: redundant, or nothing in the model could tell."""

_LOCK, _UNLOCK = Machine.lock, Machine.unlock


class Site(NamedTuple):
    """A line that takes a lock."""

    file: str
    line: int
    fn: str
    lock: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.fn} ({self.lock})"


class Run(NamedTuple):
    """What is run: a design, a kernel, a stage and two operations."""

    design: tuple[str, str]
    stage: Any
    pair: tuple[str, str]


def main() -> int:
    """Print one line for each mutant; the exit status is 1 if one survives unexplained."""
    came_by = _sites()
    survived = 0
    for site in sorted(came_by):
        reason = EXPLAINED.get(f"{site.file} {site.fn}")
        found = _verdict(site, came_by[site], FEW if reason else TRIES)
        why = found or reason or "SURVIVES"
        survived += why == "SURVIVES"
        print(f"{site!s:64} {why}", flush=True)
    print(f"{len(came_by)} mutants, {survived} unexplained")
    return 1 if survived else 0


def _sites() -> dict[Site, list[Run]]:
    """Every place that takes a lock, and the runs that come by it."""
    came_by: dict[Site, list[Run]] = defaultdict(list)
    for run in _runs():
        for seed in range(2):
            for site in _play(run, None, random.Random(seed))[1]:
                came_by[site].append(run)
    return came_by


def _runs() -> Iterator[Run]:
    for design in DESIGNS:
        for stage in STAGES:
            for name in (*OPERATIONS, "truncate"):
                for other in OTHERS:
                    yield Run(design, stage, (name, other))


def _verdict(site: Site, runs: list[Run], tries: int) -> str:
    """What breaks without the lock of `site`; "" if nothing was found."""
    chance = random.Random(1)
    for _ in range(tries):
        verdict, _ = _play(chance.choice(runs), site, chance)
        if verdict:
            return verdict
    return ""


def _play(run: Run, without: Site | None, chance: random.Random) -> tuple[str, set[Site]]:
    """One random schedule of `run`: what breaks, and where locks were taken."""
    seen: set[Site] = set()

    def lock(self: Machine, fn: str, name: str, of: Any, mode: str, times: int = 1) -> Path[bool]:
        frame = sys._getframe(1)
        path = FilePath(frame.f_code.co_filename)
        site = Site(f"{path.parent.name}/{path.name}", frame.f_lineno, fn, name)
        if self.others.several and path.parent.name in ("paths", "schemes"):
            seen.add(site)
        if site == without:
            return True
        return (yield from _LOCK(self, fn, name, of, mode, times))

    def unlock(self: Machine, fn: str, name: str, times: int = 1) -> Step:
        if without and all(held.name != name for held in self.held[self.task]):
            return Step(Kind.UNLOCK, fn, None, 0, times, Lock(name, 0, "left out"))
        return _UNLOCK(self, fn, name, times)

    with patch.object(Machine, "lock", lock), patch.object(Machine, "unlock", unlock):
        process = Process(*run.design, grain="table", record=False)
        file = run.stage(process)
        made = OPERATIONS | {"truncate": truncated(file)}
        paths = {f"{k}: {name}": made[name](process) for k, name in enumerate(run.pair)}
        scheduler, stays_by = Scheduler(process, paths), chance.choice((0.5, 0.75, 0.9, 0.97))
        while able := scheduler.enabled():
            last = scheduler.schedule[-1:]
            stays = last and last in able and chance.random() < stays_by
            scheduler.go(last if stays else chance.choice(able))
    return (scheduler.verdict.headline if scheduler.verdict else ""), seen


if __name__ == "__main__":
    sys.exit(main())
