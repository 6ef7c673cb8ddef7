"""What only the student's kernel knows: the answer that it hands in, and how its last cell ended."""

from __future__ import annotations

import sys
from typing import Any

from ptlab.classroom import seeds
from ptlab.classroom.wire_format import VERSION, pack

MIME = "application/vnd.ptlab.answer+json"


class HandedIn:
    """An answer as plain data, in the notebook's output."""

    def __init__(self, name: str, answer: object) -> None:
        self._data = {
            "version": VERSION,
            "name": name,
            "student": seeds.claimed(),
            "answer": pack(answer),
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {"text/plain": "handed in", MIME: self._data}


def last_error() -> str:
    """How the cell that ran before this one ended: "your cell ended with NameError: ..."; or ""."""
    if "IPython" not in sys.modules:
        return ""
    shell = sys.modules["IPython"].get_ipython()
    last = shell and shell.last_execution_result
    error = last and (last.error_before_exec or last.error_in_exec)
    return ended_with(type(error).__name__, str(error)) if error else ""


def ended_with(kind: str, message: str) -> str:
    """A sentence about the error that ended a student's cell, never long."""
    if kind in ("KeyboardInterrupt", "CellTimeoutError"):
        return "your cell did not end in time and was stopped"
    return f"your cell ended with {kind}" + (f": {message[:200]}" if message else "")
