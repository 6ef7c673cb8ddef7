"""`ptlab replay`: a recorded program under every design."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.cli.show import designs_table, say, show
from ptlab.cli.trace import DEFAULT_FILE
from ptlab.costs.findings import PRICE, PRICE_NOTE
from ptlab.trace.carried import CARRIED, OLDER
from ptlab.trace.perfetto import write_perfetto
from ptlab.trace.replay import Replay, replay

_EPILOG = """\
examples:
  ptlab replay redis.trace
  ptlab replay redis.trace --scheme pt_reclaim --scheme pte_refcount
  ptlab replay redis.trace --json     one object for each design
  ptlab replay redis.trace --perfetto redis.json
  ptlab replay jemalloc               a recording that ptlab carries
  ptlab replay server.strace          the text of strace -f -ttt -e trace=memory,process

equal: the samples at which the real VmPTE is what the design would have. For the design that
the recorded kernel has, these should be all.

carried recordings:
  CARRIED

exit status: 0 done, 2 there is no such file, or it is no trace"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "replay",
        description="Play a recording of `ptlab trace` under each design.",
        epilog=_EPILOG.replace("CARRIED", ", ".join([*CARRIED, *OLDER])),
        formatter_class=Lines,
    )
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, default=Path(DEFAULT_FILE))
    parser.add_argument("--scheme", metavar="NAME", action="append", default=[])
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line for each design"
    )
    parser.add_argument(
        "--perfetto",
        metavar="OUT",
        type=Path,
        help="also write a trace in JSON that ui.perfetto.dev opens",
    )
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Replay and print."""
    try:
        played = replay(args.file, *args.scheme, parallel=True)
    except OSError as error:
        raise BadInput(f"replay: {args.file}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"replay: {error}") from error
    if args.perfetto:
        try:
            write_perfetto(played, args.perfetto)
        except OSError as error:
            raise BadInput(f"replay: {args.perfetto}: {error.strerror}") from error
    if args.json:
        for one in played.objects():
            print(json.dumps(one))
    else:
        _show(played)
    return 0


def _show(played: Replay) -> None:
    trace, bounds = played.trace, bool(played.least)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("design")
    for name in ("peak kB", "end kB", *([] if bounds else [f"equal of {trace.samples}"])):
        table.add_column(name, justify="right", no_wrap=True)
    if not bounds:
        kernel = trace.about.get("kernel", "?")
        real = (str(played.real_peak_kb), str(played.real_end_kb), "")
        table.add_row(f"measured, Linux {kernel}", *real)
    for number, one in enumerate(played):
        if bounds:
            low = played.least[number]
            cells = [f"{low.peak_kb} to {one.peak_kb}", f"{low.end_kb} to {one.end_kb}"]
        else:
            cells = [str(one.peak_kb), str(one.end_kb), str(played.equal(one))]
        table.add_row(one.scheme, *cells)
    print(played.trace)
    show(table)
    console = Console(highlight=False)
    if not bounds:
        print("What it took, up to the last exit")
        price = designs_table(PRICE)
        for one in played:
            price.add_row(one.scheme, *(column.cell(one.costs) for column in PRICE))
        show(price)
        say(console, console.width, PRICE_NOTE)
        print()
    for sentence in played.sentences().values():
        say(console, console.width, sentence)
