"""What a task has read in this segment without a lock, and then writes: it may be true no more.

From one yield to the next a task runs undisturbed here; on a real CPU it does not. So each access to
shared state should be a segment of its own, unless something makes several of them atomic: a lock is
held around them, or one atomic operation makes them, or nobody else can reach what is read. This is
looked at when something is written, in any schedule, with one task too.

Simplified: a walk down the tree, which only reads, may be one segment. Interrupts off and an RCU
section keep a table from being freed; no entry stays as it is for their sake.

Source: tools/memory-model/Documentation/access-marking.txt (6.12); include/linux/mm.h and
mm/pgtable-generic.c for what protects an entry: docs/own_scene.md has the table.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.race.broken_rule import BrokenRule, Page, StaleRead
from ptlab.race.held_locks import HeldLocks
from ptlab.race.whose_line import line_of
from ptlab.state.machine import Machine
from ptlab.state.memmap import State

ENTRIES, STATE, COUNT = "the entries", "the state", "the count"
_REACHABLE = (State.LIVE, State.UNHOOKED, State.RCU)
_WALKS_UNDER = ("mmap_lock", "vma_lock", "i_mmap_rwsem")


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine
    broken: list[BrokenRule]
    away: bool
    judging: bool
    running: str
    visits: set[tuple[int, int]]


class Read(NamedTuple):
    """What was read of a table: if entries, which; and the locks that were held."""

    what: str
    table: int
    columns: Any
    held: tuple[Lock, ...]

    def of(self, page: Page) -> str:
        """'entry 3 of PTE page 7'."""
        if self.what != ENTRIES:
            return f"{self.what} of {page}"
        return (
            f"{ENTRIES if isinstance(self.columns, slice) else f'entry {self.columns}'} of {page}"
        )


class StaleReads:
    """Looks at each write for what its segment has read before."""

    def __init__(self, notes: Notes) -> None:
        self.notes, self.machine = notes, notes.machine
        self.locks, self.mem = HeldLocks(notes.machine), notes.machine.mem
        self._reads: list[Read] = []

    def read(self, what: str, table: int, columns: Any = None) -> None:
        """The running task reads entries of a table, its state, or its reference count."""
        notes, machine = self.notes, self.machine
        if not notes.away and not notes.judging:
            self._reads.append(Read(what, table, columns, machine.held[machine.task]))

    def new_segment(self) -> None:
        """What was read before this segment is old, and a schedule shows what comes of it."""
        self._reads.clear()

    def mark(self) -> int:
        """An atomic operation begins."""
        return len(self._reads)

    def forget(self, mark: int) -> None:
        """What it has read since `mark` it writes at once."""
        del self._reads[mark:]

    def gets(self, table: int) -> None:
        """A reference to `table` is got. With a look at its count this is one cmpxchg()."""
        self._reads = [read for read in self._reads if (read.what, read.table) != (COUNT, table)]
        self.writes("gets a reference to", table)

    def writes(self, does: str, table: int | None = None) -> None:
        """The running task writes, to `table` or to what its design remembers."""
        if self.notes.judging or not self._reads:
            return
        reads, self._reads = self._reads, []
        away, self.notes.away = self.notes.away, True
        for read in reads:
            missing = self._missing(read)
            if missing is not None:
                self._report(read, does, table, missing)
                break
        else:
            self._reads = reads
        self.notes.away, self.locks.only = away, None

    def _report(self, read: Read, does: str, table: int | None, missing: Lock) -> None:
        mem, where = self.mem, line_of(self.machine.scheme)
        if table is not None:
            does = f"{does} {Page.of(mem, table)}"
        of = read.of(Page.of(mem, read.table))
        lock = self.locks.name(missing)
        self.notes.broken.append(StaleRead(self.notes.running, of, does, lock, where))

    def _missing(self, read: Read) -> Lock | None:
        """The lock that should be held around both; None if something keeps what was read."""
        table, locks = read.table, self.locks
        state = State(self.mem.state.item(table))
        number = self.mem.mm.item(table)
        if state not in _REACHABLE or all(mm.id != number for mm in self.machine.mms):
            return None
        now = self.machine.held[self.machine.task]
        locks.only = tuple(lock for lock in read.held if lock in now)
        level = Level(self.mem.level.item(table))
        if read.what == ENTRIES:
            kept = self._entry_kept(table, level, read.columns)
        else:
            kept = self._page_kept(table, level)
        return None if kept or locks.has_own_lock(table) else locks.lock_of(table, level)

    def _page_kept(self, table: int, level: Level) -> bool:
        """Whether a table stays as it is: its own lock is held, or its parent's, or nobody is near."""
        locks, parent = self.locks, self.mem.parent.item(table)
        return (
            level is Level.PGD
            or locks.locked(table, level)
            or locks.locked(parent, Level(self.mem.level.item(parent)))
            or locks.nobody_below(parent, self.mem.slot.item(table))
        )

    def _entry_kept(self, table: int, level: Level, columns: Any) -> bool:
        locks = self.locks
        if locks.locked(table, level):
            return True
        if level is Level.PTE:
            return locks.nobody_below(self.mem.parent.item(table), self.mem.slot.item(table))
        if level is not Level.PMD and any(lock.name in _WALKS_UNDER for lock in locks.held):
            return True
        if isinstance(columns, slice):
            return False
        return self._points_to_kept(table, columns) or locks.nobody_below(table, columns)

    def _points_to_kept(self, table: int, column: int) -> bool:
        """Who takes a table out of the tree needs its own lock, and waits for its visitors."""
        below = int(self.mem.at(table, column))
        visits = self.machine.scheme.counts_references
        return bool(below) and (
            self.locks.ptl(below) or (visits and (self.machine.task, below) in self.notes.visits)
        )
