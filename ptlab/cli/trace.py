"""`ptlab trace`: record a program's memory calls, its page-table entries and its VmPTE."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, tell
from ptlab.trace.attach import attach
from ptlab.trace.calls import not_understood
from ptlab.trace.file_format import write_trace
from ptlab.trace.record import CannotRecord, record
from ptlab.trace.rows import Op

DEFAULT_FILE = "ptlab.trace"

_EPILOG = """\
examples:
  ptlab trace -- python3 -c "x = [0] * 10_000_000"
  ptlab trace -o redis.trace -- redis-server --port 7777
  ptlab trace -o redis.trace --pid 4242      a process that runs already, until Ctrl-C
  ptlab replay redis.trace                   what each design would have made of it

The program runs as always, only slower: it stops at each call that changes its memory (with --pid, at
every call). Its threads and children are recorded too. Linux 6.7 or newer on x86-64; no privilege is
needed for your own processes, and nothing is written into them.

exit status: 0 recorded, 2 there is no such program, or it cannot be recorded here"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "trace",
        description="Run a program and record what it does to its page tables.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="output",
        type=Path,
        default=Path(DEFAULT_FILE),
        help=f"where the trace goes; default: {DEFAULT_FILE}",
    )
    parser.add_argument("--pid", metavar="PID", type=int, help="a process that runs already")
    parser.add_argument(
        "--faults",
        action="store_true",
        help="page faults too: they tell which pages of files are read or written (root, tracefs)",
    )
    parser.add_argument("program", metavar="-- CMD", nargs=argparse.REMAINDER)
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Record, then say what is in the trace."""
    program = args.program[1:] if args.program[:1] == ["--"] else args.program
    if bool(program) == (args.pid is not None):
        raise BadInput(
            "trace: which program? Write it after --, as in: ptlab trace -- ls /, "
            "or give the number of a process with --pid"
        )
    try:
        trace = record(program, args.faults) if program else attach(args.pid, args.faults)
        write_trace(trace, args.output)
    except CannotRecord as error:
        raise BadInput(f"trace: {error}") from error
    except OSError as error:
        raise BadInput(f"trace: {args.output}: {error.strerror}") from error
    # stdout is the program's
    unknown = trace.rows["x"][trace.rows["op"] == Op.UNKNOWN].tolist()
    missing = ", ".join(sorted({*map(not_understood, unknown)}))
    tell(
        f"{args.output}: {trace.calls} calls, {trace.samples} samples"
        + (f"; not recorded: {missing}" if missing else "")
    )
    return 0
