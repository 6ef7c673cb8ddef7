"""`ptlab measure`: one workload, every design of the debate, side by side."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ptlab.base.kernel_versions import PROFILES
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines, tell
from ptlab.cli.scenarios import scenarios
from ptlab.cli.show import designs_table, say, show
from ptlab.cli.target import check_target
from ptlab.costs.findings import MEMORY, MEMORY_NOTE, PRICE, PRICE_NOTE, Column, locks
from ptlab.costs.measure import KERNEL, measure
from ptlab.costs.measurement import Measurement
from ptlab.costs.side_by_side import Measurements
from ptlab.costs.workloads import WORKLOADS, program
from ptlab.scenario import Scenario
from ptlab.schemes import SCHEMES

_EPILOG = """\
examples:
  ptlab measure                                    the workloads there are
  ptlab measure cover-letter                       all nine designs
  ptlab measure halves --schemes pt_reclaim,pte_refcount
  ptlab measure lesson.txt --json                  one JSON object a line for each design

workloads:
  {workloads}
and every scenario that `ptlab run` lists. "End" means: the workload is done, the design has done its
work in the background, and the last munmap has not run yet."""

_BARS = " ▁▂▃▄▅▆▇█"
_FEWEST_BARS, _MOST_BARS = 8, 24


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "measure",
        description="Run a workload under the designs of the debate; show VmPTE and costs.",
        epilog=_EPILOG.format(workloads="\n  ".join(_listed())),
        formatter_class=Lines,
    )
    parser.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="*",
        help="a workload, a built-in scenario, or a scenario file and names in it",
    )
    parser.add_argument("--schemes", help="names with commas between (default: all nine)")
    parser.add_argument(
        "--kernel", choices=PROFILES, default=KERNEL, help=f"for all of them (default: {KERNEL})"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the workloads that are random (default: 0)"
    )
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="write VmPTE over time as a picture"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Measure what was asked for, or list the workloads."""
    if not args.scenarios:
        print(*_listed(), "and every scenario that `ptlab run` lists", sep="\n")
        return 0
    schemes = _named(args.schemes) if args.schemes is not None else list(SCHEMES)
    chosen = _chosen(args.scenarios, args.seed)
    if args.svg and len(chosen) > 1:
        raise BadInput(f"--svg takes one picture, but there are {len(chosen)} scenarios")
    if args.svg:
        check_target("--svg", args.svg)
    console = Console(highlight=False)
    for scenario in chosen:
        try:
            measured = _measured(scenario, schemes, args.kernel)
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


def _measured(scenario: Scenario, schemes: list[str], kernel: str) -> Measurements:
    """Measure, and tell on stderr which designs are done: a big workload takes minutes."""
    finished: list[str] = []

    def done(scheme: str) -> None:
        finished.append(scheme)
        line.update(f"{scenario.name}: {len(finished)} of {len(schemes)} designs done")

    with Console(stderr=True).status(f"{scenario.name} ...") as line:
        return measure(scenario, *schemes, kernel=kernel, parallel=True, done=done)


def _named(text: str) -> list[str]:
    """The designs of --schemes, each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise BadInput(f"--schemes names no design; there are {', '.join(SCHEMES)}")
    return names


def _listed() -> list[str]:
    """The workloads, one a line."""
    return [f"{workload.name:20}{workload.description}" for workload in WORKLOADS.values()]


def _chosen(names: list[str], seed: int) -> list[Scenario]:
    """If one of the names is a workload, none of them is a scenario in a file."""
    if len(names) > 1 and any(name in WORKLOADS for name in names):
        return [scenario for name in names for scenario in _chosen([name], seed)]
    if names[0] in WORKLOADS:  # even if a file has the same name
        return [program(names[0], seed)]
    return scenarios(names[0], names[1:], partial(program, seed=seed))


def _write(path: Path, measured: Measurements) -> None:
    try:
        path.write_text(measured.chart().svg(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    tell(f"VmPTE over time is in {path}")


def _show(console: Console, measured: Measurements) -> None:
    scenario, width = measured.scenario, console.width
    about = f": {scenario.description}" if scenario.description else ""
    title = f"{scenario.name} on Linux {measured[0].kernel}{about}"
    console.print(title, style="bold", markup=False)
    highest = max(m.peak_kb for m in measured)
    room = (
        width - 2 - max(len(m.scheme) for m in measured) - sum(_width(c, measured) for c in MEMORY)
    )
    bars = min(max(room - 1, _FEWEST_BARS), _MOST_BARS)
    memory = designs_table(
        MEMORY, "over time,\nup to the\nhighest peak" if bars > 11 else "over\ntime"
    )
    price = designs_table(PRICE)
    for m in measured:
        memory.add_row(m.scheme, *(c.cell(m) for c in MEMORY), _sparkline(m, highest, bars))
        price.add_row(m.scheme, *(c.cell(m.costs) for c in PRICE))
    console.print("\nVmPTE, and the tables that are left at the end")
    show(memory)
    say(console, width, MEMORY_NOTE)
    console.print("\nWhat it took")
    show(price)
    say(console, width, PRICE_NOTE)
    console.print("\nHow often which lock was taken")
    for m in measured:
        taken = [
            f"{c.heading} {c.cell(m.costs)}" for c in locks(measured) if m.costs.locks[c.heading]
        ]
        say(console, width, f"{m.scheme}: {', '.join(taken)}")
    console.print()
    for m, text in zip(measured, measured.verdicts().values(), strict=True):
        say(console, width, f"{m.scheme}: {text}")
        say(console, width, m.fate, "  ")
    console.print()


def _width(column: Column[Measurement], measured: Measurements) -> int:
    """How many characters a column takes, with the space before it."""
    return 1 + max(map(len, [*column.heading.split(), *(column.cell(m) for m in measured)]))


def _sparkline(m: Measurement, highest: int, width: int) -> str:
    """The highest VmPTE in each of `width` stretches of the run, as bars."""
    last = max(m.costs.faults, 1)
    peaks = [0] * width
    ends = [*m.track[1:], (last, m.track[-1][1])]
    for (start, held), (stop, _) in zip(m.track, ends, strict=True):
        first = min(start * width // last, width - 1)
        for i in range(first, min(stop * width // last, width - 1) + 1):
            peaks[i] = max(peaks[i], held)
    top = len(_BARS) - 1
    return "".join(_BARS[min(-(-kb * top // max(highest, 1)), top)] for kb in peaks)
