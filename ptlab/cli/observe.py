"""`ptlab observe`: what the page tables of running processes are made of."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ptlab.base.geometry import PAGE_SIZE
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.cli.show import say, show
from ptlab.observe.advice import advice
from ptlab.observe.every_process import Summary, every_process, page_table_kb, shared_files
from ptlab.observe.metrics import openmetrics
from ptlab.observe.observation import end_of_path
from ptlab.observe.observe import CannotObserve, observe

_PATH = 48  # characters of a file's name beside two columns of numbers
_WORTH = 1 << 20  # bytes of page tables: what huge pages save below that is not said

_EPILOG = """\
examples:
  ptlab observe                   the shell that you type in
  ptlab observe 4242              one process
  ptlab observe 4242 --locate     also where its empty tables are, and what would free them
  ptlab observe 4242 --json       one object: pud, pmd, pte, deposited, empty, still, mappings, ...
  ptlab observe --all             every process, and the files that several of them map
  ptlab observe --all --openmetrics > page_tables.prom

VmPTE = tables with an entry + deposited tables (one for each anonymous huge page) + empty tables.
Linux on x86-64. Nothing is stopped, written or set. Only root sees more than VmPTE of another
user's process.

exit status: 0 done, 2 no such process, or no permission to look at it"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "observe",
        description="Show how many page-table pages a process has, by level, and how many are empty.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("pid", metavar="PID", nargs="?", type=int, help="default: the parent shell")
    parser.add_argument("--all", action="store_true", help="every process of this machine")
    parser.add_argument("--locate", action="store_true", help="also where empty PTE pages are")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line for each process")
    form.add_argument("--openmetrics", action="store_true", help="the text that Prometheus reads")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Look at what was asked for."""
    if args.all and args.pid is not None:
        raise BadInput(f"observe: --all is every process: leave PID {args.pid} out, or --all")
    try:
        processes = (
            list(every_process()) if args.all else [_one(args.pid or os.getppid(), args.locate)]
        )
    except (CannotObserve, ValueError) as error:
        raise BadInput(f"observe: {error}") from error
    if args.openmetrics:
        print(openmetrics(processes), end="")
    elif args.json:
        for one in processes:
            plain = {"pid": one.pid, "name": one.name, "vmpte_kb": one.vmpte_kb}
            print(json.dumps(one.observation.as_dict() if one.observation else plain))
    elif args.all:
        _show_all(processes)
    else:
        seen = processes[0].observation
        assert seen is not None  # or CannotObserve was raised
        print(seen)
        console = Console(highlight=False)
        for sentence in advice(seen):
            say(console, console.width, sentence)
    return 0


def _one(pid: int, locate: bool) -> Summary:
    seen = observe(pid, locate)
    return Summary(pid, seen.name, seen.vmpte_kb, seen)


def _show_all(processes: list[Summary]) -> None:
    """Two tables: the processes, and the files that several of them map."""
    table = Table(box=box.SIMPLE_HEAD)
    numbers = ("PID", "VmPTE\nkB", "PUD", "PMD", "PTE", "deposited", "empty")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("process")
    for one in processes:
        seen = one.observation
        cells = [*map(str, seen.counts.values())] if seen else ["-"] * 5
        moving = "" if seen is None or seen.still else " (did not hold still)"
        table.add_row(str(one.pid), str(one.vmpte_kb), *cells, escape(one.name) + moving)
    show(table)
    total = sum(one.vmpte_kb for one in processes)
    refused = sum(one.observation is None for one in processes)
    print(f"VmPTE of {len(processes)} processes: {total} kB.")
    print(f"All page tables of the machine, with the PGD of each process: {page_table_kb()} kB.")
    if refused:
        print(
            f"{refused} of the processes (-) belong to other users or protect themselves: "
            "only root may look at them."
        )
    shared = shared_files(one.observation for one in processes if one.observation)
    if shared:
        files = Table(box=box.SIMPLE_HEAD)
        files.add_column("PTE pages", justify="right", no_wrap=True)
        files.add_column("processes", justify="right", no_wrap=True)
        files.add_column("file that several processes map")
        for each in shared:
            name = end_of_path(each.name, _PATH)
            files.add_row(str(each.pte_pages), str(each.processes), escape(name))
        show(files)
        console = Console(highlight=False)
        for each in shared:
            if each.huge * PAGE_SIZE >= _WORTH:
                say(console, console.width, each.sentence)
