"""What can break when tasks run at once: each rule is a few lines, and has its own message.

Access to freed pages and stale TLB entries are noticed where they happen (ptlab.race.sanitizer), a
deadlock or starvation by the scheduler; the rest is looked at here, after each segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlab.base.errors import Corruption
from ptlab.base.facts import Lock, Unhooked
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Step
from ptlab.draw.names import plural, table_name
from ptlab.state.invariants import check, leaked
from ptlab.state.memmap import State
from ptlab.state.mm import Mm

LOCK_ORDER = (
    "i_rwsem",
    "mmap_lock",
    "vma_lock",
    "i_mmap_rwsem",
    "page_table_lock",
    "pmd_lock",
    "ptl",
)
"""Who holds a lock may wait only for those behind it.

Source: the comments at the top of mm/rmap.c and mm/filemap.c, and pmd_lock before the PTE lock as
spin_lock_nested() in mm/pt_reclaim.c says (Linux 6.12, 6.14).
"""


_HARMLESS = (Kind.WAIT, Kind.LOCK, Kind.UNLOCK, Kind.LOOK, Kind.HIT, Kind.FLUSH)
"""Steps that change no table."""


class Checker:
    """Looks at the state after each segment; remembers the state before it and all lock orders."""

    def __init__(self, mm: Mm) -> None:
        self.mm, self.mem = mm, mm.machine.mem
        self._seen: dict[tuple[str, str], tuple[str, int]] = {}
        self._unhooked: dict[int, tuple[str, int]] = {}
        """By table: the task that has unhooked it, and in which step."""
        self.look()

    def after(self, task: str, step: Step | None, now: int) -> list[str]:
        """What `step` of `task` broke, in words. `now` is the number of the segment."""
        broken: list[str] = []
        if step is not None:
            broken = [f"task {task} {text}" for text in self._step(task, step, now)]
            self.remember(task, step, now)
            if step.kind in _HARMLESS:
                return broken
        broken += self.mm.machine.scheme.check(self.mm)
        self.look()
        return broken

    def remember(self, task: str, step: Step | None, now: int) -> None:
        """Keep what later segments are judged by: lock orders, and when tables were unhooked."""
        if step is None:
            return
        if step.kind is Kind.WAIT:
            assert isinstance(step.fact, Lock)
            for held in self.mm.machine.held[ord(task) - ord("A")]:
                self._seen.setdefault((held.name, step.fact.name), (task, now))
        elif step.kind is Kind.UNHOOK and isinstance(step.tables, int):
            self._unhooked[step.tables] = task, now

    def look(self) -> None:
        """The state that the next segment is compared with."""
        self._entries, self._states = self._counts(), self.mem.state.copy()

    def _counts(self) -> np.ndarray:
        raw: np.ndarray = np.array(getattr(self.mem.nonnone, "raw", self.mem.nonnone))
        return raw

    def _step(self, task: str, step: Step, now: int) -> Iterator[str]:
        if step.kind is Kind.WAIT:
            assert isinstance(step.fact, Lock)
            yield from self._order(task, step.fact.name)
        if not isinstance(step.tables, int):
            return
        table = step.tables
        name = table_name(self.mem, table)
        if step.kind in (Kind.SET, Kind.CLEAR, Kind.CHANGE):
            who, when = self._unhooked.get(table, ("", now))
            if self._states[table] not in (State.NEW, State.LIVE) and who != task:
                ago = now - when
                does = "clears an entry of" if step.kind is Kind.CLEAR else "writes into"
                yield f"{does} {name}, unhooked {plural(ago, 'step')} ago: what it does is lost"
            elif step.kind is Kind.SET and self._counts()[table] - self._entries[table] < step.n:
                yield f"overwrites an entry of {name}: the page that it mapped is lost"
        elif step.kind is Kind.UNHOOK:
            left = int(self._entries[table])
            if self._states[table] != State.LIVE:
                yield f"unhooks {name} a second time"
            elif left and self.mem.level[table] == Level.PTE and step.fact != Unhooked(True):
                yield f"unhooks {name} with {plural(left, 'entry')} in it, lost without a zap"
        elif step.kind is Kind.INSTALL:
            yield from self._two_in_one_slot(table)

    def _two_in_one_slot(self, table: int) -> Iterator[str]:
        """A slot of an upper table points to one table; an older one in it is lost."""
        mem = self.mem
        live = mem.live()
        same = live[
            (mem.parent[live] == mem.parent[table])
            & (mem.slot[live] == mem.slot[table])
            & (live != table)
            & (live != self.mm.pgd)
        ]
        for other in same.tolist():
            yield (
                f"installs {table_name(mem, table)} at slot {mem.slot[table]} of PMD page "
                f"{mem.parent[table]}, where {table_name(mem, other)} is: two tables in one slot"
            )

    def _order(self, task: str, name: str) -> Iterator[str]:
        """A task that may wait must not hold what ranks behind, nor take two locks both ways round."""
        for held, *_ in self.mm.machine.held[ord(task) - ord("A")]:
            if held == name or "interrupts" in (held, name):
                continue
            if {held, name} <= set(LOCK_ORDER) and LOCK_ORDER.index(held) > LOCK_ORDER.index(name):
                yield f"wants {name} while it holds {held}: lock order, {name} comes first"
            elif (name, held) in self._seen:
                who, when = self._seen[name, held]
                yield (
                    f"wants {name} while it holds {held}: lock order, task {who} took them the "
                    f"other way round in step {when}"
                )

    def at_rest(self) -> list[str]:
        """All tasks are done and all grace periods over: nothing may be left behind."""
        mem = self.mem
        broken = leaked(mem)
        for table in mem.live().tolist():
            if mem.visitors[table]:
                visitors = plural(int(mem.visitors[table]), "visitor")
                broken.append(f"{table_name(mem, table)} has leaked: {visitors} never left")
        broken += [
            f"a lock is still held: {lock.name}" for held in self.mm.machine.held for lock in held
        ]
        try:
            check(self.mm)
        except Corruption as found:
            broken.append(str(found))
        except IndexError:
            broken.append("an upper table points to a page that is no table")
        return broken
