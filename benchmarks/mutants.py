"""Leave out one guard after the other, and see whether a race scene or a pair of operations notices.

Every place in ptlab/paths and ptlab/schemes that takes a lock, flushes the TLB, waits for RCU,
has a barrier or looks a second time is a mutant: there the guard is left out. Each mutant is run in the
pairs of operations of ptlab/race/operations.py, and in the race scenes, that come by that place, in
random schedules, until a rule is broken. What has survived is explored in every scene there is. Run it
with `make mutants`; it prints the table of docs/mutants.md.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.guards import Site, guarded
from ptlab.base.geometry import PMD_SIZE, GiB
from ptlab.base.steps import Path
from ptlab.paths.mmap import do_munmap
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.operations import AT, OPERATIONS, STAGES, Stage, task
from ptlab.race.scenes import SCENES
from ptlab.race.scheduler import Scheduler

DESIGNS = (
    *(
        ("unmap_only", "6.1"),
        ("unmap_only", "6.12"),
        ("pt_reclaim", "6.18"),
        ("every_level", "6.1"),
    ),
    *(
        ("pte_refcount", "6.1"),
        ("pte_refcount", "6.12"),
        ("pt_rwsem", "6.1"),
        ("mapped_count", "6.1"),
        ("async_scan", "6.12"),
    ),
)
OTHERS = (
    "write page 0",
    "read page 5",
    "DONTNEED the table",
    "read page 0 twice",
    "munmap the table",
    "GUP-fast",
    "COLLAPSE",
)
"""Each operation is run beside each of these."""

TRIES = 3000
"""Schedules that are run of a mutant before it counts as a survivor."""

FEW = 200
"""The same for one that is known to survive."""

MOST = 600
"""Of any other that has survived so far, each scene is explored up to here."""

EXPLAINED = {
    "paths/cold_pages.py tlb_flush_mmu_tlbonly": "not judged: marks may stay in a TLB for a while",
    "paths/collapse.py mmap_read_lock": "redundant: the caller only drops it, or looks again first",
    "paths/collapse.py pte_offset_map_lock": (
        "redundant: the table is out of the tree, and mmap_lock and the VMA's lock keep all others out"
    ),
    "paths/fault.py still_hooked": "redundant: the PMD entry is looked at again under the PTE lock",
    "paths/collapse_file.py mmap_read_lock 2": "redundant: the caller only drops it",
    "paths/filemap.py still_has": "not judged: a private copy beyond the end of a file",
    "paths/collapse.py _collapse": "redundant: dropping the PTE lock before orders the stores as well",
    "paths/fork.py i_mmap_lock_write": "redundant: truncate looks again under the folio's lock",
    "paths/fork.py flush_tlb_mm": "not judged: a write through an old translation after a fork",
    "paths/fork.py still_hooked": (
        "redundant: mmap_lock is held for write, and no task takes a table that fork copies"
    ),
    "paths/fork.py mmap_read_lock": "redundant: zaps may meet; what frees tables has it for write",
    "paths/move.py take_rmap_locks": (
        "not judged: a truncate may miss pages on their way; for tables the second look is enough"
    ),
    "paths/move.py still_hooked": "redundant: the table at the new place cannot go, its VMA is locked",
    "paths/mprotect.py tlb_flush_range": "not judged: rights may stay in a TLB for a while",
    "paths/recheck.py folio_lock": (
        "redundant here: looking at the page cache and setting the entry are one step"
    ),
    "paths/recheck.py folio_trylock": (
        "redundant here: looking at the page cache and setting the entry are one step"
    ),
    "paths/truncate.py folio_mapped": (
        "redundant for a truncate, for no fault maps a page beyond the end; test_mapcount.py punches"
    ),
    "paths/truncate.py inode_lock": "not judged: what two truncates at once leave of a file",
    "schemes/mapped_count.py mmap_read_trylock": "redundant: each table is looked up again later",
    "schemes/mapped_count.py mmap_read_lock": "redundant: each table is looked up again later",
}
"""Survivors, by file and function (and which of several), and why: redundant, or no rule could tell."""


def shared_gib(p: Process) -> Stage:
    """A GiB from the pool of huge pages, of which two processes share the PMD page."""
    p.hugepages(1)
    p.mmap(GiB, at=AT, shared=True, hugetlb=PMD_SIZE, noreserve=True)
    p.touch(AT, 1)
    child = p.fork()
    child.touch(AT, 1)
    return Stage(p, None, child)


CUT = "munmap half of it"


def _task(stage: Stage, name: str) -> Path[Any]:
    return do_munmap(stage.process.mm, AT, GiB // 2) if name == CUT else task(stage, name)


class Run(NamedTuple):
    """What is run: a scene as it should be, or a design, a kernel, a stage and two operations."""

    scene: str = ""
    design: tuple[str, str] = ("", "")
    stage: Any = None
    pair: tuple[str, str] = ("", "")
    weak: bool = False


def main() -> int:
    """Print one row for each mutant; the exit status is 1 if one survives unexplained."""
    came_by, survived = _sites(), 0
    of_its_kind: Counter[str] = Counter()
    for site in sorted(came_by):
        kind = f"{site.file} {site.fn}"
        of_its_kind[kind] += 1
        reason = EXPLAINED.get(f"{kind} {of_its_kind[kind]}") or EXPLAINED.get(kind)
        found = _verdict(site, came_by[site], FEW if reason else TRIES)
        why = found or reason or "SURVIVES"
        survived += why == "SURVIVES"
        print(f"| `{site.file}` | `{site.fn}` ({site.guard}) | {why} |", flush=True)
    print(f"{len(came_by)} mutants, {survived} unexplained")
    return 1 if survived else 0


def _sites() -> dict[Site, list[Run]]:
    """Every place that has a guard, and the runs that come by it."""
    came_by: dict[Site, list[Run]] = defaultdict(list)
    for run in _runs():
        for site in _play(run, None, random.Random(0))[1]:
            came_by[site].append(run)
    return came_by


def _runs() -> Iterator[Run]:
    for name in SCENES:
        yield from (Run(name) for _ in range(8))
    yield Run("", DESIGNS[0], shared_gib, (CUT, "the child writes"))
    for design in DESIGNS:
        for stage in STAGES:
            for name in OPERATIONS:
                for number, other in enumerate(OTHERS):
                    yield Run("", design, stage, (name, other), weak=number % 2 == 1)


def _verdict(site: Site, runs: list[Run], tries: int) -> str:
    """What breaks without the guard of `site`; "" if nothing was found."""
    chance = random.Random(1)
    scenes = [run for run in runs if run.scene] or runs
    for number in range(tries):
        verdict, _ = _play(chance.choice(runs if number % 3 else scenes), site, chance)
        if verdict:
            return verdict
    for scene in SCENES.values() if tries > FEW else ():
        with guarded(site):
            found = explore(scene, "fixed", most=MOST, first=True)
        if found.verdict:
            return found.verdict.headline
    return ""


def _play(run: Run, without: Site | None, chance: random.Random) -> tuple[str, set[Site]]:
    """One random schedule of `run`: what breaks, and by which guards it came."""
    with guarded(without) as guards:
        scheduler, stays_by = _start(run), chance.choice((0.5, 0.75, 0.9, 0.97))
        while able := scheduler.enabled():
            last = scheduler.schedule[-1:]
            stays = last and last in able and chance.random() < stays_by
            scheduler.go(last if stays else chance.choice(able))
    return (scheduler.verdict.headline if scheduler.verdict else ""), guards.seen


def _start(run: Run) -> Scheduler:
    if run.scene:
        return SCENES[run.scene].start("fixed")
    process = Process(*run.design, grain="table", record=False)
    stage = run.stage(process)
    paths = {f"{k}: {name}": _task(stage, name) for k, name in enumerate(run.pair)}
    return Scheduler(process, paths, weak=run.weak)


if __name__ == "__main__":
    sys.exit(main())
