"""Toy tasks: single accesses, locks, RCU sections and freed tables, to try the explorer on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.scenes.scene import Paths, Scene, Variant
from ptlab.race.scheduler import Scheduler
from ptlab.schemes import UnmapOnly
from ptlab.state.memmap import State

PLAIN = Variant(UnmapOnly)


@dataclass(frozen=True)
class Remembering(Scene):
    """A scene that keeps every scheduler it has started, to look at how each ended."""

    started: list[Scheduler] = field(default_factory=list)

    def start(self, variant: Variant | str = "broken", record: bool = False) -> Scheduler:
        self.started.append(super().start(variant, record))
        return self.started[-1]

    def ends(self) -> set[tuple[Any, ...]]:
        """Each end that was reached: the words of the table; or the kinds of broken rules.

        What other tasks had done when a rule was broken makes no difference.
        """
        done = (s for s in self.started if s.verdict or not s.enabled())
        return {tuple(kinds(s) or words(s)) for s in done}


def kinds(scheduler: Scheduler) -> list[str]:
    """What kinds of rules are broken."""
    verdict = scheduler.verdict
    return sorted(type(rule).__name__ for rule in verdict.broken) if verdict else []


def words(scheduler: Scheduler) -> list[int]:
    """The first words of the table that the toy tasks write."""
    table = len(scheduler.machine.mem) - 1
    return [scheduler.machine.mem.entries.word(table, i) for i in range(3)]


def toy(process: Process, table: int, ops: list[tuple[Any, ...]]) -> Path[None]:
    """A task of single accesses and locks."""
    machine, mem = process.machine, process.machine.mem
    for op, *args in ops:
        if op == "set":
            mem.write(table, args[0], args[1])
        elif op == "copy":
            mem.write(table, args[1], mem.entries.word(table, args[0]) + 1)
        elif op == "lock":
            yield from machine.lock("toy", args[0], 0, args[1])
            continue
        elif op == "unlock":
            yield machine.unlock("toy", args[0])
            continue
        elif op == "try":
            if not (yield from machine.lock("toy", args[0], 0, "trylock")):
                mem.write(table, 2, 77)
                yield Step(Kind.LOOK, "toy", table)
                continue
            yield machine.unlock("toy", args[0])
            continue
        elif op == "walk":
            yield from walk(process, table)
            continue
        elif op == "free" and mem.entries.word(table, 0):
            if args[0] != "too early":
                mem.write(table, 0, 0)
            yield (
                machine.free("toy", table - 1)
                if args[0] == "at once"
                else machine.call_rcu(table - 1)
            )
            if args[0] != "too early":
                continue
            mem.write(table, 0, 0)
        yield Step(Kind.LOOK, "toy", table)


def walk(process: Process, table: int) -> Path[None]:
    """Find a table by word 0 of another one, and use it, in an RCU section."""
    machine, mem = process.machine, process.machine.mem
    machine.others.rcu_read_lock(machine.task)
    yield Step(Kind.LOOK, "walk", table)
    found = mem.entries.word(table, 0)
    yield Step(Kind.LOOK, "walk", table)
    if found:
        mem.write(table, 1, mem.entries.word(table - 1, 1) + 60)
        yield Step(Kind.LOOK, "walk", table)
    machine.others.rcu_read_unlock(machine.task)
    yield Step(Kind.LOOK, "walk", table)


def prepare(programs: list[list[tuple[Any, ...]]], process: Process) -> Paths:
    mem, store = process.machine.mem, process.machine.store
    for _ in range(2):
        table = int(mem.alloc(99, Level.PTE))
        store.put(mem, "state", table, int(State.DEPOSITED))
    mem.write(table, 0, 7)
    return {f"program {n}": toy(process, table, ops) for n, ops in enumerate(programs)}


def scene(programs: list[list[tuple[Any, ...]]]) -> Remembering:
    return Remembering("toy", "toy", "", partial(prepare, programs), PLAIN, PLAIN)
