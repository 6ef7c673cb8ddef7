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
WIDTH = 5
"""The log is one flat list: five of its items are one change. (So it takes half of the memory.)"""


class Store:
    """Writes to columns, and remembers each write while `log` is a list."""

    __slots__ = ("log",)

    def __init__(self, record: bool) -> None:
        self.log: list[Any] | None = [] if record else None

    def put(self, owner: Any, name: str, where: Any, value: Any) -> None:
        """Write `value` at `where` (an index, slice, tuple or index array). O(size of `where`)."""
        column, log = getattr(owner, name), self.log
        if log is not None:
            old = column[where]
            if type(old) is np.ndarray:  # a slice is a view: keep a copy of its values
                old = old.copy()
            log += (owner, name, where, old, value)
        column[where] = value

    def add(self, owner: Any, name: str, where: Any, delta: Any) -> Any:
        """Add `delta` at `where`; return the new value. Index arrays must not repeat an index."""
        column, log = getattr(owner, name), self.log
        if isinstance(where, int) and isinstance(column, np.ndarray):
            old = column.item(where)  # numpy is slow with single numbers
        else:
            old = column[where]
            if isinstance(where, slice):
                old = old.copy()
        value = old + delta
        if log is not None:
            log += (owner, name, where, old, value)
        column[where] = value
        return value


def as_changes(rows: list[Any]) -> list[Change]:
    """A part of a log, one change after the other."""
    each = iter(rows)
    return list(zip(each, each, each, each, each, strict=True))


def undo(rows: list[Any]) -> None:
    """Revert the changes in a part of a log, the newest first."""
    for k in range(len(rows) - WIDTH, -1, -WIDTH):
        owner, name, where, old, _ = rows[k : k + WIDTH]
        getattr(owner, name)[where] = old


def redo(rows: list[Any]) -> None:
    """Apply them again, the oldest first."""
    for owner, name, where, _, new in as_changes(rows):
        getattr(owner, name)[where] = new
