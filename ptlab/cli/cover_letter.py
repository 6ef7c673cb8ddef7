"""`ptlab run cover-letter`: the loop that the 2021 series was measured with, and every kB of it.

The two numbers of the mail are from Qi Zheng, "[PATCH v3 00/15] Free user PTE page table pages",
Message-Id <20211110105428.32458-1-zhengqi.arch@bytedance.com>.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ptlab.cli.progress import bars
from ptlab.cli.show import show as show_table
from ptlab.kernels import recorded
from ptlab.process.process import Process
from ptlab.scenario import Scenario, play

MAIL = "<20211110105428.32458-1-zhengqi.arch@bytedance.com>"
IN_THE_MAIL = {"unmap_only": 102640, "pte_refcount": 248}
"""VmPTE in kB that the mail reports: without the series, and with it."""

_SCHEMES = ("unmap_only", "pte_refcount", "pt_reclaim")
_RECORDED_ON = {"unmap_only": "6.1", "pt_reclaim": "6.18"}
_RECORDED_AS = "I04_cover_50G"


def show(scenario: Scenario, levels: int, grain: str) -> None:
    """Play the loop under three schemes, with progress bars, and account for every kB."""
    rows = {}
    fates = []
    with bars() as progress:
        moves = {scheme: progress(scheme) for scheme in _SCHEMES}
        for scheme in _SCHEMES:
            process = Process(scheme=scheme, levels=levels, grain=grain, record=False)
            fates.append(f"{scheme}: {process.scheme.fate}")
            rows[scheme] = _after_the_loop(play(process, scenario, moves[scheme]))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{scenario.name}: {scenario.description}")
    show_table(_table(rows))
    for fate in fates:
        console.print(fate)
    console.print("\nThe two numbers of the mail, page by page of 4 kB:")
    for scheme, kb in IN_THE_MAIL.items():
        console.print(f"  {scheme}: {_account(kb, rows[scheme])}")
    console.print(
        "The last term is the rest of the process that was measured: the page tables of its code,\n"
        "heap, stack and libraries, which the simulated process does not have.\n"
        f"The mail: Qi Zheng, 10 November 2021, Message-Id {MAIL}"
    )


def _after_the_loop(steps: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(step for step in steps if step["op"].startswith("cover "))


def _table(rows: dict[str, Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("after the loop", no_wrap=True)
    for scheme in _SCHEMES:
        table.add_column(scheme, justify="right", no_wrap=True)
    fields = {
        "page faults": "minflt",
        "PTE pages": "pte",
        "PMD pages": "pmd",
        "PUD pages": "pud",
        "VmPTE in kB, simulated": "pte_kb",
    }
    for label, field in fields.items():
        table.add_row(label, *(str(rows[scheme][field]) for scheme in _SCHEMES))
    table.add_row("VmPTE in kB, recorded on Linux", *(_recorded(scheme) for scheme in _SCHEMES))
    table.add_row("VmPTE in kB, in the mail", *(str(IN_THE_MAIL.get(s, "-")) for s in _SCHEMES))
    return table


def _recorded(scheme: str) -> str:
    """What VmPTE grew by when a real kernel that has this scheme ran the loop."""
    kernel = _RECORDED_ON.get(scheme)
    if kernel is None:
        return "-"
    trace = next(trace for trace in recorded(kernel) if trace.scenario == _RECORDED_AS)
    return f"{_after_the_loop(trace.steps)['pte_kb']} ({kernel})"


def _account(kb: int, row: Mapping[str, Any]) -> str:
    """A number of the mail as a sum of tables and the rest."""
    tables = " + ".join(
        f"{row[level]} {level.upper()} {'page' if row[level] == 1 else 'pages'} x 4"
        for level in ("pte", "pmd", "pud")
    )
    return f"{kb} kB = {tables} + {kb - row['pte_kb']} kB"
