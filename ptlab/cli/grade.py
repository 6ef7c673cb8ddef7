"""`ptlab grade`: a graded class at a glance."""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from ptlab.classroom.lms import NotFilled, fill, totals
from ptlab.classroom.summary import COLUMNS, NOT_IN_IT, Summary, cells
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.cli.show import show
from ptlab.cli.target import check_target

_EPILOG = """\
examples:
  ptlab grade                          in the folder in which nbgrader was run
  ptlab grade exercises --csv class.csv --html class.html
  ptlab grade --lms export.csv filled.csv   the points, for Canvas or Moodle

nbgrader does the grading, with exercises/nbgrader_config.py;
docs/teaching.md goes through it.

exit status: 0 all is well, 1 something that was handed in is not graded, or the
gradebook differs from the reports, or two secrets were used, or points have
no place in the export, 2 nothing was
handed in there, or a file cannot be written"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "grade",
        description="Show what nbgrader has graded: how far the class got with each question,\n"
        "which mistaken ideas were behind the wrong answers, and how long it took;\n"
        "what was handed in and could not be graded, with the reason; where the gradebook\n"
        "differs from the reports, what waits for a person, what notebooks left running,\n"
        "and how they were shut in.",
        epilog=_EPILOG,
        formatter_class=Lines,
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
    parser.add_argument(
        "--lms",
        type=Path,
        nargs=2,
        metavar=("EXPORT", "FILE"),
        help="fill the points into a gradebook that Canvas or Moodle has exported",
    )
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Show the summary, and write it where it was asked for."""
    export, filled = args.lms or (None, None)
    for option, path in (("--csv", args.csv), ("--html", args.html), ("--lms", filled)):
        if path:
            check_target(option, path)
    try:
        summary = Summary.of(args.folder)
        if args.csv:
            with args.csv.open("w", newline="", encoding="utf-8") as file:
                summary.write_csv(file)
        if args.html:
            page = f"<!doctype html><meta charset=utf-8><title>Class</title>{summary._repr_html_()}"
            args.html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(str(error)) from None
    if summary.lines:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in COLUMNS:
            table.add_column(name, overflow="fold", no_wrap=name != COLUMNS[-1])
        for line in summary.lines:
            table.add_row(*map(escape, cells(line)))
        show(table)
    for caution in summary.cautions:
        _tell(caution.heading, caution.lines)
    if summary.not_graded:
        _tell(NOT_IN_IT, [_missing(*row) for row in summary.missing])
    told = _fill(export, filled, args.folder) if export and filled else []
    if told:
        _tell(f"Not as it should be in {filled}", told)
    wrong = (
        bool(told) or bool(summary.not_graded) or any(caution.wrong for caution in summary.cautions)
    )
    return int(wrong)


def _fill(export: Path, filled: Path, folder: Path) -> list[str]:
    """Write the points into a copy of an export; what a teacher should know of it."""
    try:
        with export.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        table, told = fill(rows, totals(folder))
        with filled.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    except (NotFilled, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"--lms {export}: {error}") from None
    except OSError as error:
        raise BadInput(f"--lms: {error}") from None
    return told


def _missing(students: str, problem_set: str, file: str, why: str) -> str:
    """One thing that is not graded."""
    name = "/".join(filter(None, (problem_set, file)))
    return f"{name} of {students}: {why}" if students else f"{name}: {why}"


def _tell(heading: str, lines: list[str]) -> None:
    """A heading, and under it lines as wide as the terminal, indented."""
    print(f"{heading}:")
    for line in lines:
        print(_wrapped(line))


def _wrapped(line: str) -> str:
    line = "".join(c if c.isprintable() else "?" for c in line)  # a student may have chosen it
    width = shutil.get_terminal_size().columns
    wrap = TextWrapper(width, "  ", "    ", break_long_words=False, break_on_hyphens=False)
    return wrap.fill(line)
