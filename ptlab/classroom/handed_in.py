"""What the student's kernel does at grading: it hands in an answer, and says nothing about it."""

from __future__ import annotations

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
