"""`ptlab run`: play scenarios, and show the numbers after each operation."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ptlab.base.kernel_versions import PROFILES
from ptlab.base.lines import wrapped
from ptlab.cli import cover_letter, measure
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, tell
from ptlab.cli.progress import bars
from ptlab.cli.scenarios import scenarios
from ptlab.cli.show import show
from ptlab.costs.measure import KERNEL
from ptlab.costs.workloads import WORKLOADS
from ptlab.process.process import Process
from ptlab.scenario import Row, Scenario, play
from ptlab.scenario.builtin import builtin, find
from ptlab.scenario.operation import Operation
from ptlab.scenario.operations import OPERATIONS
from ptlab.scenario.player import shown
from ptlab.schemes import SCHEMES
from ptlab.state.machine import GRAINS
from ptlab.story.story import tell as told

_EPILOG = """\
examples:
  ptlab run                                        the scenarios there are
  ptlab run life-of-a-pte-page                     on Linux 6.18
  ptlab run life-of-a-pte-page --scheme pte_refcount
  ptlab run B01_dontneed_2M B04_dontneed_unaligned --kernel 6.1
  ptlab run lesson.txt                             every scenario of a file
  ptlab run lesson.txt first second --json         two of them, one JSON object a line
  ptlab run life-of-a-pte-page --grain entry --perfetto life.json
  ptlab run cover-letter                           the 50 GB loop of 2021 under three schemes
  ptlab run production-snapshot                    the server of the mail under all nine designs
  ptlab run postgresql --scheme unmap_only         500 backends over 8 GiB of shared memory

operations of a scenario file, one on a line (docs/scenario_language.md explains each):
{operations}

scenarios for learners:
  {teaching}
and {others} that real kernels were recorded with, from {first} to {last}."""

# The first three are numbers of page-table pages, by level.
_COLUMNS = {
    "PUD": "pud",
    "PMD": "pmd",
    "PTE": "pte",
    "VmPTE\nkB": "pte_kb",
    "RSS\nkB": "rss_kb",
    "VMAs": "vmas",
    "faults": "minflt",
}


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    known = builtin()
    teaching = [scenario.name for scenario in known.values() if scenario.group == "teaching"]
    others = [name for name in known if name not in teaching]
    parser = commands.add_parser(
        "run",
        description="Play scenarios. After each operation, show page-table pages, VmPTE and RSS.",
        epilog=_EPILOG.format(
            operations="\n".join(map(_usage, OPERATIONS.values())),
            teaching="\n  ".join(teaching),
            others=len(others),
            first=others[0],
            last=others[-1],
        ),
        formatter_class=Lines,
    )
    parser.add_argument(
        "file", metavar="FILE|NAME", nargs="?", help="a scenario file or a built-in scenario"
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="scenarios of the file, or more")
    parser.add_argument(
        "--kernel", choices=PROFILES, help="the Linux version (default: the scheme's own, or 6.18)"
    )
    parser.add_argument(
        "--scheme",
        choices=SCHEMES,
        metavar="DESIGN",
        help="what frees PTE pages: %(choices)s (default: what the kernel ships)",
    )
    parser.add_argument(
        "--levels", type=int, choices=(4, 5), default=4, help="of page tables (default: 4)"
    )
    parser.add_argument(
        "--grain", choices=GRAINS, default="range", help="what one step covers (default: range)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--perfetto",
        metavar="OUT",
        help="also write the steps of one scenario as a trace that ui.perfetto.dev opens",
    )
    parser.set_defaults(command=command)


def _usage(operation: type[Operation]) -> str:
    return textwrap.fill(
        operation.usage, 78, initial_indent="  ", subsequent_indent=" " * 8, break_on_hyphens=False
    )


def command(args: argparse.Namespace) -> int:
    """Play what was asked for, or list the scenarios."""
    if args.file is None:
        _list()
        return 0
    if args.file in WORKLOADS and args.file not in builtin():
        return _workload(args)
    chosen = scenarios(args.file, args.names)
    if args.perfetto:
        _write_perfetto(chosen, args)
    if chosen == [find("cover-letter")] and not (args.json or args.scheme or args.kernel):
        cover_letter.show(chosen[0], args.levels, args.grain)
        return 0
    for scenario in chosen:
        process = Process(args.scheme, args.kernel, args.levels, args.grain, record=False)
        with bars() as progress:
            rows = list(play(process, scenario, progress(scenario.name)))
        if args.json:
            print(json.dumps(_record(process, scenario, rows)), flush=True)
        else:
            _show(process, scenario, rows)
        if "unsupported" in rows[-1]:
            tell(f"{scenario.name} ends at {rows[-1]['op']!r}: {rows[-1]['why']}")
    return 0


def _write_perfetto(chosen: list[Scenario], args: argparse.Namespace) -> None:
    if len(chosen) != 1:
        raise BadInput(f"--perfetto writes one scenario, and here are {len(chosen)}: name one")
    try:
        story = told(chosen[0], args.scheme, args.kernel, args.levels, args.grain)
        story.export_perfetto(args.perfetto)
    except OSError as error:
        raise BadInput(f"run: {args.perfetto}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"run: {error}") from error


def _workload(args: argparse.Namespace) -> int:
    """A workload has thousands of operations: `ptlab measure` shows what it comes to.

    Under every design, or under the one of --scheme.
    """
    if args.names:
        raise BadInput(f"{args.file} is a workload: run it alone, or give all to `ptlab measure`")
    if args.perfetto:
        raise BadInput(
            f"--perfetto: {args.file} is a workload, with too many steps for a time line"
        )
    asked = vars(args) | {"scenarios": [args.file], "schemes": args.scheme, "seed": 0, "svg": None}
    asked["kernel"] = args.kernel or KERNEL
    return measure.command(argparse.Namespace(**asked))


def _list() -> None:
    """Those for learners with what they show, the others by their group."""
    width = Console().width
    for group, members in groupby(builtin().values(), attrgetter("group")):
        if group == "teaching":
            for one in members:
                print(wrapped(one.description, f"{one.name:32}"))
            continue
        names = [one.name for one in members]
        listed = f"{names[0]} to {names[-1]}" if group == "R random" else ", ".join(names)
        print(textwrap.fill(f"{group}: {listed}", width, subsequent_indent="  "))


def _record(process: Process, scenario: Scenario, rows: list[Row]) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "kernel": process.kernel,
        "scheme": process.scheme.name,
        "steps": rows,
    }


def _show(process: Process, scenario: Scenario, rows: Iterable[Row]) -> None:
    console = Console(highlight=False)
    heading = f"{scenario.name} under {process.scheme.name} on Linux {process.kernel}"
    console.print(heading, style="bold", markup=False)
    if scenario.description:
        console.print(scenario.description, markup=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("op", overflow="fold")
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("result", no_wrap=True)
    for row in rows:
        child = "child: " if row["who"] == "c" else ""
        table.add_row(escape(child + shown(str(row["op"]))), *_cells(row))
    show(table)


def _cells(row: Row) -> list[str]:
    if "unsupported" in row:
        return [*[""] * len(_COLUMNS), "not modelled"]
    result = f"SIGSEGV x{row['sig']}" if row["sig"] else str(row["err"] or "ok")
    return [*(str(row[field]) for field in _COLUMNS.values()), result]
