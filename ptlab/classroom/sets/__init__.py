"""The problem sets: each module has its questions in QUESTIONS, in the order they are asked."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

from ptlab.base.errors import unknown
from ptlab.classroom.question import Question

SETS = ("walk", "references", "leak", "scheduler", "scheme", "thread")
"""Names of the modules, in the order of the course. They are read when a question is first needed."""


@functools.cache
def questions() -> dict[str, Question[Any]]:
    """Every question by its name."""
    modules = [import_module(f"ptlab.classroom.sets.{name}") for name in SETS]
    return {question.name: question for module in modules for question in module.QUESTIONS}


def find(name: str) -> Question[Any]:
    """The question called `name`; ValueError names the ones there are."""
    known = questions()
    if name not in known:
        raise unknown("question", name, known)
    return known[name]
