"""`ptlab quiz`: the questions of the problem sets on the command line. The seed decides the problem."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from ptlab.classroom import Asked, find, questions, seeds
from ptlab.classroom.bank import in_banks, variants
from ptlab.classroom.bank_files import write_moodle, write_qti
from ptlab.classroom.solution import NotHere
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.draw.names import plural

_DIGIT = re.compile("[0-9]")

_EPILOG = """\
examples:
  ptlab quiz                   the questions there are
  ptlab quiz walk-1            a problem
  ptlab quiz walk-1 -s 7       another one of the practice problems 0 to 9
  ptlab quiz walk-1 -s 7 -c    the same with its answer and the reasoning
  ptlab quiz walk-1 -s amy7    the problem that amy7 has in the notebooks (no -c here)

for teachers, whose install has the answers (docs/teaching.md):
  ptlab quiz --moodle bank.xml --word "autumn 2026"       every question that fits, 10 variants each
  ptlab quiz walk-1 --qti bank.zip --word "autumn 2026" --variants 30    for Canvas

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
    parser.add_argument(
        "--moodle", metavar="OUT", type=Path, help="write a question bank in Moodle's XML"
    )
    parser.add_argument(
        "--qti", metavar="OUT", type=Path, help="write a question bank in QTI 1.2, for Canvas"
    )
    parser.add_argument(
        "--word", help="of a bank: any text of your own; it decides which problems are in it"
    )
    parser.add_argument(
        "--variants", type=int, default=10, metavar="N", help="of each question (default: 10)"
    )
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """List the questions, or pose one, or answer it, or write a bank of them."""
    if args.moodle or args.qti:
        _write_bank(args)
        return 0
    if args.name is None:
        if args.compute:
            raise BadInput("-c needs the NAME of a question; `ptlab quiz` lists them")
        for question in questions().values():
            about = f"{question.points:g} points, {question.wording.minutes} minutes"
            print(f"{question.name:15}{question.wording.title}  ({about})")
        return 0
    name = seeds.plain(args.seed)
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


def _write_bank(args: argparse.Namespace) -> None:
    if not args.word:
        raise BadInput("a bank needs a --word of your own: whoever knows it can pose its problems")
    if args.variants < 1:
        raise BadInput(f"--variants: {args.variants} is below 1")
    known = in_banks()
    if args.name is not None and args.name not in known:
        raise BadInput(f"{args.name} is not for a bank; these are: {', '.join(known)}")
    chosen = [args.name] if args.name else list(known)
    write, path = (write_moodle, args.moodle) if args.moodle else (write_qti, args.qti)
    try:
        items = [one for name in chosen for one in variants(known[name], args.word, args.variants)]
        write(items, path)
    except (NotHere, OSError) as error:
        raise BadInput(str(error)) from error
    print(
        f"{path}: {plural(len(items), 'variant')} of {plural(len(chosen), 'question')}, with answers"
    )


def _told(answer: Any) -> str:
    """The answer as one would write it in a notebook."""
    if isinstance(answer, str):
        return f"\n\n```text\n{answer}\n```"
    return f"`{answer!r}`"
