"""A table in a terminal of any width: words wrap, numbers stay whole."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from ptlab.cli.parser import tell
from ptlab.costs.findings import Column

_ENDLESS = 10_000


def show(table: Table) -> None:
    """Print `table`; the columns that do not wrap are never cut.

    Where the terminal is too narrow for them the lines are longer, and stderr says how wide.
    """
    for column in table.columns:
        if column.no_wrap:
            lines = (line for c in (column.header, *column.cells) for line in str(c).split("\n"))
            column.min_width = max(map(cell_len, lines))
    console = Console(highlight=False)
    options = console.options.update(width=_ENDLESS)
    needed = Measurement.get(console, options, table).minimum
    if needed > console.width:
        tell(f"the terminal has {console.width} columns, this table needs {needed}")
    Console(highlight=False, width=max(console.width, needed)).print(table)


def designs_table(columns: Sequence[Column[Any]], last: str = "") -> Table:
    """A table with one line for each design. Each word of a heading has its own line."""
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    table.add_column("design", no_wrap=True)
    for column in columns:
        table.add_column(column.heading.replace(" ", "\n"), justify="right", no_wrap=True)
    if last:
        table.add_column(last, no_wrap=True)
    return table


def say(console: Console, width: int, text: str, indent: str = "") -> None:
    """Print text in lines of at most `width`; the lines after the first one are indented."""
    lines = textwrap.fill(text, width, initial_indent=indent, subsequent_indent="  ")
    console.print(lines, markup=False, soft_wrap=True)
