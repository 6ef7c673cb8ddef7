"""Which class solves which question."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ptlab.classroom.sets import SETS
from ptlab.classroom.solution import Solution


def classes() -> dict[str, type[Solution[Any]]]:
    """The class that solves each question, by the question's name."""
    modules = [import_module(f"ptlab.classroom.solutions.{name}") for name in SETS]
    return {solution.name: solution for module in modules for solution in module.SOLUTIONS}
