"""The store while tasks race: it tells of each write before it is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base.footprint import Access
from ptlab.base.store import Store
from ptlab.race.own_state import OwnState
from ptlab.race.protection import Protection
from ptlab.state.memmap import State

_NEW = int(State.NEW)


class WatchedStore(Store):
    """Store, with `protection` looking on."""

    __slots__ = ("mem", "own", "protection", "stale")

    def __init__(self, store: Store, mem: Any, protection: Protection, own: OwnState) -> None:
        super().__init__(record=False)
        self.log = store.log  # the journal's own list
        self.mem, self.protection, self.own = mem, protection, own
        self.stale = protection.notes.stale

    def put(self, owner: Any, name: str, where: Any, value: Any) -> None:
        """A plain write."""
        buffer, task = self.protection.notes.buffer, self.protection.notes.machine.task
        if buffer and owner is self.mem and name == "state" and value == _NEW:
            for table in np.ravel(where).tolist():
                buffer.fill(task, "table", table)
        elif buffer and name == "next_frame":
            buffer.fill(task, "page", owner.next_frame[0], value - owner.next_frame[0])
        if name == "_vmas":
            self.protection.vmas(owner, value)
        elif owner is self.mem and name == "state":
            for table in np.ravel(where).tolist():
                self.protection.state(table, int(value))
        elif owner is self.mem and name == "refcount":
            self.stale.writes("writes the reference count of", int(where))
            self.protection.counted(int(where), int(value), plainly=True)
            self.protection.notes.count(int(where), Access.WRITE)  # it commutes with nothing
        elif owner is self.own.scheme:
            self.stale.writes(f"writes self.{name}")
            self.own.written(name, where, atomically=False)
        super().put(owner, name, where, value)

    def add(self, owner: Any, name: str, where: Any, delta: Any) -> Any:
        """An atomic addition."""
        if owner is self.own.scheme:
            self.stale.writes(f"changes self.{name}")
            self.own.written(name, where, atomically=True)
        mark = self.stale.mark()
        value = getattr(owner, name)[where] + delta
        self.stale.forget(mark)
        if owner is self.mem and name == "refcount":
            if delta > 0:
                self.stale.gets(int(where))
            self.protection.counted(int(where), int(value), plainly=False)
        super().put(owner, name, where, value)
        return value
