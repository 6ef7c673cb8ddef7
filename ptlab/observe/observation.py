"""The account of a process's VmPTE, and how it is shown: text, a dict for JSON, HTML in a notebook."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from ptlab.base.geometry import PAGE_SIZE, PTRS_PER_TABLE
from ptlab.base.lines import WIDTH, wrapped
from ptlab.observe.locate import Located
from ptlab.observe.mapped import Mapped
from ptlab.observe.picture import address_space
from ptlab.observe.rebuild import rebuild
from ptlab.observe.tables import Tables
from ptlab.process.process import Process

_TABLE_KB = PAGE_SIZE >> 10
_MOST = 5000  # runs of pages whose process is rebuilt while one waits for the picture
_BANDS = (1, 2, 8, 32, 128, 256, PTRS_PER_TABLE)
"""The least number of entries of each class of PTE pages in `Observation.occupancy`."""


@dataclass(frozen=True)
class Observation:
    """What the page tables of one process were made of, at one moment.

    vmpte_kb  VmPTE of /proc/PID/status, in kB
    tables    the tables that have an entry, and the deposited ones: seen, so exact
    still     whether the process changed nothing while it was looked at
    spread    the smallest and the largest value that `empty` may have: they differ if it did not
              hold still, or maps device memory, whose tables nothing shows
    mappings  each mapping with its pages and tables
    located   where empty tables are, by time; None if nobody asked
    """

    pid: int
    name: str
    vmpte_kb: int
    tables: Tables
    still: bool
    spread: tuple[int, int]
    mappings: tuple[Mapped, ...]
    located: Located | None = None

    @property
    def empty(self) -> int:
        """Tables without an entry: VmPTE less all tables that were seen."""
        return max(0, self.vmpte_kb // _TABLE_KB - self.tables.total)

    @property
    def occupancy(self) -> dict[str, int]:
        """How many PTE pages have so many entries: {"1": 3, "2-7": 0, ..., "512": 40}."""
        borders = [*_BANDS, PTRS_PER_TABLE + 1]
        counts = np.histogram(self.tables.filled, borders)[0].tolist()
        names = [
            str(low) if after - low == 1 else f"{low}-{after - 1}"
            for low, after in pairwise(borders)
        ]
        return dict(zip(names, counts, strict=True))

    def process(self, scheme: str = "pt_reclaim") -> Process:
        """The same process in the simulator, to go on with, step by step, under a design.

        What it has and what it leaves out, `rebuild` says. It keeps a journal from here on.
        """
        process = rebuild(self.mappings, scheme, self.located)
        process.keep_journal()
        return process

    @property
    def counts(self) -> dict[str, int]:
        """How many tables there are of each kind."""
        return {
            "pud": len(self.tables.pud),
            "pmd": len(self.tables.pmd),
            "pte": len(self.tables.pte),
            "deposited": self.tables.deposited,
            "empty": self.empty,
        }

    def as_dict(self) -> dict[str, Any]:
        """What `ptlab observe --json` prints."""
        return {
            "pid": self.pid,
            "name": self.name,
            "vmpte_kb": self.vmpte_kb,
            **self.counts,
            "empty_least": self.spread[0],
            "empty_most": self.spread[1],
            "still": self.still,
            **self._located(),
            "occupancy": self.occupancy,
            "mappings": [
                {
                    "start": f"{one.mapping.start:#x}",
                    "end": f"{one.mapping.end:#x}",
                    "rights": one.mapping.rights,
                    "kind": str(one.mapping.kind),
                    "name": one.mapping.name,
                    "pages": one.pages,
                    "pte": len(one.tables.pte),
                    "deposited": one.tables.deposited,
                }
                for one in self.mappings
            ],
        }

    def _located(self) -> dict[str, int]:
        if self.located is None:
            return {}
        found = {"located": self.located.total, "located_pmd": len(self.located.upper)}
        return {**found, "doubtful": self.located.doubtful}

    def rows(self) -> list[tuple[str, int, str]]:
        """The account: what, how many tables, and how the number is known."""
        seen = "exact: an entry was seen in each"
        return [
            ("PUD pages", len(self.tables.pud), seen),
            ("PMD pages", len(self.tables.pmd), seen),
            ("PTE pages", len(self.tables.pte), seen),
            (
                "deposited PTE pages",
                self.tables.deposited,
                "exact: one for each anonymous huge page",
            ),
            ("empty tables", self.empty, self._how_empty()),
            *self._where(),
            (
                "VmPTE",
                self.vmpte_kb // _TABLE_KB,
                f"exact: {self.vmpte_kb} kB in /proc/{self.pid}/status",
            ),
        ]

    def _where(self) -> list[tuple[str, int, str]]:
        """How many of the empty tables were located."""
        if self.located is None:
            return []
        doubt = self.located.doubtful
        sure = (
            f"located by time, {doubt} more in doubt" if doubt else "located by time, none in doubt"
        )
        if upper := len(self.located.upper):
            sure += f"; {upper} of them PMD page{'s' if upper > 1 else ''}"
        return [("of them located", self.located.total, sure)]

    def _how_empty(self) -> str:
        """How the number of empty tables is known."""
        least, most = self.spread
        if not self.still:
            return f"the process did not hold still: between {least} and {most}"
        if least < most:
            return f"a bound: {most - least} of them may serve device memory, which no file shows"
        return "exact: VmPTE less the tables above"

    def largest(self, count: int = 8) -> list[tuple[int, str, str]]:
        """What has the most PTE pages: (PTE pages, kind, name). A file's mappings count as one."""
        pages: defaultdict[tuple[str, str], int] = defaultdict(int)
        for one in self.mappings:
            pages[one.mapping.kind, one.mapping.title] += one.pte_pages
        most = sorted(pages.items(), key=itemgetter(1), reverse=True)[:count]
        return [(n, kind, title) for (kind, title), n in most if n]

    def __str__(self) -> str:
        width = max(len(what) for what, _, _ in self.rows())
        lines = [f"process {self.pid} ({self.name}): VmPTE {self.vmpte_kb} kB"]
        lines += [f"  {what:{width}} {count:>8}   {how}" for what, count, how in self.rows()]
        lines.append("  PTE pages by their number of entries:")
        bands = (f"{band}: {n}" for band, n in self.occupancy.items() if n)
        lines.append(wrapped(", ".join(bands), "    "))
        lines.append("  what has the most PTE pages:")
        for n, kind, title in self.largest():
            begin = f"    {n:>8}  {kind:<13}  "
            lines.append(begin + end_of_path(title, WIDTH - len(begin)))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Observation(pid={self.pid}, vmpte_kb={self.vmpte_kb}, empty={self.empty})"

    def html(self, tree: bool = True) -> str:
        """The account, the address space, the mappings, and with `tree` the tree of `process()`."""
        # Graphviz takes a while to import, and only notebooks draw.
        from ptlab.observe.shown import mappings_table, table
        from ptlab.observe.shown import tree as shown_tree

        whose = f"process {self.pid} ({self.name})"
        parts = [
            table(f"P{whose[1:]}", ("", "tables", "how it is known"), self.rows()),
            address_space(
                f"The address space of {whose}", self.mappings, self.tables, self.located
            ),
            table("What has the most PTE pages", ("PTE pages", "kind", "name"), self.largest()),
            mappings_table(self.mappings),
        ]
        runs = sum(len(one.runs) for one in self.mappings)
        if tree and runs <= _MOST:
            placed = self.located.total if self.located else 0
            parts.append(shown_tree(self.process("unmap_only").mm, self.empty - placed))
        elif tree:
            parts.append(
                f"<p>{runs:,} runs of pages make a tree that takes long: .process() has it.</p>"
            )
        return "".join(parts)

    def _repr_html_(self) -> str:
        return self.html()


def end_of_path(path: str, most: int) -> str:
    """A path of at most `most` characters: the end of it, which names the file."""
    return path if len(path) <= most else "..." + path[3 - most :]
