"""Long runs of tables that look alike fold into one node with a count, so that the picture stays small.

Siblings look alike if their histories are the same over the whole story.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import groupby
from typing import NamedTuple

SHORTEST = 5  # this many alike siblings in a row make a fold
WIDEST = 12  # with more siblings than this, unlike ones are folded too


class Fold(NamedTuple):
    """Sibling tables shown as one node; `below` are the tables beneath them, not shown at all."""

    tables: list[int]
    below: list[int]


def folds(
    root: int, children: dict[int, list[int]], history: Callable[[int], Hashable]
) -> tuple[list[int], list[Fold]]:
    """What to show of the tree at `root`: the tables on their own (parents first), and the folds.

    children[t] are the tables that ever hung below t, by slot; `history(t)` is equal for tables
    that read alike from birth to end.
    """
    likeness: dict[int, Hashable] = {}

    def alike(table: int) -> Hashable:
        if table not in likeness:
            likeness[table] = (history(table), tuple(alike(c) for c in children.get(table, ())))
        return likeness[table]

    def below(tables: list[int]) -> list[int]:
        found = [c for t in tables for c in children.get(t, ())]
        return found + below(found) if found else []

    shown, folded = [root], []

    def descend(table: int) -> None:
        for row in _rows(children.get(table, []), alike):
            if isinstance(row, int):
                shown.append(row)
                descend(row)
            else:
                folded.append(Fold(row, below(row)))

    descend(root)
    return shown, folded


def _rows(siblings: list[int], alike: Callable[[int], Hashable]) -> list[int | list[int]]:
    """The siblings, with runs of alike ones replaced by a list: first and last of a run stay."""
    rows: list[int | list[int]] = []
    for _, run in groupby(siblings, alike):
        tables = list(run)
        if len(tables) >= SHORTEST:
            rows += [tables[0], tables[1:-1], tables[-1]]
        else:
            rows += tables
    if len(rows) <= WIDEST:
        return rows
    middle = [
        t for row in rows[WIDEST // 2 : -2] for t in (row if isinstance(row, list) else [row])
    ]
    return [*rows[: WIDEST // 2], middle, *rows[-2:]]
