"""Solved: tables, whose mistaken answers keep the rows that are right all the same."""

from __future__ import annotations

import operator
from typing import Any

from ptlab.classroom.solution import Solution, Wrong


def mistakes(
    solution: Solution[Any], right: list[Any], mistaken: dict[str, list[Any]]
) -> list[Wrong]:
    """Those of the mistaken answers that differ from the right one; each keeps its right rows."""
    each = solution.asked.points / len(right)
    return [
        solution.mistake(idea, answer, each * sum(map(operator.eq, answer, right)))
        for idea, answer in mistaken.items()
        if answer != right
    ]
