"""`ptlab grade`: a graded class at a glance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ptlab.classroom.summary import COLUMNS, Summary, cells, read
from ptlab.cli.bad_input import BadInput

_EPILOG = """\
examples:
  ptlab grade                          in the folder in which nbgrader was run
  ptlab grade exercises --csv class.csv --html class.html

nbgrader does the grading, with exercises/nbgrader_config.py;
docs/teaching.md goes through it.

exit status: 0 all is well, 2 nothing graded there, or a file cannot be written"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "grade",
        help="summarize a graded class: questions, mistaken ideas, minutes",
        description="Show what nbgrader has graded: how far the class got with each question,\n"
        "which mistaken ideas were behind the wrong answers, and how long it took.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        help="the course's folder (default: this one)",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every report to a table")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with the chart")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Show the summary, and write it where it was asked for."""
    try:
        summary = Summary(read(args.folder))
        if args.csv:
            with args.csv.open("w", newline="", encoding="utf-8") as file:
                summary.write_csv(file)
        if args.html:
            page = f"<!doctype html><meta charset=utf-8><title>Class</title>{summary._repr_html_()}"
            args.html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(str(error)) from None
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for line in summary.lines:
        table.add_row(*map(escape, cells(line)))
    Console(highlight=False).print(table)
    return 0
