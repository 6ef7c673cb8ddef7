"""The rules that are checked after each segment, a few lines for each.

The sanitizer notices accesses to freed pages and stale TLB entries where they happen. The scheduler
notices a deadlock or starvation.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from ptlab.base.facts import Lock, Moved, Unhooked
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Step
from ptlab.draw.names import the_lock
from ptlab.race.broken_locks import BreaksLockOrder, ClosesCycle, HoldsIt, OtherWayRound
from ptlab.race.broken_rule import (
    BrokenRule,
    ChangesUnhooked,
    CountLeft,
    LockLeft,
    Overwrites,
    Page,
    StateIsWrong,
    TwoInOneSlot,
    UnhooksAgain,
    UnhooksEntries,
    VisitorsLeft,
)
from ptlab.race.lock_graph import Link, LockGraph, functions
from ptlab.race.task import Task
from ptlab.state.broken_state import BrokenState, BrokenStates, Rule
from ptlab.state.invariants import check, leaked, of_design
from ptlab.state.machine import SHARED
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import Mm

LOCK_ORDER = (
    "i_rwsem",
    "mmap_lock",
    "vma_lock",
    "folio_lock",
    "i_mmap_rwsem",
    "page_table_lock",
    "pmd_lock",
    "ptl",
)
"""A task that holds a lock may wait only for the locks behind it in this list.

Source: the comments at the top of mm/rmap.c and mm/filemap.c, and pmd_lock before the PTE lock as
spin_lock_nested() in mm/pt_reclaim.c says (Linux 6.12, 6.14).
"""


_NEW, _LIVE = int(State.NEW), int(State.LIVE)  # numpy is slow with members of an IntEnum
_HARMLESS = (Kind.WAIT, Kind.LOCK, Kind.UNLOCK, Kind.LOOK, Kind.HIT, Kind.FLUSH)
"""Steps that change no table."""


class Checker:
    """Looks at the state after each segment; remembers the state before it and all lock orders."""

    def __init__(self, mm: Mm, lock_order: bool = True) -> None:
        self.mm, self.mem, self.lock_order = mm, mm.machine.mem, lock_order
        scheme = mm.machine.scheme
        self._counts = scheme.counts_references and scheme.stays_empty == "count"
        self.locks = LockGraph()
        """Which locks were taken while others were held, and by whom first."""
        self._unhooked: dict[int, tuple[str, int]] = {}
        """By table: the task that has unhooked it, and in which step."""
        self.look()

    def after(self, task: Task, step: Step | None, schedule: str) -> list[BrokenRule]:
        """What `step` of `task`, the last of `schedule`, broke."""
        broken: list[BrokenRule] = []
        if step is not None:
            broken = list(self._step(task.letter, step, len(schedule)))
            self.remember(task, step, schedule)
            if step.kind in _HARMLESS:
                return broken
        broken += map(StateIsWrong, of_design(self.mm))
        self.look()
        return broken

    def remember(self, task: Task, step: Step | None, schedule: str) -> None:
        """Keep what later segments are checked against: lock orders, and when tables were unhooked."""
        if step is None:
            return
        now = len(schedule)
        if step.kind is Kind.WAIT:
            assert isinstance(step.fact, Lock)
            then = step.fact.name
            for first, *_ in self._held(task.letter):
                if first == then or "interrupts" in (first, then):
                    continue
                if (first, then) not in self.locks.links:
                    way = functions(task.path)
                    link = Link(first, then, task.letter, now, task.doing, way, schedule)
                    self.locks.add([link])
        elif step.kind is Kind.UNHOOK and isinstance(step.tables, int):
            self._unhooked[step.tables] = task.letter, now

    def look(self) -> None:
        """The state that the next segment is compared with."""
        self._entries, self._states = _raw(self.mem.nonnone), _raw(self.mem.state)

    def _step(self, task: str, step: Step, now: int) -> Iterator[BrokenRule]:
        if step.kind is Kind.WAIT:
            assert isinstance(step.fact, Lock)
            if any(_excludes(held, step.fact) for held in self._held(task)):
                yield HoldsIt(task, the_lock(self.mem, step.fact))
            elif self.lock_order:
                yield from self._order(task, step.fact.name)
        if not isinstance(step.tables, int):
            return
        table, page = step.tables, Page.of(self.mem, step.tables)
        if step.kind in (Kind.SET, Kind.CLEAR, Kind.CHANGE):
            who, when = self._unhooked.get(table, ("", now))
            if self._states[table] not in (_NEW, _LIVE) and who != task:
                how = "clears an entry of" if step.kind is Kind.CLEAR else "writes into"
                yield ChangesUnhooked(task, how, page, now - when)
            elif (
                step.kind is Kind.SET
                and _raw(self.mem.nonnone)[table] - self._entries[table] < step.n
            ):
                yield Overwrites(task, page)
        elif step.kind is Kind.MOVE:
            yield from self._move(task, step, table, page, now)
        elif step.kind is Kind.UNHOOK:
            left = int(_raw(self.mem.nonnone)[table])  # of the zero page a design may clear them
            if self._states[table] != _LIVE:
                yield UnhooksAgain(task, page)
            elif left and self.mem.level[table] == Level.PTE and step.fact != Unhooked(True):
                yield UnhooksEntries(task, page, left)
        elif step.kind is Kind.INSTALL:
            yield from self._two_in_one_slot(task, table)

    def _move(
        self, task: str, step: Step, table: int, page: Page, now: int
    ) -> Iterator[BrokenRule]:
        """mremap moves a table, or a huge page, to a place where nothing may be."""
        assert isinstance(step.fact, Moved)
        if self._states[table] != _LIVE:
            ago = now - self._unhooked.get(table, ("", now))[1]
            yield ChangesUnhooked(task, "moves", page, ago)
            return
        (old, _), (new, _) = step.fact.old, step.fact.new
        if _raw(self.mem.nonnone)[new] - self._entries[new] < (old != new):
            yield Overwrites(task, Page.of(self.mem, new))

    def _two_in_one_slot(self, task: str, table: int) -> Iterator[BrokenRule]:
        for other in self._in_same_slot(table):
            parent, slot = Page.of(self.mem, self.mem.parent[table]), int(self.mem.slot[table])
            yield TwoInOneSlot(
                task, Page.of(self.mem, table), parent, slot, Page.of(self.mem, other)
            )

    def _in_same_slot(self, table: int) -> list[int]:
        """Other tables at the slot of `table`: the slot points to one table, the others are lost."""
        mem = self.mem
        live = mem.live()
        same: list[int] = live[
            (mem.parent[live] == mem.parent[table])
            & (mem.slot[live] == mem.slot[table])
            & (live != table)
            & (live != self.mm.pgd)
        ].tolist()
        return same

    def _held(self, task: str) -> tuple[Lock, ...]:
        return self.mm.machine.held[ord(task) - ord("A")]

    def _order(self, task: str, name: str) -> Iterator[BrokenRule]:
        """The locks that a task holds must come before the one that it may wait for."""
        for held, *_ in self._held(task):
            if held == name or "interrupts" in (held, name):
                continue
            if {held, name} <= set(LOCK_ORDER) and LOCK_ORDER.index(held) > LOCK_ORDER.index(name):
                yield BreaksLockOrder(task, name, held)
            elif links := self.locks.way(name, held):
                if len(links) == 1:
                    yield OtherWayRound(task, name, held, links[0].task, links[0].step)
                else:
                    yield ClosesCycle(task, name, held, links)

    def at_rest(self) -> Iterator[BrokenRule]:
        """All tasks are done and all grace periods over: nothing may be left behind.

        What a design has put off, its background work does first: time passes.
        """
        mem, machine = self.mem, self.mm.machine
        if leaked(mem):
            for _ in islice(machine.scheme.background(self.mm), _LATE_STEPS):
                pass
            for _ in machine.rcu_do_batch():
                pass
        yield from map(StateIsWrong, leaked(mem))
        live = mem.live()
        for table in live[(mem.visitors[live] != 0) | (mem.refcount[live] != 0)].tolist():
            if mem.visitors[table]:
                yield VisitorsLeft(Page.of(mem, table), int(mem.visitors[table]))
            elif self._counts and mem.level[table] == Level.PTE and _only_counted(mem, table):
                yield CountLeft(Page.of(mem, table), int(mem.refcount[table]))
        for held in self.mm.machine.held:
            yield from (LockLeft(lock.name) for lock in held)
        for mm in {self.mm, *machine.mms}:
            try:
                check(mm)
            except BrokenStates as found:
                yield from map(StateIsWrong, found.broken)
            except IndexError:
                yield StateIsWrong(BrokenState(Rule.POINTS_TO_TABLE))


_LATE_STEPS = 1000
"""So many steps, at most, the background work takes at the end."""


def _only_counted(mem: MemMap, table: int) -> bool:
    return bool(mem.refcount[table]) and not mem.nonnone[table]


def _excludes(held: Lock, wanted: Lock) -> bool:
    """Whether one who holds `held` would wait for himself."""
    same = (held.name, held.of) == (wanted.name, wanted.of)
    return same and not (held.mode == wanted.mode and wanted.mode in SHARED)


def _raw(column: Any) -> np.ndarray:
    """A copy of a column, which may be watched."""
    raw: np.ndarray = np.array(getattr(column, "raw", column))
    return raw
