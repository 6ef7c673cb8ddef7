"""The command line: one file for each command of `ptlab --help`.

Read run, measure, races, observe, trace, replay, verify, record, fuzz, quiz, autograde, grade, lab; what
they share is in scenarios (find a scenario or a file), bad_input, target, show and progress.

The one idea: a command reads its arguments, calls one function of a floor beneath, and prints.

Exit status: 0 all is well, 1 the simulator and a recording differ, 2 bad input or bad usage.
Nothing imports this package.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ptlab import __version__
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, Parser, tell

_EPILOG = """\
examples:
  ptlab lab                       open the course in JupyterLab
  ptlab run cover-letter          the 50 GB loop of 2021 under three reclaim schemes
  ptlab verify                    compare the simulator with recorded kernels
  ptlab record lesson.txt         what this machine's own kernel does
  ptlab observe 4242              what the page tables of a running process are made of
  ptlab trace -- ls /             record a program, for `ptlab replay`
  ptlab replay                    what each design would have made of it
  ptlab measure halves            one workload under nine designs, with what each costs
  ptlab races abc                 every schedule of a race, and the shortest that fails
  ptlab quiz walk-1 -s 7 -c       a question, its answer and the reasoning

exit status: 0 all is well, 1 differences were found, 2 bad input or usage"""


_COMMANDS = {
    "lab": "open the course in JupyterLab",
    "run": "play scenarios on the simulator",
    "measure": "one workload under every design: memory and price",
    "observe": "what the page tables of a running process are made of",
    "trace": "record a program, for `ptlab replay`",
    "replay": "what each design would have made of a recorded program",
    "record": "play scenarios on this machine's kernel",
    "verify": "compare the simulator with recorded kernels, or with this one",
    "fuzz": "search for disagreement with this machine's kernel",
    "races": "try every schedule of tasks that run at once",
    "quiz": "ask a question; with -c, answer it",
    "autograde": "grade all that a class has handed in, several at once",
    "grade": "summarize a graded class: questions, mistaken ideas, minutes",
}
"""Each in the file of its name, which is loaded when it is asked for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BadInput as error:
        tell(str(error))
        return 2
    except BrokenPipeError:
        # The reader of our output (`| head`) has left; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        tell("interrupted")
        return 130


def _run(argv: Sequence[str]) -> int:
    parser = _parser(argv[0] if argv else "")
    args, rest = parser.parse_known_args(argv)
    if args.version:
        print("ptlab", __version__)
        return 0
    if "command" not in args:
        parser.print_help()
        return 2
    if rest and argv[0] != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.jupyter_args = rest
    status: int = args.command(args)
    sys.stdout.flush()
    return status


def _parser(chosen: str) -> argparse.ArgumentParser:
    """The parser of all commands, with the arguments of the chosen one."""
    parser = Parser(
        prog="ptlab",
        description="A laboratory for the life of page-table pages in Linux.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, says in _COMMANDS.items():
        if name == chosen:
            import_module(f"ptlab.cli.{name}").add_parser(commands)
        else:
            commands.add_parser(name, help=says)
    return parser
