"""Whether a write is made under the locks that protect it: lockdep and KCSAN in spirit.

The table of rules is in `race/lock_table.py`. Each write is looked at when it is made, so a missing
lock is found in any schedule, with one task too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, Protocol

import numpy as np

from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.base.precautions import Precaution
from ptlab.race.broken_rule import BrokenRule, FreesAgain, Page, Unprotected
from ptlab.race.counts import Counts
from ptlab.race.harmless import is_note, only_marked
from ptlab.race.held_locks import HeldLocks
from ptlab.race.lock_table import (
    FLUSHED,
    GRACE_PERIOD,
    IN_FILE,
    PMD_ENTRY,
    PTE_ENTRY,
    REACHED,
    UNHOOKED,
    UPPER_ENTRY,
    VMA_LOCKED,
    VMAS,
    Rule,
)
from ptlab.race.lost_pages import LostPages
from ptlab.race.stale_reads import StaleReads
from ptlab.race.store_buffer import StoreBuffer
from ptlab.race.whose_line import line_of
from ptlab.state.machine import Machine
from ptlab.state.memmap import State
from ptlab.state.mm import Mm
from ptlab.state.vma import Vma, Vmas

_ENTRY_OF = {Level.PTE: PTE_ENTRY, Level.PMD: PMD_ENTRY}
_IN_TREE, _UNHOOKED = int(State.LIVE), int(State.UNHOOKED)  # an IntEnum is slow
_RCU, _FREED = int(State.RCU), int(State.FREED)
_PGD = int(Level.PGD)
_SEEN = (_IN_TREE, _UNHOOKED, _RCU)
_DOES = {_UNHOOKED: "unhooks", _RCU: "hands to RCU", _FREED: "frees"}


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine
    broken: list[BrokenRule]
    away: bool
    running: str
    now: int
    buffer: StoreBuffer | None
    stale: StaleReads

    def count(self, table: int, access: int) -> None:
        """The running task uses a reference count."""


def _place(vma: Vma) -> tuple[Any, ...]:
    """What the tree of intervals of a file knows of a VMA."""
    return vma.file, vma.start, vma.end, vma.pgoff


def _unseen(judge: Callable[..., None]) -> Callable[..., None]:
    """What a judge reads is in nobody's footprint."""

    @wraps(judge)
    def unseen(self: Protection, *args: Any, **named: Any) -> None:
        away, self.notes.away = self.notes.away, True
        judge(self, *args, **named)
        self.notes.away = away

    return unseen


class Unhook(NamedTuple):
    """How a table was unhooked: by which task, after how many of its flushes, alone in its mm?"""

    task: int
    flushes: int
    alone: bool


class Protection:
    """Looks at each write of the running task; what it finds goes into `broken`."""

    def __init__(self, notes: Notes, tasks: int) -> None:
        self.notes, machine = notes, notes.machine
        self.machine, self.mem, self.broken = machine, machine.mem, notes.broken
        self.grace_period = False
        """Whether who frees a table now says that it has waited for a grace period."""
        self.pages = LostPages()
        self._flushes = [0] * tasks
        self._unhooked: dict[int, Unhook] = {}
        self.counts = Counts(notes, self._report)
        self.locks = HeldLocks(machine)

    # -- what is told of --

    def flushed(self) -> None:
        """The running task has flushed the TLBs."""
        self._flushes[self.machine.task] += 1

    @_unseen
    def counted(self, table: int, value: int, plainly: bool) -> None:
        """A reference count is written: with one atomic operation, or `plainly`."""
        self.counts.written(table, value, self.locks.ptl(table) if plainly else None)

    @_unseen
    def entries(self, table: int, columns: Any, old: Any, new: Any) -> None:
        """Entries of `table` are written that were `old`."""
        self.pages.written(table, old, new)
        if self.mem.state.item(table) != _IN_TREE:
            return
        marks = self.mem.by_mmu and only_marked(old, new)
        level = Level(self.mem.level.item(table))
        if self.locks.locked(table, level):
            self._in_own_lock(table)
        elif not (
            marks
            or self.locks.has_own_lock(table)
            or self._cleared(table, columns, new)
            or self._lets_go(level, new)
        ):
            rule = _ENTRY_OF.get(level, UPPER_ENTRY)
            does = f"writes into {Page.of(self.mem, table)}"
            self._report(does, self.locks.name(self.locks.lock_of(table, level)), rule)
        if not marks:
            self.notes.stale.writes("writes into", table)

    @_unseen
    def state(self, table: int, now: int) -> None:
        """A table goes from one state to another."""
        was = self.mem.state.item(table)
        if now == _UNHOOKED and was == _IN_TREE:
            self._stays_empty(table)
            self._reached(table)
            task, alone = self.machine.task, self.locks.holds("mmap_lock", self.locks.mm(table).id)
            self._unhooked[table] = Unhook(task, self._flushes[task], alone)
        elif now in (_RCU, _FREED) and self.mem.level.item(table) != _PGD:
            self._goes(table, was, at_once=now == _FREED)
        if was in _SEEN:
            self.notes.stale.writes(_DOES.get(now, "changes the state of"), table)

    @_unseen
    def vmas(self, mm: Mm, new: Vmas) -> None:
        """The VMAs of `mm` are replaced by `new`."""
        old = mm.vmas
        changed = [vma for vma in (*old, *new) if (vma in old) != (vma in new)]
        if not changed:
            return
        self._in_file(old, new)
        if is_note(changed):
            locks = [Lock("mmap_lock", mm.id, "read")]
            if changed[0].flags != changed[1].flags:  # VM_MAYBE_GUARD
                locks.append(Lock("vma_lock", changed[0].start, "read"))
            if not any(self.locks.holds(lock.name, lock.of, any_mode=True) for lock in locks):
                missing = " or ".join(self.locks.name(lock) for lock in locks)
                self._report(f"changes {changed[0]}", missing, VMAS)
        elif not self.locks.holds("mmap_lock", mm.id):
            lacks = self.machine.others.lacks
            if not lacks(Precaution.MMAP_WRITE) and not lacks(Precaution.EXIT_ALONE):
                self._report(f"changes {changed[0]}", "mmap_lock for write", VMAS)
        elif (
            self.machine.profile.vma_lock_fault
            and new
            and not self.machine.others.lacks(Precaution.NEW_VMA_LOCKED)
        ):
            for vma in changed:
                if not self.locks.holds("vma_lock", vma.start):
                    lock = self.locks.name(Lock("vma_lock", vma.start, "write"))
                    self._report(f"changes {vma}", lock, VMA_LOCKED)
                    return

    def _in_file(self, old: Vmas, new: Vmas) -> None:
        """Whoever comes by a file finds its VMAs in a tree of intervals, which has a lock of its own."""
        lie = {_place(vma) for vma in old}
        for vma in new:
            file = vma.file
            if (
                file
                and _place(vma) not in lie
                and not self.locks.holds("i_mmap_rwsem", file.number)
            ):
                self._report(f"changes {vma}", "i_mmap_rwsem for write", IN_FILE)
                return

    # -- what is asked --

    def _report(self, does: str, missing: str, rule: Rule) -> None:
        why = f"{rule.written} needs {rule.needs}"
        where = line_of(self.machine.scheme)
        self.broken.append(Unprotected(self.notes.running, does, missing, why, where))

    def _in_own_lock(self, table: int) -> None:
        """Others rely on it that whoever changes an entry holds the design's own lock."""
        own, number = self.locks.own_lock(), self.mem.mm.item(table)
        if own and not (
            self.locks.holds(own, number, any_mode=True) or self.locks.holds("mmap_lock", number)
        ):
            self._report(f"writes into {Page.of(self.mem, table)}", own, UNHOOKED)

    def _cleared(self, table: int, columns: Any, new: Any) -> bool:
        """free_pgtables(): an entry of an upper table is cleared below which no VMA is left."""
        if self.mem.level[table] == Level.PTE or np.any(new) or not isinstance(columns, int):
            return False
        mm = self.locks.mm(table)
        nobody = not any(self.locks.there(mm, *self.locks.span(table, columns)))
        return nobody and self.locks.holds("mmap_lock", mm.id, any_mode=True)

    def _lets_go(self, level: Level, new: Any) -> bool:
        """huge_pmd_unshare(): the PUD entry of a shared PMD page is cleared under its file's lock."""
        held = self.machine.held[self.machine.task]
        by_file = any(lock.name == "i_mmap_rwsem" and lock.mode == "write" for lock in held)
        return level is Level.PUD and not np.any(new) and by_file

    def _stays_empty(self, table: int) -> None:
        level, parent = Level(self.mem.level.item(table)), self.mem.parent.item(table)
        page = Page.of(self.mem, table)
        if self.locks.locked(table, level) or self.locks.has_own_lock(table):
            return
        if self.machine.scheme.stays_empty == "count":
            self._at_zero(table, level, page)
        elif not self.locks.nobody_below(parent, self.mem.slot.item(table)):
            self._report(
                f"unhooks {page}", self.locks.name(self.locks.lock_of(table, level)), UNHOOKED
            )

    def _reached(self, table: int) -> None:
        """Without one of these locks the tables above may go while a task walks down."""
        names = "vma_lock", "i_mmap_rwsem"
        held = self.machine.held[self.machine.task]
        mm = self.mem.mm.item(table)
        if not self.locks.holds("mmap_lock", mm, any_mode=True) and not any(
            lock.name in names for lock in held
        ):
            page = Page.of(self.mem, table)
            self._report(f"unhooks {page}", "mmap_lock, a VMA's lock or i_mmap_rwsem", REACHED)

    def _at_zero(self, table: int, level: Level, page: Page) -> None:
        """The count may stand for the lock if it is kept, and is at 0."""
        if level is not Level.PTE or self.locks.nobody_below(
            self.mem.parent.item(table), self.mem.slot.item(table)
        ):
            return
        count = int(self.mem.refcount[table])
        if count or table not in self.counts.ever:
            found = f"{count}" if count else "0 because nobody has ever counted"
            self._report(f"unhooks {page}, whose count is {found},", "its PTE lock", UNHOOKED)

    def _goes(self, table: int, was: int, at_once: bool) -> None:
        page, others = Page.of(self.mem, table), self.machine.others
        does = f"{'frees' if at_once else 'hands to RCU'} {page}"
        if was == _IN_TREE:
            self._report(does, "having unhooked it", FLUSHED)
        elif was == _RCU and at_once and self.grace_period:
            pass  # rcu_do_batch()
        elif was in (_RCU, _FREED):
            self.broken.append(FreesAgain(self.notes.running, page, line_of(self.machine.scheme)))
        if was != _UNHOOKED or table not in self._unhooked:
            return
        unhook = self._unhooked[table]
        flushed = self._flushes[unhook.task] > unhook.flushes
        if not flushed and not others.lacks(Precaution.FLUSH_FIRST):
            self._report(does, FLUSHED.needs, FLUSHED)
        rcu = self.machine.profile.vma_lock_fault or not unhook.alone
        if at_once and rcu and not self.grace_period and not others.lacks(Precaution.RCU):
            self._report(does, GRACE_PERIOD.needs, GRACE_PERIOD)
