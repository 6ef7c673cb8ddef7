"""A table in a terminal of any width: words wrap, numbers stay whole."""

from __future__ import annotations

import sys

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

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
        print(
            f"ptlab: the terminal has {console.width} columns, this table needs {needed}",
            file=sys.stderr,
        )
    Console(highlight=False, width=max(console.width, needed)).print(table)
