"""`ptlab record`: play scenarios on this machine's kernel."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console

from ptlab.base.errors import NotModelled
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, tell
from ptlab.cli.scenarios import scenarios
from ptlab.kernels.live import (
    Kernel,
    NoKernel,
    Recorder,
    RecorderError,
    beside_promises,
    needs_huge_pages,
    this_kernel,
)
from ptlab.scenario import Row, Scenario

_EPILOG = """\
examples:
  ptlab record B01_dontneed_2M                a built-in scenario
  ptlab record lesson.txt first second        two scenarios of a file
  ptlab record lesson.txt > lesson.json       all of it, one JSON object a line, as ptlab run --json

It installs nothing and needs no privilege, but only root sees which entries map the zero page, and
only root can set the pool of huge pages (`hugepages`); the pool is put back.
pud, pmd and pte are null: a process can read the sum of its tables (pte_kb), not the levels.
A field in which the repetitions did not agree is null too; "unstable" names it.

exit status: 0 all were recorded, 2 bad input, or nothing can be recorded here"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "record",
        description="Play scenarios on this machine's kernel (Linux on x86-64); print the rows.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("file", metavar="FILE|NAME", help="a scenario file or a built-in scenario")
    parser.add_argument("names", metavar="NAME", nargs="*", help="scenarios of the file, or more")
    add_times(parser)
    parser.set_defaults(command=command)


def add_times(parser: argparse.ArgumentParser) -> None:
    """Add the option for the number of repetitions."""
    parser.add_argument(
        "--times",
        type=int,
        choices=range(1, 100),
        default=3,
        metavar="N",
        help="how often each is played; all must agree (default: 3)",
    )


def command(args: argparse.Namespace) -> int:
    """Record what was asked for."""
    chosen = scenarios(args.file, args.names)
    try:
        with Recorder() as recorder, Console(stderr=True).status("") as status:
            kernel = this_kernel(recorder)
            for scenario in chosen:
                status.update(f"Linux {kernel.release}: {scenario.name}")
                if needs_huge_pages(scenario) and not kernel.like_the_recordings:
                    tell(f"{scenario.name}: {kernel.huge_pages_text}")
                rows = recorder.record(beside_promises(scenario), args.times)
                warn_of_unstable(scenario, rows)
                print(json.dumps(_record(kernel, scenario, rows)), flush=True)
    except (NoKernel, NotModelled, RecorderError) as error:
        raise BadInput(str(error)) from error
    return 0


def _record(kernel: Kernel, scenario: Scenario, rows: list[Row]) -> dict[str, Any]:
    unstable = {field: None for row in rows for field in row.pop("unstable", {})}
    return {
        "scenario": scenario.name,
        "kernel": kernel.name,
        "release": kernel.release,
        "scheme": kernel.scheme,
        "unstable": list(unstable),
        "steps": rows,
    }


def warn_of_unstable(scenario: Scenario, rows: list[Row]) -> None:
    """Say on stderr in which fields the repetitions did not agree."""
    for number, row in enumerate(rows):
        for field, values in row.get("unstable", {}).items():
            said = ", ".join(map(str, values))
            tell(f"{scenario.name}: op {number}, {row['op']}: {field} was {said} by turns")
