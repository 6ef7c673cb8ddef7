"""The store while tasks race: it tells of each write before it is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base.store import Store
from ptlab.race.protection import Protection


class WatchedStore(Store):
    """Store, with `protection` looking on."""

    __slots__ = ("mem", "protection")

    def __init__(self, store: Store, mem: Any, protection: Protection) -> None:
        super().__init__(record=False)
        self.log = store.log  # the journal's own list
        self.mem, self.protection = mem, protection

    def put(self, owner: Any, name: str, where: Any, value: Any) -> None:
        """A plain write."""
        if name == "_vmas":
            self.protection.vmas(owner, value)
        elif owner is self.mem and name == "state":
            for table in np.ravel(where).tolist():
                self.protection.state(table, int(value))
        elif owner is self.mem and name == "refcount":
            self.protection.counted(int(where), int(value), plainly=True)
        super().put(owner, name, where, value)

    def add(self, owner: Any, name: str, where: Any, delta: Any) -> Any:
        """An atomic addition."""
        value = getattr(owner, name)[where] + delta
        if owner is self.mem and name == "refcount":
            self.protection.counted(int(where), int(value), plainly=False)
        super().put(owner, name, where, value)
        return value
