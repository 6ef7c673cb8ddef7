"""`ptlab quiz`: the questions of the problem sets on the command line. The seed decides the problem."""

from __future__ import annotations

import argparse
import re
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from ptlab.classroom import Asked, find, questions, seeds
from ptlab.classroom.solution import NotHere
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines

_DIGIT = re.compile("[0-9]")

_EPILOG = """\
examples:
  ptlab quiz                   the questions there are
  ptlab quiz walk-1            a problem
  ptlab quiz walk-1 -s 7       another one of the practice problems 0 to 9
  ptlab quiz walk-1 -s 7 -c    the same with its answer and the reasoning
  ptlab quiz walk-1 -s amy7    the problem that amy7 has in the notebooks (no -c here)

exit status: 0 all is well, 2 bad input or usage"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "quiz",
        description="Pose a question of the problem sets. Answer it on paper, then ask with -c.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a question")
    parser.add_argument(
        "-s",
        "--seed",
        default="0",
        metavar="SEED",
        help="0 to 9, for practice, or a name (default: 0)",
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
    name = args.seed.strip().casefold()
    name = seeds.practice_name(int(name)) if _DIGIT.fullmatch(name) else name
    if args.compute and not seeds.is_practice(name):
        raise BadInput(
            f"-c is for practice, with a number from 0 to {seeds.PRACTICE - 1} as seed; the problem of "
            f"{args.seed!r} is a student's own"
        )
    try:
        question = find(args.name)
    except ValueError as error:
        raise BadInput(str(error)) from error
    problem = question.pose(seeds.own(question.name, name))
    console = Console()
    console.print(Markdown(Asked(question, problem).text))
    if args.compute:
        try:
            answer = _told(question.solve(problem)), question.why(problem)
        except NotHere:
            raise BadInput(
                f"the answer to {question.name} is code that is right for everybody's problem, so "
                "practice does not show it. ptlab.check judges yours: ptlab.practice(0) in a notebook"
            ) from None
        console.print(Markdown(f"---\n\n**Answer**: {answer[0]}"))
        console.print(Markdown(answer[1]))
    return 0


def _told(answer: Any) -> str:
    """The answer as one would write it in a notebook."""
    if isinstance(answer, str):
        return f"\n\n```text\n{answer}\n```"
    return f"`{answer!r}`"
