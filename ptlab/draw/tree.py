"""The tree of a process as it is now, in DOT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import graphviz

from ptlab.base.geometry import Level
from ptlab.draw.appearance import Look, live_children, look, title
from ptlab.draw.dot import Node, digraph
from ptlab.draw.fold import Fold, folds
from ptlab.draw.names import plural
from ptlab.state.memmap import MemMap
from ptlab.state.mm import Mm


def tree(mm: Mm) -> graphviz.Digraph:
    """The tables of `mm`, alike neighbours folded. `str(tree(p.mm))` is the DOT source."""
    children = live_children(mm)
    looks = {t: look(mm, t) for t in (mm.pgd, *(t for row in children.values() for t in row))}
    shown, folded = folds(mm.pgd, children, looks.get)
    lines = {fold.tables[0]: below(fold) for fold in folded}
    mem = mm.machine.mem
    hooks = {t: Hook(int(mem.parent[t]), int(mem.slot[t])) for t in looks if t != mm.pgd}
    for table, places in mem.shared.items():
        for place in places:
            if place.table in shown and table not in looks:  # it has its place in another process
                looks[table], hooks[table] = look(mm, table), Hook(place.table, place.slot)
                shown.append(table)
    return digraph(layout(mem, shown, folded, looks, lines, hooks))


class Hook(NamedTuple):
    """Where a table hangs: the table above it, and the slot there."""

    parent: int
    slot: int


def layout(
    mem: MemMap,
    shown: Sequence[int],
    folded: Sequence[Fold],
    looks: Mapping[int, Look],
    lines: Mapping[int, str],
    hooks: Mapping[int, Hook],
    names: Mapping[int, str] = MappingProxyType({}),
) -> list[Node]:
    """The nodes of trees, parents first and siblings by slot: tables shown, and folds.

    `lines` are what folds say, by their first table; `names` are those of processes, by their PGD.
    """
    rows = [(t, None) for t in shown] + [(f.tables[0], f) for f in folded]
    top = Hook(-1, 0)
    rows.sort(key=lambda row: (-int(mem.level[row[0]]), *hooks.get(row[0], top), row[0]))
    nodes = []
    for table, fold in rows:
        hook, level = hooks.get(table), Level(int(mem.level[table])).name
        parent = node_id(hook.parent) if hook else None
        if fold:
            slots = f"[{hooks[fold.tables[0]].slot}\u2013{hooks[fold.tables[-1]].slot}]"
            head, line = fold_title(mem, fold), lines[table]
            nodes.append(Node(fold_id(fold), level, head, slots, line, [], parent, "fold"))
        else:
            seen, name = looks[table], names.get(table)
            slot = f"[{hook.slot}]" if hook else ""
            line = f"{name}: {seen.line}" if name else seen.line
            said = title(mem, table), slot, line, seen.strip
            nodes.append(Node(node_id(table), level, *said, parent))
    return nodes


def node_id(table: int) -> str:
    """The id of a table's node in DOT, SVG and payload."""
    return f"n{table}"


def fold_id(fold: Fold) -> str:
    """The id of a fold's node."""
    return f"f{fold.tables[0]}"


def fold_title(mem: MemMap, fold: Fold) -> str:
    """'60 more PTE pages'."""
    return f"{len(fold.tables)} more {Level(int(mem.level[fold.tables[0]])).name} pages"


def below(fold: Fold) -> str:
    """What hangs below a fold, in words."""
    return f"with {plural(len(fold.below), 'table')} below" if fold.below else "alike, folded"
