"""All processes of the machine: VmPTE of each, and what each may be looked at in more detail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ptlab.base.geometry import PAGE_SIZE, PMD_SHIFT
from ptlab.base.lines import wrapped
from ptlab.observe.mapped import Mapped
from ptlab.observe.mappings import Kind
from ptlab.observe.observation import Observation
from ptlab.observe.observe import CannotObserve, observe
from ptlab.observe.status import lives, status


class Summary(NamedTuple):
    """One process: its VmPTE in kB, which everybody may read, and a look at it where that is allowed."""

    pid: int
    name: str
    vmpte_kb: int
    observation: Observation | None


class SharedFile(NamedTuple):
    """A file, or shared memory, that several processes map, and what it costs them together.

    pte_pages  their PTE pages for it, with an entry or deposited
    most       how many they need if each uses all that it maps: one for each 2 MiB
    huge       of pte_pages, those whose 2 MiB lie in one mapping: a huge page there needs none
    """

    name: str
    processes: int
    pte_pages: int
    most: int
    huge: int

    @property
    def sentence(self) -> str:
        """'24 processes map libc.so: 96 kB of tables together, and ...'."""
        saved = f" Huge pages would save {_kb(self.huge)}." if self.huge else ""
        return (
            f"{self.processes} processes map {self.name}: {_kb(self.pte_pages)} of tables together, "
            f"and {_kb(self.most)} if each uses all that it maps.{saved}"
        )

    def __str__(self) -> str:
        return wrapped(self.sentence)


def _kb(tables: int) -> str:
    return f"{tables * PAGE_SIZE >> 10} kB"


def every_process() -> Iterator[Summary]:
    """The processes that have page tables of their own, those with the largest VmPTE first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            fields = status(pid)
        except OSError:  # it has ended, or hidepid hides it
            continue
        if "VmPTE" in fields:
            found.append((int(fields["VmPTE"].split()[0]), pid, fields["Name"]))
    for vmpte_kb, pid, name in sorted(found, reverse=True):
        try:
            look = observe(pid)
        except CannotObserve:
            if not lives(pid):
                continue
            look = None
        yield Summary(pid, name, look.vmpte_kb if look else vmpte_kb, look)


def page_table_kb() -> int:
    """nr_page_table_pages of /proc/vmstat in kB: all page tables, each process's PGD included."""
    counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(counters["nr_page_table_pages"]) * 4


def shared_files(observations: Iterable[Observation], count: int = 8) -> list[SharedFile]:
    """The files that more than one of these processes map, those with the most PTE pages first."""
    of: defaultdict[tuple[str, str], list[tuple[int, Mapped]]] = defaultdict(list)
    for seen in observations:
        for mapped in seen.mappings:
            if mapped.mapping.kind in (Kind.FILE, Kind.SHARED):
                of[mapped.mapping.name, mapped.mapping.file].append((seen.pid, mapped))
    found = []
    for (name, _), each in of.items():
        processes = len({pid for pid, _ in each})
        counts = np.array([_counts(one) for _, one in each]).sum(axis=0).tolist()
        if processes > 1 and counts[0]:
            found.append(SharedFile(name, processes, *counts))
    return sorted(found, key=lambda one: one.pte_pages, reverse=True)[:count]


def _counts(mapped: Mapped) -> tuple[int, int, int]:
    """PTE pages of one mapping: those it has, those it may need, those that huge pages would save."""
    start, end = mapped.mapping.start, mapped.mapping.end
    slots = mapped.tables.pte
    whole = (slots << PMD_SHIFT >= start) & ((slots + 1) << PMD_SHIFT <= end)
    most = ((end - 1) >> PMD_SHIFT) - (start >> PMD_SHIFT) + 1
    return mapped.pte_pages, most, int(whole.sum())
