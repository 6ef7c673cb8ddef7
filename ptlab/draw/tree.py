"""The tree of a process as it is now, in DOT."""

from __future__ import annotations

from collections.abc import Sequence

import graphviz

from ptlab.base.geometry import Level
from ptlab.draw.appearance import Look, live_children, look, place, title
from ptlab.draw.dot import Node, digraph
from ptlab.draw.fold import Fold, folds
from ptlab.draw.names import plural
from ptlab.state.mm import Mm


def tree(mm: Mm) -> graphviz.Digraph:
    """The tables of `mm`, alike neighbours folded. `str(tree(p.mm))` is the DOT source."""
    children = live_children(mm)
    looks = {t: look(mm, t) for t in (mm.pgd, *(t for row in children.values() for t in row))}
    shown, folded = folds(mm.pgd, children, looks.get)
    return digraph(layout(mm, shown, folded, looks))


def layout(
    mm: Mm, shown: Sequence[int], folded: Sequence[Fold], looks: dict[int, Look]
) -> list[Node]:
    """The nodes of a tree, parents first and siblings by slot: tables shown, and folds."""
    mem = mm.machine.mem
    rows: list[tuple[int, Fold | None]] = [(t, None) for t in shown] + [
        (f.tables[0], f) for f in folded
    ]
    rows.sort(
        key=lambda row: (-int(mem.level[row[0]]), int(mem.parent[row[0]]), int(mem.slot[row[0]]))
    )
    return [_fold_node(mm, fold) if fold else _table_node(mm, t, looks[t]) for t, fold in rows]


def node_id(table: int) -> str:
    """The id of a table's node in DOT, SVG and payload."""
    return f"n{table}"


def fold_id(fold: Fold) -> str:
    """The id of a fold's node."""
    return f"f{fold.tables[0]}"


def fold_title(mm: Mm, fold: Fold) -> str:
    """'60 more PTE pages'."""
    return f"{len(fold.tables)} more {Level(int(mm.machine.mem.level[fold.tables[0]])).name} pages"


def _parent(mm: Mm, table: int) -> str | None:
    return None if table == mm.pgd else node_id(int(mm.machine.mem.parent[table]))


def _table_node(mm: Mm, table: int, seen: Look) -> Node:
    level = Level(int(mm.machine.mem.level[table])).name
    shown = (title(mm, table), place(mm, table), seen.line, seen.strip)
    return Node(node_id(table), level, *shown, _parent(mm, table))


def _fold_node(mm: Mm, fold: Fold) -> Node:
    level = Level(int(mm.machine.mem.level[fold.tables[0]])).name
    where = f"with {plural(len(fold.below), 'table')} below" if fold.below else "alike, folded"
    parent = _parent(mm, fold.tables[0])
    return Node(fold_id(fold), level, fold_title(mm, fold), where, "", None, parent, "fold")
