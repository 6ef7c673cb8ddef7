"""What a design remembers is seen: lost updates are found, and no order that matters is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptlab.base import pte
from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.explore import Job, explore, search
from ptlab.race.limits import UNLIMITED, Limits
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.scene import Paths, Scene, Variant, one_table
from ptlab.race.scheduler import Scheduler
from ptlab.schemes import ReclaimScheme
from ptlab.state.mm import Mm

TABLE = 4


def look() -> Step:
    return Step(Kind.LOOK, "toy", TABLE)


class Counts(ReclaimScheme):
    """Counts zaps, in one way or another."""

    def __init__(self) -> None:
        self.zaps = [0]


class AtOnce(Counts):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        mm.machine.store.put(self, "zaps", 0, self.zaps[0] + 1)
        yield look()


class LocksTooLate(Counts):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        before = self.zaps[0]
        yield from mm.machine.lock("mine", "my_lock", 0, "spin")
        mm.machine.store.put(self, "zaps", 0, before + 1)
        yield mm.machine.unlock("mine", "my_lock")


class LocksWhatIsItsOwn(Counts):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        yield from mm.machine.lock("mine", "my_lock", mm.machine.task, "spin")
        mm.machine.store.put(self, "zaps", 0, self.zaps[0] + 1)
        yield mm.machine.unlock("mine", "my_lock")


class Locks(Counts):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        yield from mm.machine.lock("mine", "my_lock", 0, "spin")
        mm.machine.store.put(self, "zaps", 0, self.zaps[0] + 1)
        yield mm.machine.unlock("mine", "my_lock")


class Adds(Counts):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        mm.machine.store.add(self, "zaps", 0, 1)
        yield look()


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (AtOnce, "reads self.zaps and writes it without a lock"),
        (
            LocksTooLate,
            "lost update: task B writes self.zaps, which it read before task A wrote it",
        ),
        (LocksWhatIsItsOwn, "writes it without the lock of its other writers"),
        (Locks, None),
        (Adds, None),
    ],
)
def test_a_count_of_ones_own(scheme: type[ReclaimScheme], said: str | None) -> None:
    scene = SCENES["put-locked"]
    result = explore(scene, scene.under(scheme))
    if said is None:
        assert result.result == "exhausted"
    else:
        assert (
            said in result.verdict.sentence
            and f"({scheme.__name__}.zapped, line " in result.sentence
        )


# -- every end that plain search finds --

ELEMENTS = st.integers(0, 1)
OPERATIONS = st.one_of(
    st.tuples(st.just("add"), ELEMENTS, st.integers(1, 3)),
    st.tuples(st.just("copy"), ELEMENTS, ELEMENTS),
    st.tuples(st.just("locked"), ELEMENTS, ELEMENTS),
    st.tuples(st.just("set"), st.sampled_from(["table", "words"]), st.integers(1, 9)),
    st.tuples(st.just("sum"), ELEMENTS, st.just(0)),
    st.tuples(st.just("if"), st.sampled_from(["refcount", "state", "total"]), ELEMENTS),
    st.tuples(st.just("bump"), st.sampled_from(["refcount", "state", "total"]), ELEMENTS),
    st.tuples(st.just("put"), ELEMENTS, st.integers(1, 3)),
    st.tuples(st.sampled_from(["slow", "shared", "try"]), ELEMENTS, ELEMENTS),
    st.tuples(st.sampled_from(["walk", "flush", "wait"]), ELEMENTS, st.just(0)),
)
PROGRAMS = st.one_of(
    st.lists(st.lists(OPERATIONS, min_size=1, max_size=2), min_size=2, max_size=2),
    st.lists(st.lists(OPERATIONS, min_size=1, max_size=1), min_size=3, max_size=3),
)


class Random(ReclaimScheme):
    """Runs a random little program on what it remembers and on what the columns hold."""

    written_atomically = frozenset({"table", "words"})

    def __init__(self) -> None:
        self.table: dict[Any, int] = {0: 0}
        self.words = [0, 0]

    def _act(self, mm: Mm, op: str, a: Any, b: int) -> Path[None]:
        store, mem = mm.machine.store, mm.machine.mem
        if op in ("slow", "shared", "try"):
            yield from self._in_steps(mm, op, a, b)
            return
        if op in ("walk", "flush", "wait"):
            yield from hardware(mm, op, a)
            return
        if op == "add":
            store.add(self, "words", a, b)
        elif op == "copy":
            store.put(self, "words", a, self.words[b] + 1)
        elif op == "locked":
            yield from mm.machine.lock("toy", "my_lock", 0, "spin")
            store.put(self, "words", a, self.words[b] + 1)
            yield mm.machine.unlock("toy", "my_lock")
            return
        elif op == "set":
            store.put(self, a, (1 if a == "words" else b), b)
        elif op == "sum":
            store.put(self, "words", a, sum(self.words) + len(self.table))
        elif op == "if":
            asked = {"refcount": mem.refcount, "state": mem.state, "total": mm.counters}[a]
            seen = int(asked[TABLE])
            yield look()
            store.put(self, "words", b, seen)
        elif op == "put":
            if not store.add(mem, "refcount", TABLE, -b):
                store.put(self, "words", a, 100 + mm.machine.task)  # who was the last
        elif a == "refcount":
            store.add(mem, "refcount", TABLE, 1)
        elif a == "state":
            store.put(mem, "parent", TABLE, mem.parent[TABLE] + b)
            store.put(mem, "state", TABLE, 6)
        else:
            mm.count(TABLE, 1)
        yield look()

    def _in_steps(self, mm: Mm, op: str, a: int, b: int) -> Path[None]:
        """Read, let others run, write: without a lock, with a shared one, or if a trylock succeeds."""
        store = mm.machine.store
        if op == "slow":
            before = self.words[b]
            yield look()
            store.put(self, "words", a, before + 1)
            yield look()
            return
        mode = "read" if op == "shared" else "trylock"
        if not (yield from mm.machine.lock("toy", "my_lock", 0, mode)):
            return
        before = self.words[b]
        yield look()
        if op == "try":
            store.put(self, "words", a, before + 1)
        yield mm.machine.unlock("toy", "my_lock")


def hardware(mm: Mm, op: str, address: int) -> Path[None]:
    """A walk that fills a TLB; a flush of all TLBs; a section with interrupts off, which holds it up."""
    machine = mm.machine
    if op == "walk":
        if not machine.others.translate(machine.task, address, False):
            machine.others.fill(machine.task, address, TABLE, np.array([pte.anon_entry(9, False)]))
        yield look()
    elif op == "flush":
        yield from machine.flush("toy", None, 0)
    else:
        yield from machine.lock("toy", "interrupts", 0, "read")
        yield machine.unlock("toy", "interrupts")


def program(process: Process, ops: list[Any]) -> Path[None]:
    for op in ops:
        yield from process.scheme._act(process.mm, *op)  # type: ignore[attr-defined]


def end(scheduler: Scheduler) -> Any:
    """What is left when all tasks have run; or what broke."""
    if scheduler.verdict is not None:
        return type(scheduler.verdict.broken[0])
    scheme, mem = scheduler.machine.scheme, scheduler.machine.mem
    tlbs = [sorted(tlb) for tlb in scheduler.sanitizer.tlb]
    columns = [getattr(column, "raw", column) for column in (mem.refcount, mem.state, mem.parent)]
    return (
        tuple(scheme.words),
        tuple(sorted(scheme.table.items())),
        tuple(int(column[TABLE]) for column in columns),
        str(tlbs),
    )


def ends(programs: list[list[Any]], reduce: bool) -> tuple[set[Any], bool]:
    """How the schedules end that the search runs, and whether these are all; it stops after 150."""
    started: list[Scheduler] = []

    class Remembering(Scene):
        def start(self, variant: Any = "broken", record: bool = False) -> Scheduler:
            started.append(super().start(variant, record))
            return started[-1]

    def prepare(process: Process) -> Paths:
        one_table(process, 0)
        process.machine.store.put(process.machine.mem, "refcount", TABLE, 4)
        return {f"program {n}": program(process, ops) for n, ops in enumerate(programs)}

    plain = Variant(Random)
    toy, limits = Remembering("toy", "", "", prepare, plain, plain), Limits(most=150)
    found = search(toy, plain, Job("", {}), UNLIMITED if reduce else limits, reduce)
    over = [s for s in started if s.verdict or all(task.done for task in s.tasks)]
    return {end(s) for s in over}, not found.cut


@settings(max_examples=25)
@example([[("if", "state", 0)], [("bump", "state", 1)]])
@example([[("if", "total", 0)], [("bump", "total", 1)]])
@example([[("if", "refcount", 0)], [("bump", "refcount", 1)]])
@example([[("walk", 0, 0)], [("flush", 0, 0)]])
@example([[("if", "refcount", 0)], [("put", 0, 1)]])
@example([[("put", 0, 2)], [("put", 0, 1)], [("put", 1, 1)]])
@example([[("put", 0, 1), ("put", 0, 1)], [("put", 1, 1), ("put", 1, 1)]])
@given(PROGRAMS)
def test_on_random_schemes_the_reduction_ends_as_plain_search_does(programs: Any) -> None:
    reduced, (plain, whole) = ends(programs, reduce=True)[0], ends(programs, reduce=False)
    assert reduced >= plain
    if whole:
        assert reduced == plain
