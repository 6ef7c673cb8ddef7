"""The machine: what all its processes share. mem_map, locks, RCU, the journal and the frames.

Lock functions carry the kernel's names. A path takes a lock with `yield from`; with one task
nothing ever waits, so each is one step.
"""

from __future__ import annotations

from typing import Any

from ptlab import pte
from ptlab.geometry import Geometry
from ptlab.memmap import MemMap, State
from ptlab.profiles import Profile
from ptlab.schemes.base import ReclaimScheme
from ptlab.steps import Kind, Path, Step, Tables
from ptlab.store import Store

GRAINS = ("entry", "table", "range")


class Machine:
    """One simulated computer running the kernel of `profile` with `scheme`."""

    def __init__(
        self, profile: Profile, scheme: ReclaimScheme, levels: int, grain: str, record: bool
    ):
        if grain not in GRAINS:
            raise ValueError(f"unknown grain {grain!r}: one of {', '.join(GRAINS)}")
        self.profile, self.scheme, self.grain = profile, scheme, grain
        self.geometry = Geometry(levels)
        self.store = Store(record)
        self.mem = MemMap(self.store)
        self.held: list[tuple[tuple[str, Any, str], ...]] = [()]
        """Locks held now, in the order taken: (name, mm id or table or run, mode)."""
        self.rcu: list[tuple[Tables, ...]] = [()]
        """Tables waiting for a grace period."""
        self.next_frame = [pte.FIRST_FRAME]
        self.next_anon_vma = [1]

    def frames(self, count: int) -> int:
        """Take `count` data pages; returns the first page frame number. Frames are never reused."""
        first = self.next_frame[0]
        self.store.put(self, "next_frame", 0, first + count)
        return first

    def new_anon_vma(self) -> int:
        """A number that stands for a new struct anon_vma."""
        number = self.next_anon_vma[0]
        self.store.put(self, "next_anon_vma", 0, number + 1)
        return number

    def lock(self, fn: str, name: str, of: Any, mode: str, times: int = 1) -> Step:
        """Take lock `name` of `of`; the Step tells that function `fn` has it."""
        self.store.put(self, "held", 0, (*self.held[0], (name, of, mode)))
        return Step(Kind.LOCK, fn, None, 0, times, (name, of, mode))

    def unlock(self, fn: str, name: str, times: int = 1) -> Step:
        """Drop the lock `name` taken last."""
        held = self.held[0]
        index = len(held) - 1
        while held[index][0] != name:
            index -= 1
        self.store.put(self, "held", 0, held[:index] + held[index + 1 :])
        return Step(Kind.UNLOCK, fn, None, 0, times, held[index])

    def call_rcu(self, tables: Tables) -> Step:
        """Hand `tables` to RCU: they are freed after a grace period."""
        self.mem.set_state(tables, State.RCU)
        self.store.put(self, "rcu", 0, (*self.rcu[0], tables))
        return Step(Kind.RCU, "call_rcu", tables)

    def rcu_do_batch(self) -> Path[None]:
        """Every CPU has passed a quiescent state: the waiting tables go back to the allocator."""
        for tables in self.rcu[0]:
            self.store.put(self, "rcu", 0, self.rcu[0][1:])
            self.mem.set_state(tables, State.FREED)
            yield Step(Kind.FREE, "rcu_do_batch", tables)
