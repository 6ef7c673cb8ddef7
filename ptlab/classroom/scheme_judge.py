"""The judge of a student's scheme: programs, with a check after each operation, then races.

A student's scheme comes from sandbox.scheme: no line of it runs in this process. `measured` gives the
numbers of one program under a design of the debate, from which limits are made.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import NamedTuple

from ptlab.base.errors import Corruption
from ptlab.classroom import seeds
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.scheme_places import lost
from ptlab.costs.meter import Meter
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.scenes import find
from ptlab.scenario import parse, play
from ptlab.schemes import ReclaimScheme, scheme_class

KERNEL = "6.18"

MOST = 1000
"""Schedules that are run of one race; the right answers need fewer than 100."""


class Run(NamedTuple):
    """What one program needed under one scheme, `Process.background()` at its end included.

    now_kb  VmPTE before `background`, end_kb after it
    writes  how often mmap_lock was taken for write, by mmap and munmap too
    broken  what broke, and at which operation; "" if nothing did
    """

    now_kb: int
    end_kb: int
    built: int
    freed: int
    scanned: int
    writes: int
    broken: str = ""


class Trial(NamedTuple):
    """What became of a scheme."""

    runs: tuple[Run, ...] = ()
    races: tuple[tuple[str, str, str], ...] = ()
    """Those that it lost: scene, schedule, what breaks."""
    untried: tuple[str, ...] = ()
    """Scenes in which what they put to the test happened in no schedule."""
    in_place: tuple[str, ...] = ()
    """How it lost races in the place to which a program had come."""


def trial(
    scheme: type[ReclaimScheme], programs: Sequence[str], scenes: Sequence[str], later: bool
) -> Trial:
    """Run a class through the student's own program, through `scenes`, and then through the others.

    later  it frees in the background, so that this is what races

    The others are secret at grading, and the class that has seen them could tell of them in what it
    raises. So they come last, and from there on its words are left out.
    """
    own, *further = programs
    first = run(scheme, own)
    if first.broken:
        return Trial((first,))
    races, untried = _raced(scheme, scenes)
    runs, in_place = [first], [lost(scheme, own, later, Random(own), _PLACES[0])]
    for text in further:
        rng = Random(text)
        with _without_words():
            race = partial(lost, scheme, text, later, rng, _PLACES[1])
            # Nor may it know which of the two it is in.
            how = race() if (early := rng.random() < 0.5) else ""
            found = run(scheme, text)
            how = how if early else race()
        secret = found.broken and seeds.grading()
        runs.append(found._replace(broken=_SECRET) if secret else found)
        in_place.append(_SECRET if how and seeds.grading() else how)
    return Trial(tuple(runs), tuple(races), tuple(untried), tuple(filter(None, in_place)))


_PLACES = 99, 6
"""In how many places of the student's own program it races, and of each other one."""
_SECRET = "it goes wrong in a further program, which is secret"


@contextmanager
def _without_words() -> Iterator[None]:
    try:
        yield
    except (Stopped, GraderFault, MemoryError, OSError):
        raise  # in the judge's own words
    except Exception:
        if seeds.grading():
            raise Stopped(_SECRET) from None
        raise


def _raced(
    scheme: type[ReclaimScheme], scenes: Sequence[str]
) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The scenes that it loses, and those that put nothing to the test."""
    lost, untried = list[tuple[str, str, str]](), list[str]()
    for name in scenes:
        scene = find(name)
        found = explore(scene, scene.under(scheme), most=MOST)
        if found.verdict is not None:
            lost.append((name, str(found.shortest), found.verdict.sentence))
        elif found.result == "bounded":
            lost.append((name, "", f"more than {MOST} schedules, so that not all were tried"))
        elif found.untried:
            untried.append(name)
    return lost, untried


def run(scheme: type[ReclaimScheme], text: str, checked: bool = True) -> Run:
    """Play a program in the scenario language; if `checked`, look at everything after each operation."""
    process = Process(scheme, KERNEL, grain="table", record=False)
    meter, broken, doing = Meter(process), "", "the beginning"
    now_kb = 0
    try:
        for row in play(process, parse(text)[0]):
            doing = str(row["op"])
            if checked:
                process.check()
        now_kb, doing = process.counters.vmpte_kb, "background"
        process.background()
        process.check()
    except Corruption as corruption:
        broken = f"{corruption}, after {doing}"
    costs = meter.finish()
    return Run(
        now_kb,
        process.counters.vmpte_kb,
        costs.tables_allocated,
        costs.tables_freed,
        costs.scanned,
        costs.locks["mmap_lock write"],
        broken,
    )


@functools.cache
def measured(design: str, text: str) -> Run:
    """What a design of the debate needs for a program."""
    return run(scheme_class(design), text, checked=False)
