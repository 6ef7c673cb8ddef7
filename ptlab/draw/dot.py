"""Trees of tables in the DOT language, and their SVG by Graphviz.

The layout is left to Graphviz: pygraphviz in this process (its wheel carries Graphviz, but not GLib),
else the `dot` program. Where neither is there, as in a browser, `tidy.py` places the boxes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import graphviz

from ptlab.draw import tidy
from ptlab.draw.appearance import Strip
from ptlab.draw.palette import GROUND, INK, KINDS, LEVELS, LINE

WIDTHS = {"PGD": 76, "P4D": 90, "PUD": 90, "PMD": 90, "PTE": 134, "page": 74}
"""Points across a table of each level, and a page: a column of the picture."""
HEIGHT, GAP, ROW_GAP = 46, 11, 8
"""Points down a table, between two columns, and between two tables of one column."""
MARGIN = 7
"""Points around a picture, and between the frame of a table and what is in it."""
_LARGE, _SMALL = 11, 10
_FILL = {"none": GROUND.light} | {name: kind.tone.light for name, kind in KINDS.items()}


class Node(NamedTuple):
    """One box: a table, or a fold of many.

    slot  where in its parent it hangs, such as "[32]"
    """

    id: str
    level: str
    title: str
    slot: str
    line: str
    strip: Strip
    parent: str | None
    classes: str = ""


class Box(NamedTuple):
    """Where Graphviz has put a node: its top left corner, in points from that of the picture."""

    x: int
    y: int


def digraph(nodes: Sequence[Node]) -> graphviz.Digraph:
    """The tree of `nodes` from left to right: a column for each level, siblings from top to bottom.

    Parents come first in `nodes`, and children of one parent in the order of their slots.
    """
    graph = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR",
            "ordering": "out",
            "ranksep": f"{GAP / 72:.4f}",
            "nodesep": f"{ROW_GAP / 72:.4f}",
            "bgcolor": "transparent",
            "pad": f"{MARGIN / 72:.4f}",
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": "Helvetica",
            "fontsize": "11",
            "fixedsize": "true",
            "height": f"{HEIGHT / 72:.4f}",
            "color": LINE.light,
            "fontcolor": INK.light,
        },
        edge_attr={"color": LINE.light, "arrowhead": "none"},
    )
    # Graphviz puts each further tree above the ones before it.
    roots = [node for node in nodes if node.parent is None]
    for node in [*reversed(roots), *(node for node in nodes if node.parent is not None)]:
        graph.node(
            node.id,
            label=_label(node),
            id=node.id,
            width=f"{WIDTHS[node.level] / 72:.4f}",
            fillcolor=LEVELS[node.level].light,
            **{"class": f"{node.level} {node.classes}".strip()},
        )
        if node.parent is not None:
            graph.edge(node.parent, node.id, id=f"e-{node.parent}-{node.id}")
    return graph


def _label(node: Node) -> str:
    width = WIDTHS[node.level] - 2 * MARGIN
    cells = "".join(
        f'<TD FIXEDSIZE="TRUE" WIDTH="{cell}" HEIGHT="7" BGCOLOR="{_FILL[kind]}"></TD>'
        for cell, kind in _widths(node.strip, width)
    )
    small = min(_SMALL, width / max(1, len(node.line)) * 1.9)  # so that a long line fits too
    line = escape(node.line) or " "
    # Helvetica: a bold letter is about 0.58 as wide as high, a plain one 0.5.
    ems = 0.58 * len(node.title) + (0.41 * (len(node.slot) + 1) if node.slot else 0)
    size = min(_LARGE, width / ems)
    slot = (
        f'<FONT POINT-SIZE="{size * 9 / 11:.1f}">{escape(node.slot)}</FONT> ' if node.slot else ""
    )
    title = f'<FONT POINT-SIZE="{size:.1f}"><B>{escape(node.title)}</B></FONT>'
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'<TR><TD ALIGN="LEFT">{slot}{title}</TD></TR>'
        f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="{small:.1f}">{line}</FONT></TD></TR>'
        '<TR><TD CELLPADDING="0"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        f"<TR>{cells}</TR></TABLE></TD></TR></TABLE>>"
    )


def _widths(strip: Strip, width: int) -> list[tuple[int, str]]:
    """Cells of a strip, left to right, `width` points in all; a lone entry is still 3 points wide.

    Entries that are closer share a cell: one that the cell before covers adds nothing.
    """
    cells: list[tuple[int, str]] = []
    at = 0
    for lo, hi, kind in strip:
        natural = round(hi * width / 512)
        if at >= width or (natural <= at and cells and cells[-1][1] == kind):
            continue
        left = max(at, min(round(lo * width / 512), width - 3))
        right = min(max(left + 3, natural), width)
        if left > at:
            cells.append((left - at, "none"))
        cells.append((right - left, kind))
        at = right
    if at < width:
        cells.append((width - at, "none"))
    return cells


def boxes(graph: graphviz.Digraph) -> dict[str, Box]:
    """Where each node of `graph` is put: by Graphviz, or without one by ptlab.draw.tidy."""
    plain = _drawn(graph, "plain")
    if plain is None:
        placed = tidy.place(graph.source).boxes.items()
        return {name: Box(round(box.x), round(box.y)) for name, box in placed}
    found = {}
    for line in plain.splitlines():
        match line.split(maxsplit=6):
            case ["graph", _, _, height]:
                down = float(height)
            case ["node", name, x, y, width, height, _]:
                left, top = float(x) - float(width) / 2, down - float(y) - float(height) / 2
                found[name] = Box(round(72 * left) + MARGIN, round(72 * top) + MARGIN)
    return found


def svg(graph: graphviz.Digraph) -> str:
    """The `<svg>` element of `graph`, without XML header."""
    text = _drawn(graph, "svg")
    if text is None:
        return tidy.svg(graph.source)
    return re.sub(r"<!--.*?-->\n?", "", text[text.index("<svg") :], flags=re.DOTALL).strip()


def _drawn(graph: graphviz.Digraph, form: str) -> str | None:
    """What Graphviz makes of `graph` in one of its formats; None if there is no Graphviz."""
    try:
        import pygraphviz
    except ImportError:  # not installed, or a minimal system lacks GLib, which it needs
        if shutil.which("dot") is None:
            return None
        return str(graph.pipe(format=form, encoding="utf-8", quiet=True))
    with _quiet():
        drawn = pygraphviz.AGraph(graph.source).draw(format=form, prog="dot")
    return drawn.decode() if isinstance(drawn, bytes) else str(drawn)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Graphviz speaks of missing fonts on file descriptor 2, which a notebook shows as an error.

    Its messages are passed on only if it fails.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            heard.seek(0)
            sys.stderr.write(heard.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
