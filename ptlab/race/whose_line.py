"""Which line of a design is at work: errors and verdicts name the class, the point and the line."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from ptlab.base.errors import SchemeMistake


def line_of(scheme: Any) -> str:
    """' (NoLocks.zapped, line 12)' for the innermost method of `scheme` that runs; '' for none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_locals.get("self") is scheme:
            return f" ({_method(scheme, frame)}, line {frame.f_lineno})"
        frame = frame.f_back
    return ""


def _method(scheme: Any, frame: FrameType) -> str:
    return f"{type(scheme).__name__}.{frame.f_code.co_name}"


_WRITERS = ("ptlab.base.store", "ptlab.state.")


def through_the_store(scheme: Any, column: str) -> None:
    """SchemeMistake unless it is the store that writes a watched column, or the state itself."""
    name = sys._getframe(2).f_globals.get("__name__", "")
    if not name.startswith(_WRITERS):
        where = line_of(scheme).strip(" ()") or name
        raise SchemeMistake(
            f"{where}: {column}[...] = ... writes past the store, so that no rule sees it and nothing "
            "takes it back. Write mm.machine.store.put(owner, name, where, value), or, for entries, "
            "mm.machine.mem.write(table, columns, words)"
        )
