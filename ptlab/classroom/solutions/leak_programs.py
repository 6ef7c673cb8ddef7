"""The PTE pages that each design leaves after a program of set 3."""

from __future__ import annotations

import functools

from ptlab.classroom.sets.leak_programs import SCHEMES, Programs, played
from ptlab.classroom.table_question import Row


@functools.lru_cache(256)
def left(problem: Programs, endings: tuple[tuple[str, ...], ...]) -> list[Row]:
    """PTE pages left after each program, for each scheme."""
    return [
        tuple(_pte_pages("\n".join(problem.lines(ending)), scheme) for scheme in SCHEMES)
        for ending in endings
    ]


@functools.lru_cache(4096)
def _pte_pages(text: str, scheme: str) -> int:
    return played(text, scheme, "range").counters.pte
