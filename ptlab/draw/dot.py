"""Trees of tables in the DOT language, and their SVG by Graphviz.

The layout is left to Graphviz: pygraphviz in this process (its wheel carries Graphviz, but not GLib),
else the `dot` program.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from html import escape
from types import ModuleType
from typing import NamedTuple

import graphviz

from ptlab.draw.appearance import Strip
from ptlab.draw.palette import GROUND, INK, KINDS, LEVELS, LINE

WIDTH = 168  # points across a strip of 512 entries
_FILL = {"none": GROUND.light} | {name: kind.tone.light for name, kind in KINDS.items()}


class NoGraphviz(RuntimeError):
    """Neither pygraphviz nor `dot` is there; the message says what to install."""


class Node(NamedTuple):
    """One box: a table, or a fold of many. `strip` None leaves the placeholder empty."""

    id: str
    level: str
    title: str
    place: str
    line: str
    strip: Strip | None
    parent: str | None
    classes: str = ""


def digraph(nodes: Iterable[Node]) -> graphviz.Digraph:
    """The tree of `nodes`, parents first, children of one parent in the order of their slots."""
    graph = graphviz.Digraph(
        graph_attr={"ranksep": "0.35", "nodesep": "0.18", "bgcolor": "transparent", "pad": "0.1"},
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": "Helvetica",
            "fontsize": "11",
            "margin": "0.06,0.05",  # so that the strip stays clear of the round corners
            "color": LINE.light,
            "fontcolor": INK.light,
            "ordering": "out",
        },
        edge_attr={"color": LINE.light, "arrowsize": "0.6"},
    )
    for node in nodes:
        graph.node(
            node.id,
            label=_label(node),
            id=node.id,
            fillcolor=LEVELS[node.level].light,
            **{"class": f"{node.level} {node.classes}".strip()},
        )
        if node.parent is not None:
            graph.edge(node.parent, node.id, id=f"e-{node.parent}-{node.id}")
    return graph


def _label(node: Node) -> str:
    cells = "".join(
        f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="9" BGCOLOR="{_FILL[kind]}"></TD>'
        for width, kind in _widths(node.strip)
    )
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f"<TR><TD><B>{escape(node.title)}</B></TD></TR>"
        f'<TR><TD><FONT POINT-SIZE="9">{escape(node.place)}</FONT></TD></TR>'
        f"<TR><TD>{escape(node.line) or ' '}</TD></TR>"
        '<TR><TD CELLPADDING="0"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        f"<TR>{cells}</TR></TABLE></TD></TR></TABLE>>"
    )


def _widths(strip: Strip | None) -> list[tuple[int, str]]:
    """Cells of a strip, left to right, `WIDTH` points in all; a lone entry is still 3 points wide."""
    if not strip:
        return [(WIDTH, "none")]
    cells, at = [], 0
    for lo, hi, kind in strip:
        left = max(at, min(round(lo * WIDTH / 512), WIDTH - 3))
        right = max(left + 3, round(hi * WIDTH / 512))
        if left > at:
            cells.append((left - at, "none"))
        cells.append((right - left, kind))
        at = right
    if at < WIDTH:
        cells.append((WIDTH - at, "none"))
    return cells


def svg(graph: graphviz.Digraph) -> str:
    """The `<svg>` element that Graphviz draws, without XML header. Raises NoGraphviz."""
    pygraphviz = in_process()
    if pygraphviz is not None:
        with _quiet():
            drawn = pygraphviz.AGraph(graph.source).draw(format="svg", prog="dot")
        text = drawn.decode() if isinstance(drawn, bytes) else drawn
    else:
        text = graph.pipe(format="svg", encoding="utf-8")
    return re.sub(r"<!--.*?-->\n?", "", text[text.index("<svg") :], flags=re.DOTALL).strip()


def in_process() -> ModuleType | None:
    """pygraphviz, or None where the `dot` program has to do. NoGraphviz: neither is there."""
    try:
        import pygraphviz
    except ImportError as error:
        if shutil.which("dot"):
            return None
        what = _ABSENT if isinstance(error, ModuleNotFoundError) else _NOT_LOADED.format(error)
        raise NoGraphviz(f"{what}; print() shows a tree as text meanwhile") from error
    module: ModuleType = pygraphviz
    return module


_ABSENT = (
    "no Graphviz: `pip install pygraphviz` brings it along, or install graphviz from your system"
)
_NOT_LOADED = (
    "pygraphviz is installed, but its Graphviz cannot be loaded ({}). Minimal Linux systems have no "
    "GLib, which it takes from the system: install it with `apt install libglib2.0-0` (Debian, Ubuntu) "
    "or `dnf install glib2` (Fedora)"
)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Graphviz speaks of missing fonts on file descriptor 2, which a notebook shows as an error.

    What it says is passed on only if it fails.
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
