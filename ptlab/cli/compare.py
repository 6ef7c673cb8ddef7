"""`ptlab compare`: one workload, every design of the debate, side by side."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ptlab.cli.bad_input import BadInput
from ptlab.cli.scenarios import scenarios
from ptlab.comparison import COLUMNS, KERNEL, Measurement, Measurements, measure
from ptlab.profiles import PROFILES
from ptlab.scenario import Scenario
from ptlab.schemes import SCHEMES
from ptlab.workloads import WORKLOADS

_EPILOG = """\
examples:
  ptlab compare cover-letter                       all nine designs
  ptlab compare halves --schemes pt_reclaim,pte_refcount
  ptlab compare lesson.txt --json                  one JSON object a line for each design

workloads:
  {workloads}
and every scenario that `ptlab run` knows. The end is when the workload has done its work and the
design has done what it does in the background, before the last munmap."""

_BARS = " ▁▂▃▄▅▆▇█"
_COSTS_FROM = 6  # COLUMNS before are about memory
_WIDTH = 24


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    told = "\n  ".join(f"{w.name:20}{w.description}" for w in WORKLOADS.values())
    parser = commands.add_parser(
        "compare",
        help="one workload under every design: memory and price",
        description="Run a workload under the designs of the debate; compare VmPTE and costs.",
        epilog=_EPILOG.format(workloads=told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="+",
        help="a workload, a built-in scenario, or a scenario file and names in it",
    )
    parser.add_argument("--schemes", help="names with commas between (default: all nine)")
    parser.add_argument(
        "--kernel", choices=PROFILES, default=KERNEL, help=f"for all of them (default: {KERNEL})"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the workloads that are random (default: 0)"
    )
    parser.add_argument("--svg", metavar="FILE", help="write VmPTE over time as a picture")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Measure what was asked for."""
    schemes = args.schemes.split(",") if args.schemes else list(SCHEMES)
    chosen = _chosen(args.scenarios, args.seed)
    if args.svg and len(chosen) > 1:
        raise BadInput(f"--svg takes one picture, but there are {len(chosen)} scenarios")
    console = Console(highlight=False)
    for scenario in chosen:
        try:
            with Console(stderr=True).status(f"{scenario.name} ..."):
                measured = measure(scenario, *schemes, kernel=args.kernel, parallel=True)
        except ValueError as error:
            raise BadInput(str(error)) from error
        if args.json:
            for m in measured:
                print(json.dumps(m.as_dict()), flush=True)
        else:
            _show(console, measured)
        if args.svg:
            _write(args.svg, measured)
    return 0


def _chosen(names: list[str], seed: int) -> list[Scenario]:
    if all(name in WORKLOADS for name in names):
        return [WORKLOADS[name].scenario(seed) for name in names]
    if any(name in WORKLOADS for name in names):
        return [s for name in names for s in _chosen([name], seed)]
    return scenarios(names[0], names[1:])


def _write(path: str, measured: Measurements) -> None:
    try:
        Path(path).write_text(measured.chart().svg(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    print(f"VmPTE over time is in {path}", file=sys.stderr)


def _show(console: Console, measured: Measurements) -> None:
    scenario = measured.scenario
    console.print(
        f"{scenario.name} on Linux {measured[0].kernel}: {scenario.description}",
        style="bold",
        markup=False,
    )
    highest = max(m.peak_kb for m in measured)
    memory = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    memory.add_column("design", no_wrap=True)
    memory.add_column(f"VmPTE over time, up to {highest} kB", no_wrap=True)
    for name, _ in COLUMNS[:_COSTS_FROM]:
        memory.add_column(name, justify="right", no_wrap=True)
    costs = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    costs.add_column("design", no_wrap=True)
    for name, _ in COLUMNS[_COSTS_FROM:]:
        costs.add_column(name, justify="right")
    for m in measured:
        cells = [cell(m) for _, cell in COLUMNS]
        memory.add_row(m.scheme, _sparkline(m, highest), *cells[:_COSTS_FROM])
        costs.add_row(m.scheme, *cells[_COSTS_FROM:])
    console.print(memory)
    console.print(costs)
    for name, text in measured.verdicts().items():
        console.print(f"{name}: {text}", markup=False)
    console.print()


def _sparkline(m: Measurement, highest: int) -> str:
    """The highest VmPTE in each of _WIDTH stretches of the run, as bars."""
    last = max(m.costs.faults, 1)
    peaks = [0] * _WIDTH
    ends = [*m.track[1:], (last, m.track[-1][1])]
    for (start, kb), (stop, _) in zip(m.track, ends, strict=True):
        first = min(start * _WIDTH // last, _WIDTH - 1)
        for i in range(first, min(stop * _WIDTH // last, _WIDTH - 1) + 1):
            peaks[i] = max(peaks[i], kb)
    top = len(_BARS) - 1
    return "".join(_BARS[min(-(-kb * top // max(highest, 1)), top)] for kb in peaks)
