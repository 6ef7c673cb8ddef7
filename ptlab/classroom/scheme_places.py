"""Races in the place to which a program has come.

The scenes of ptlab.race are small, so that a class could tell them from a program, and be careful in
them alone. These begin with a program, up to one of its calls, and something else runs beside that
call. One schedule of each is drawn: most of what is wrong breaks a rule in any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from ptlab.base.steps import Path
from ptlab.paths.gup import gup_fast
from ptlab.paths.mmap import do_munmap
from ptlab.process.process import Process
from ptlab.race.scenes.scene import TABLE, Paths, Scene, Variant, dontneed, write
from ptlab.race.scheduler import Scheduler
from ptlab.scenario import parse, play
from ptlab.scenario.operation import Operation
from ptlab.scenario.operations.memory import Madvise
from ptlab.schemes import ReclaimScheme, UnmapOnly

BESIDE_A_ZAP = ("write", "GUP-fast", "DONTNEED")
BESIDE_A_SCAN = ("write", "GUP-fast", "munmap")
"""What runs beside the call, or beside the call and the background work that follows it."""

_LATEST = 40
"""After how many segments of the call, at most, the other task has its turn."""


def lost(scheme: type[ReclaimScheme], text: str, later: bool, rng: Random, most: int) -> str:
    """How `scheme` loses a race beside one of `most` calls in `text`; "" if it loses none.

    later  the design's background work follows the call
    """
    calls = [k for k, op in enumerate(parse(text)[0].ops) if isinstance(op, Madvise)]
    for number in rng.sample(calls, min(most, len(calls))):
        scene = place(text, number, rng.choice(BESIDE_A_SCAN if later else BESIDE_A_ZAP), later)
        scheduler = scene.start(Variant(scheme))
        _play(scheduler, rng.randrange(1, _LATEST))
        if scheduler.verdict is not None:
            return f"{scene.title}: {scheduler.verdict}"
    return ""


def _play(scheduler: Scheduler, turn: int) -> None:
    """Task A has `turn` segments; then B goes on as long as it can, and whoever can after it."""
    while scheduler.verdict is None and (able := scheduler.enabled()):
        wanted = "A" if len(scheduler.schedule) < turn else "B"
        scheduler.go(wanted if wanted in able else able[0])


def place(text: str, number: int, beside: str, later: bool) -> Scene:
    """The program in `text` up to operation `number`, and then that call and what is beside it."""
    lines, call = text.splitlines(), parse(text)[0].ops[number]
    prepare = partial(_prepare, "\n".join(lines[:number]), call, beside, later)
    title = f"{beside} beside {call.text!r} in line {number + 1}"
    return Scene("in-place", title, "nothing", prepare, Variant(UnmapOnly), Variant(UnmapOnly))


def _prepare(before: str, call: Operation, beside: str, later: bool, process: Process) -> Paths:
    mm, background = process.mm, process.scheme.background
    assert isinstance(call, Madvise)
    for _ in play(process, parse(before)[0]):
        pass
    table = call.addr // TABLE * TABLE
    page = table if table < call.addr else table + call.length % TABLE
    zap = dontneed(process, call.addr, call.length)
    others: dict[str, Callable[[], Path[Any]]] = {
        "write": lambda: write(process, page),
        "GUP-fast": lambda: gup_fast(mm, page),
        "DONTNEED": lambda: dontneed(process, table, TABLE),
        "munmap": lambda: do_munmap(mm, table, TABLE),
    }
    first = _one_after_the_other(zap, background(mm)) if later else zap
    return {call.text: first, f"{beside} beside it": others[beside]()}


def _one_after_the_other(*paths: Path[Any]) -> Path[None]:
    for path in paths:
        yield from path
