"""`ptlab autograde`: grade all that a class has handed in, several at once."""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from ptlab.classroom.autograding import Done, autograde, pending
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines

_EPILOG = """\
examples:
  ptlab autograde            in the course's folder: all sets, all that is not graded yet
  ptlab autograde --jobs 8   eight at once

A run that was stopped goes on where it was. `nbgrader autograde SET --force` grades
again. The secret is in a file, or asked for, as nbgrader_config.py says. Before the
first submission an honest answer of each kind is judged; if this machine fails with
it, nothing is begun.

exit status: 0 all is graded, 1 something could not be graded, 2 bad input or usage"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "autograde",
        description="Run `nbgrader autograde` for every set on all that is not graded yet.",
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
    parser.add_argument(
        "-j",
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes at once (default: one for each processor)",
    )
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Grade, and print a line for each submission."""
    if args.jobs < 1:
        raise BadInput(f"--jobs: {args.jobs} is below 1")
    if find_spec("nbgrader") is None:
        raise BadInput("nbgrader is not installed: pip install '.[teach]'")
    if not (args.folder / "submitted").is_dir():
        raise BadInput(
            f"{args.folder / 'submitted'} is not there: what students hand in goes there"
        )
    works, began = pending(args.folder), perf_counter()
    typed = None
    if works:
        from ptlab.classroom.before_grading import prepared  # nbgrader takes two seconds

        typed = prepared(args.folder)
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    failed = 0
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task("grading", total=len(works))
        for done in autograde(args.folder, works, args.jobs, typed):
            progress.advance(bar)
            failed += not done.graded
            print(_line(done), flush=True)
    print(_summary(len(works) - failed, failed, perf_counter() - began))
    return int(failed > 0)


def _line(done: Done) -> str:
    end = "" if done.graded else "  not graded; `ptlab grade` says why"
    said = "".join(f"\n    {text}" for text in done.said)
    return f"{done.work.problem_set:28}{done.work.student:20}{done.seconds:6.1f} s{end}{said}"


def _summary(graded: int, failed: int, seconds: float) -> str:
    if not graded and not failed:
        return "Nothing waits: all that was handed in is graded."
    per_minute = 60 * (graded + failed) / seconds
    return f"{graded} graded, {failed} not, in {seconds:.0f} s: {per_minute:.1f} a minute"
