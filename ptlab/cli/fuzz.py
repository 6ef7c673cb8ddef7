"""`ptlab fuzz`: search for programs on which the simulator and this machine's kernel disagree."""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Any

from rich.console import Console

from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.kernels import Result
from ptlab.kernels.live import NoKernel, Recorder, RecorderError, modelled_kernel

_EPILOG = """\
examples:
  ptlab fuzz                     one minute, another seed each time
  ptlab fuzz --minutes 10        longer
  ptlab fuzz --seed 7            the same programs again

Each program is played on this machine's kernel (Linux on x86-64) and on the simulator, and all rows
are compared. A program on which they differ is cut down to the smallest one that still differs, and
printed as a scenario file.

exit status: 0 none was found, 1 one was, 2 bad usage, or nothing can be recorded here"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "fuzz",
        description="Play random programs on this machine's kernel and on the simulator.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, help="where to begin (default: anywhere)")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Search until the time is over or a disagreement is found."""
    try:
        from ptlab.kernels.fuzz import Disagreement, search
    except ModuleNotFoundError as error:
        install = f"{sys.executable} -m pip install {error.name}"
        raise BadInput(f"ptlab fuzz needs {error.name}: {install}") from error
    if args.minutes < 0:
        raise BadInput(f"--minutes {args.minutes:g}: a search takes 0 minutes or more")
    seed = random.randrange(10**6) if args.seed is None else args.seed
    end = time.monotonic() + 60 * args.minutes
    programs = ops = cut_short = 0

    def count(result: Result) -> None:
        nonlocal programs, ops, cut_short
        programs += 1
        ops += result.ops
        cut_short += result.unsupported is not None
        status.update(f"seed {seed}: {programs} programs, {ops} ops agree")

    try:
        with Recorder() as recorder, Console(stderr=True).status("") as status:
            kernel = modelled_kernel(recorder)
            print(f"Linux {kernel.release}, simulated as {kernel.profile} with {kernel.scheme}")
            print(f"first seed: {seed}", flush=True)
            while True:
                search(recorder, kernel, seed, after_each=count)
                seed += 1
                if time.monotonic() > end:
                    break
    except Disagreement as found:
        print(f"seed {seed}: they disagree\n{found}")
        return 1
    except (NoKernel, RecorderError) as error:
        raise BadInput(str(error)) from error
    print(f"{programs} programs, {ops} ops: all agree")
    if cut_short:
        print(f"{cut_short} of the programs ended early, at an op that is not modelled yet")
    return 0
