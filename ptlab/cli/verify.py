"""`ptlab verify`: compare the simulator with what real kernels did, or with this machine's."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ptlab.base.lines import wrapped
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, tell
from ptlab.cli.record import add_times, warn_of_unstable
from ptlab.cli.scenarios import named
from ptlab.cli.show import show
from ptlab.kernels import KERNELS, Result, verify
from ptlab.kernels.judge import judge
from ptlab.kernels.live import (
    NoKernel,
    Recorder,
    RecorderError,
    beside_promises,
    modelled_kernel,
    why_not,
)
from ptlab.scenario import Scenario
from ptlab.scenario.builtin import builtin

_EPILOG = """\
examples:
  ptlab verify                            every recorded kernel
  ptlab verify --kernel 6.1 --kernel 7.3  two of them
  ptlab verify --live                     the kernel of this machine (some minutes)
  ptlab verify --live B01_dontneed_2M     one scenario on it
  ptlab verify --json                     one JSON object a line for each scenario

exit status: 0 every compared op agrees, 1 some op differs"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "verify",
        description="Play scenarios, and compare each operation with what Linux does.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument(
        "--kernel",
        action="append",
        choices=KERNELS,
        help="a recorded kernel; may be given more than once (all)",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="built-in scenarios (all)")
    parser.add_argument(
        "--live", action="store_true", help="record on this machine's kernel and compare with that"
    )
    add_times(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Compare, and print where the two differ."""
    chosen = named(args.names)
    if args.live and args.kernel:
        raise BadInput("--live compares with the kernel of this machine: leave out --kernel")
    found = _live(chosen, args.times) if args.live else _recorded(args.kernel or KERNELS, chosen)
    results = []
    with Console(stderr=True).status("") as status:  # shows only on a terminal
        for result in found:
            status.update(f"Linux {result.kernel}: {result.scenario}")
            results.append(result)
            if args.json:
                print(json.dumps(_record(result)), flush=True)
    if not args.json and results:
        _show(results)
    return 1 if any(result.differences for result in results) else 0


def _recorded(kernels: Iterable[str], chosen: list[Scenario]) -> Iterator[Result]:
    for kernel in kernels:
        yield from verify(kernel, [scenario.name for scenario in chosen])


def _live(chosen: list[Scenario], times: int) -> Iterator[Result]:
    try:
        with Recorder() as recorder:
            kernel = modelled_kernel(recorder)
            for scenario in chosen or builtin().values():
                reason = why_not(scenario, kernel)
                if reason:
                    tell(f"{scenario.name} is skipped: {reason}")
                    continue
                scenario = beside_promises(scenario)
                rows = recorder.record(scenario, times)
                warn_of_unstable(scenario, rows)
                yield judge(scenario, kernel, rows)
    except NoKernel as reason:
        tell(f"skipped: {reason}")
    except RecorderError as error:
        raise BadInput(str(error)) from error


def _record(result: Result) -> dict[str, Any]:
    return {
        "kernel": result.kernel,
        "scenario": result.scenario,
        "group": result.group,
        "ops": result.ops,
        "ops_that_differ": result.ops_that_differ,
        "differences": [difference._asdict() for difference in result.differences],
        "unsupported": result.unsupported,
    }


def _show(results: list[Result]) -> None:
    console = Console()
    table = Table(
        title="The simulator against real kernels", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("kernel", no_wrap=True)
    table.add_column("group", no_wrap=True)
    for heading in ("scenarios", "ops\ncompared", "ops that\ndiffer", "scenarios\ncut short"):
        table.add_column(heading, justify="right", no_wrap=True)
    for kernel, of_kernel in _grouped(results, "kernel"):
        for group, of_group in _grouped(of_kernel, "group"):
            table.add_row(kernel, escape(group), *_sums(of_group))
        table.add_row(kernel, "all", *_sums(of_kernel), style="bold", end_section=True)
    show(table)
    if any(result.unsupported for result in results):
        console.print("Cut short: the comparison ended at an op that is not modelled yet.")
    for result in results:
        if result.differences:
            console.print(f"{result.kernel} {result.scenario}", markup=False, highlight=False)
        for number, op, field, recorded, simulated in result.differences:
            console.print(
                wrapped(
                    f"op {number}, {op}: {field} is {simulated}, Linux says {recorded}",
                    "  ",
                    "    ",
                ),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _grouped(results: list[Result], field: str) -> list[tuple[str, list[Result]]]:
    """Neighbouring results with the same kernel or group."""
    return [(key, list(same)) for key, same in groupby(results, attrgetter(field))]


def _sums(results: list[Result]) -> list[str]:
    return [
        str(len(results)),
        str(sum(result.ops for result in results)),
        str(sum(result.ops_that_differ for result in results)),
        str(sum(result.unsupported is not None for result in results)),
    ]
