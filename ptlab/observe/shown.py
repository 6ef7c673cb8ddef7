"""What an observation shows in a notebook beside its picture: tables, and the tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ptlab.draw.dot import svg
from ptlab.draw.text_tree import head
from ptlab.draw.theme import themed
from ptlab.draw.tree import tree as drawn
from ptlab.observe.mapped import Mapped
from ptlab.state.mm import Mm

_LEFT = "style='text-align:left'"


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of HTML; numbers get their thousands apart."""
    head_row = "".join(f"<th scope='col' {_LEFT}>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><tr>{head_row}</tr>{body}</table>"


def _cell(cell: object) -> str:
    """Numbers to the right; words to the left, where JupyterLab would not put them by itself."""
    if isinstance(cell, int):
        return f"<td style='text-align:right'>{cell:,}</td>"
    return f"<td {_LEFT}>{escape(str(cell))}</td>"


def mappings_table(mapped: Sequence[Mapped]) -> str:
    """All mappings, folded until they are asked for."""
    heads = ("from", "to", "rights", "kind", "pages with an entry", "PTE pages", "name")
    rows = (
        (
            *(f"{one.mapping.start:#x}", f"{one.mapping.end:#x}", one.mapping.rights),
            *(one.mapping.kind, one.pages, one.pte_pages, one.mapping.name),
        )
        for one in mapped
    )
    inside = table("In the order of their addresses", heads, rows)
    return f"<details><summary>All {len(mapped)} mappings</summary>{inside}</details>"


def tree(mm: Mm, missing: int) -> str:
    """The tree, and how many empty tables are not in it."""
    without = f", without {missing} empty tables whose place is not known" if missing else ""
    drawn_tree = themed(svg(drawn(mm)), head(mm))
    # That of a real program is higher than a screen.
    return f"<details><summary>The tree{without}</summary>{drawn_tree}</details>"
