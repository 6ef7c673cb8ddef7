"""The one place where simulated state is written, so that every change can be undone and redone.

State lives in *columns*: numpy arrays, lists, or anything with `column[where]` and
`column[where] = value`, held as attributes of their owners (mem_map, an mm, the machine). A change
is `(owner, name of the column, where, old value, new value)`; a column that grows is replaced by a
longer one under the same name, which leaves older changes valid.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Change: TypeAlias = tuple[Any, str, Any, Any, Any]


class Store:
    """Writes to columns, and remembers each write while `log` is a list."""

    __slots__ = ("log",)

    def __init__(self, record: bool) -> None:
        self.log: list[Change] | None = [] if record else None

    def put(self, owner: Any, name: str, where: Any, value: Any) -> None:
        """Write `value` at `where` (an index, slice, tuple or index array). O(size of `where`)."""
        column = getattr(owner, name)
        if self.log is not None:
            old = column[where]
            if type(old) is np.ndarray:  # a slice is a view: keep a copy of its values
                old = old.copy()
            self.log.append((owner, name, where, old, value))
        column[where] = value

    def add(self, owner: Any, name: str, where: Any, delta: Any) -> Any:
        """Add `delta` at `where`; return the new value. Index arrays must not repeat an index."""
        column = getattr(owner, name)
        if isinstance(where, int) and isinstance(column, np.ndarray):
            value = column.item(where) + delta  # numpy is slow with single numbers
        else:
            value = column[where] + delta
        if self.log is None:
            column[where] = value
        else:
            self.put(owner, name, where, value)
        return value

    @staticmethod
    def undo(changes: list[Change]) -> None:
        """Revert `changes`, the newest first."""
        for owner, name, where, old, _ in reversed(changes):
            getattr(owner, name)[where] = old

    @staticmethod
    def redo(changes: list[Change]) -> None:
        """Apply `changes` again, the oldest first."""
        for owner, name, where, _, new in changes:
            getattr(owner, name)[where] = new
