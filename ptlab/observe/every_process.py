"""All processes of the machine: VmPTE of each, and what each may be looked at in more detail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ptlab.observe.mappings import Kind
from ptlab.observe.observation import Observation
from ptlab.observe.observe import CannotObserve, observe
from ptlab.observe.status import status


class Summary(NamedTuple):
    """One process: its VmPTE in kB, which everybody may read, and a look at it where that is allowed."""

    pid: int
    name: str
    vmpte_kb: int
    observation: Observation | None


class SharedFile(NamedTuple):
    """A file, or shared memory, that several processes map, and their PTE pages for it together."""

    name: str
    processes: int
    pte_pages: int


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
            look = None
        yield Summary(pid, name, look.vmpte_kb if look else vmpte_kb, look)


def page_table_kb() -> int:
    """nr_page_table_pages of /proc/vmstat in kB: all page tables, each process's PGD included."""
    counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(counters["nr_page_table_pages"]) * 4


def shared_files(observations: Iterable[Observation], count: int = 8) -> list[SharedFile]:
    """The files that more than one of these processes map, those with the most PTE pages first."""
    pages: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for one in observations:
        for mapped in one.mappings:
            if mapped.mapping.kind in (Kind.FILE, Kind.SHARED):
                of = pages[mapped.mapping.name]
                of[one.pid] = of.get(one.pid, 0) + mapped.pte_pages
    found = [SharedFile(name, len(of), sum(of.values())) for name, of in pages.items()]
    several = [one for one in found if one.processes > 1 and one.pte_pages]
    return sorted(several, key=lambda one: one.pte_pages, reverse=True)[:count]
