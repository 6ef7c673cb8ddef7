"""`ptlab quiz`: the questions of the problem sets on the command line. The seed decides the problem."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from ptlab.classroom import Asked, find, questions, seeds
from ptlab.cli.bad_input import BadInput

_EPILOG = """\
examples:
  ptlab quiz                   the questions there are
  ptlab quiz walk-1            a problem
  ptlab quiz walk-1 -s 7       another one; a seed makes one problem everywhere
  ptlab quiz walk-1 -s 7 -c    the same with its answer and the reasoning
  ptlab quiz walk-1 -s amy7    the problem that amy7 has in the notebooks (no -c here)

exit status: 0 all is well, 2 bad input or usage"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "quiz",
        help="ask a question; with -c, answer it",
        description="Pose a question of the problem sets. Answer it on paper, then ask with -c.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a question")
    parser.add_argument(
        "-s", "--seed", default="0", metavar="SEED", help="a number or a name (default: 0)"
    )
    parser.add_argument("-c", "--compute", action="store_true", help="show the answer and why")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """List the questions, or pose one, or answer it."""
    if args.name is None:
        if args.compute:
            raise BadInput("-c needs the NAME of a question; `ptlab quiz` lists them")
        for question in questions().values():
            about = f"{question.points:g} points, {question.wording.minutes} minutes"
            print(f"{question.name:15}{question.wording.title}  ({about})")
        return 0
    if args.compute and not args.seed.strip().isdecimal():
        raise BadInput(
            f"-c is for practice, with a number as seed; the problem of {args.seed!r} is a student's own"
        )
    try:
        question = find(args.name)
    except ValueError as error:
        raise BadInput(str(error)) from error
    problem = question.pose(seeds.own(question.name, args.seed.strip().casefold()))
    console = Console()
    console.print(Markdown(str(Asked(question, problem))))
    if args.compute:
        console.print(Markdown(f"---\n\n**Answer**: {_told(question.solve(problem))}"))
        console.print(Markdown(question.why(problem)))
    return 0


def _told(answer: Any) -> str:
    """The answer as one would write it in a notebook."""
    if isinstance(answer, str):
        return f"\n\n```text\n{answer}\n```"
    return f"`{answer!r}`"
