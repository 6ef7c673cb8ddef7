"""A small tidy tree for the DOT of ptlab's own pictures, where there is no Graphviz at all.

It reads what `dot.digraph` writes, and no other DOT: boxes of a fixed size from left to right, a column
for each level. A table stands in the middle of what hangs below it, so it never moves by itself; a
picture may be taller than Graphviz's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple
from xml.etree import ElementTree

_NODE = re.compile(
    r"^\t(\w+) \[label=<(.*)> class=(.*?) fillcolor=\"(.*?)\" .*width=(\S+)\]$", re.M
)
_EDGE = re.compile(r'^\t(\w+) -> (\w+) \[id="(.*?)"\]$', re.M)
_ROUND, _INSIDE, _LETTER = 6, 7, 0.56
"""Points of a round corner, and from a box to its text; points across a letter of one point."""
_BOLD = ' font-weight="bold"'


class Drawn(NamedTuple):
    """A box: its label in Graphviz's HTML, and its top left corner and size in points."""

    label: str
    classes: str
    fill: str
    x: float
    y: float
    width: float
    height: float


class Picture(NamedTuple):
    """The boxes by name, the edges as (from, to, id), and the size of it all, with its margin."""

    boxes: dict[str, Drawn]
    edges: list[tuple[str, str, str]]
    width: float
    height: float
    line: str
    ink: str


def place(source: str) -> Picture:
    """Where each node of a DOT source of `dot.digraph` goes."""
    inches = {name: 72 * float(size) for name, size in _sizes(source)}
    edges = [(above, below, name) for above, below, name in _EDGE.findall(source)]
    nodes = {name: rest for name, *rest in _NODE.findall(source)}
    children: dict[str, list[str]] = {name: [] for name in nodes}
    for above, below, _ in edges:
        children[above].append(below)
    inner = {below for _, below, _ in edges}
    # As Graphviz does: each further tree above the ones before it.
    roots = [name for name in nodes if name not in inner][::-1]
    depth = _depths(roots, children)
    margin, columns = inches["pad"], [0.0] * (max(depth.values(), default=0) + 1)
    widths = {name: 72 * float(width) for name, (*_, width) in nodes.items()}
    for name, width in widths.items():
        columns[depth[name]] = max(columns[depth[name]], width)
    lefts = [margin + sum(columns[:k]) + k * inches["ranksep"] for k in range(len(columns))]
    tops, end = _tops(roots, children, margin, inches["height"], inches["nodesep"])
    boxes = {}
    for name, (label, classes, fill, _) in nodes.items():
        x = lefts[depth[name]] + (columns[depth[name]] - widths[name]) / 2
        size = widths[name], inches["height"]
        boxes[name] = Drawn(label, classes.strip('"'), fill, x, tops[name], *size)
    ink, line = (
        re.findall(r'fontcolor="(.*?)"', source)[0],
        re.findall(r' \[color="(.*?)"', source)[0],
    )
    return Picture(boxes, edges, lefts[-1] + columns[-1] + margin, end + margin, line, ink)


def _sizes(source: str) -> Iterator[tuple[str, str]]:
    for name in ("nodesep", "ranksep", "pad", "height"):
        yield name, re.findall(rf"\b{name}=([\d.]+)", source)[0]


def _depths(roots: list[str], children: dict[str, list[str]]) -> dict[str, int]:
    depth, row = {}, roots
    for level in range(len(children)):
        depth.update(dict.fromkeys(row, level))
        row = [below for name in row for below in children[name]]
    return depth


def _tops(
    roots: list[str], children: dict[str, list[str]], margin: float, height: float, gap: float
) -> tuple[dict[str, float], float]:
    """The top of each box, and the bottom of the lowest: one row for each table without children."""
    tops, free = dict[str, float](), margin

    def stand(name: str) -> None:
        nonlocal free
        for below in children[name]:
            stand(below)
        if children[name]:
            tops[name] = (tops[children[name][0]] + tops[children[name][-1]]) / 2
        else:
            tops[name] = free
            free += height + gap

    for root in roots:
        stand(root)
    return tops, free - gap


def svg(source: str) -> str:
    """The `<svg>` element, with the ids, classes and titles that Graphviz gives."""
    drawn = place(source)
    parts = [_edge(drawn, *edge) for edge in drawn.edges]
    parts += [_box(name, box, drawn) for name, box in drawn.boxes.items()]
    width, height = f"{drawn.width:.0f}", f"{drawn.height:.0f}"
    return (
        f'<svg width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg">\n<g id="graph0" class="graph">\n'
        + "\n".join(parts)
        + "\n</g>\n</svg>"
    )


def _edge(drawn: Picture, above: str, below: str, name: str) -> str:
    a, b = drawn.boxes[above], drawn.boxes[below]
    x, y, to_x, to_y = a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2
    middle = (x + to_x) / 2
    curve = f"M{x:.1f},{y:.1f}C{middle:.1f},{y:.1f} {middle:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}"
    title = escape(f"{above}->{below}")
    return (
        f'<g id="{name}" class="edge"><title>{title}</title>'
        f'<path fill="none" stroke="{drawn.line}" d="{curve}"/></g>'
    )


def _box(name: str, box: Drawn, drawn: Picture) -> str:
    *rows, strip = ElementTree.fromstring(box.label)
    texts = [
        _line(row, box, box.y + down, drawn.ink)
        for row, down in zip(rows, (14.5, 30.5), strict=True)
    ]
    cells = [(float(cell.get("WIDTH", 0)), cell.get("BGCOLOR")) for cell in strip.iter("TD")][1:]
    x, rects = box.x + (box.width - sum(width for width, _ in cells)) / 2, []
    for width, fill in cells:
        rects.append(
            f'<rect x="{x:.1f}" y="{box.y + 35:.1f}" width="{width:g}" height="7" fill="{fill}"/>'
        )
        x += width
    return (
        f'<g id="{name}" class="node {box.classes}"><title>{name}</title>'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{_ROUND}" fill="{box.fill}" stroke="{drawn.line}"/>{"".join(texts + rects)}</g>'
    )


def _line(row: ElementTree.Element, box: Drawn, y: float, ink: str) -> str:
    """A line of text, made narrower if it would not fit into its box."""
    pieces, room = list(_texts(row)), box.width - 2 * _INSIDE
    across = sum(len(text) * size * _LETTER for text, size, _ in pieces)
    fitted = f' textLength="{room:.1f}" lengthAdjust="spacingAndGlyphs"' if across > room else ""
    spans = "".join(
        f'<tspan font-size="{size:g}"{_BOLD if bold else ""}>{escape(text)}</tspan>'
        for text, size, bold in pieces
    )
    return (
        f'<text xml:space="preserve" x="{box.x + _INSIDE:.1f}" y="{y:.1f}"{fitted} '
        f'font-family="Helvetica,sans-Serif" fill="{ink}">{spans}</text>'
    )


def _texts(row: ElementTree.Element) -> Iterator[tuple[str, float, bool]]:
    """The pieces of a line of text, each with the size of its font, and whether it is bold."""
    for font in row.iter("FONT"):
        bold, size = font.find("B"), float(font.get("POINT-SIZE", 11))
        yield (font.text if bold is None else bold.text) or "", size, bold is not None
        if font.tail:
            yield font.tail, size, False
