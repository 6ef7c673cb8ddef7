"""One look at a running process, taken again until the process held still meanwhile."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np

from ptlab.observe.live import Live
from ptlab.observe.locate import locate as find_empty
from ptlab.observe.mapped import Mapped
from ptlab.observe.mappings import Kind, Mapping, hugetlb_pages, mappings
from ptlab.observe.observation import Observation
from ptlab.observe.pagemap import HUGE, RUN, Pagemap
from ptlab.observe.status import lives, name, status, why_refused
from ptlab.observe.tables import Tables, hidden, tables

_TRIES = 8


class CannotObserve(Exception):
    """The process cannot be looked at; the message says why, and what would help."""


class _Stamp(NamedTuple):
    """What changes when a process changes its tables."""

    vmpte_kb: int
    faults: int
    maps: str


@overload
def observe(
    pid: int | None = None, locate: bool = False, live: Literal[False] = False
) -> Observation: ...


@overload
def observe(pid: int | None = None, locate: bool = False, *, live: Literal[True]) -> Live: ...


def observe(pid: int | None = None, locate: bool = False, live: bool = False) -> Observation | Live:
    """The page tables of process `pid`, by default of this one.

    `live`: in a notebook, look again every second, while other cells run too; see Live.

    `locate`: also find where the empty PTE pages are, by the time that looking takes (Linux 6.7).

    VmPTE, the number of page faults and the mappings are read before and after the scan. Where they
    differ the scan is made again, eight times at most; then `still` is false.

    Raises CannotObserve: no such process, one of another user, a kernel thread, a zombie, or not
    Linux on x86-64. TypeError, ValueError: not the number of a process.
    """
    pid = _checked(pid)
    if live:
        return Live(partial(_look_once, pid, locate))
    return _look_once(pid, locate)


def _look_once(pid: int, locate: bool) -> Observation:
    try:
        seen = _observe(pid)
        if not locate:
            return seen
        return replace(seen, located=find_empty(pid, seen.mappings, seen.tables, seen.spread[1]))
    except (FileNotFoundError, ProcessLookupError):
        raise CannotObserve(_gone(pid)) from None
    except PermissionError:
        raise CannotObserve(_refused(pid)) from None


def _gone(pid: int) -> str:
    """Why there was nothing to read."""
    if lives(pid):
        what = "starts a new program (exec) each time it is looked at: try again"
        return f"process {pid} ({name(pid)}) {what}"
    return f"process {pid}: there is none, or it has ended meanwhile"


def _refused(pid: int) -> str:
    """Why the kernel did not let us read."""
    try:
        why = why_refused(pid)
    except OSError:
        return _gone(pid)
    return (
        f"process {pid} ({name(pid)}) {why} look at it. "
        "Its VmPTE is in the list of `ptlab observe --all`"
    )


def _checked(pid: int | None) -> int:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        here = f"{platform.system()} on {platform.machine()}"
        raise CannotObserve(f"only Linux on x86-64 can be looked at; this is {here}")
    if pid is None:
        return os.getpid()
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise TypeError(f"pid must be a whole number, not {pid!r}")
    if pid < 1:
        raise ValueError(f"pid {pid}: the number of a process is above 0")
    return pid


def _observe(pid: int) -> Observation:
    spread: list[int] = []
    for left in reversed(range(_TRIES)):
        try:
            before = _stamp(pid)  # says of a zombie what it is, before its pagemap is opened
            with closing(Pagemap(pid)) as pagemap:
                seen, mapped = _look(pid, pagemap, mappings(before.maps))
            after = _stamp(pid)
        except ProcessLookupError:  # an exec: the address space that was opened is gone
            if left:
                continue
            raise
        # This process faults while it looks at itself: compare only VmPTE and mappings.
        still = before == after or (pid == os.getpid() and before[::2] == after[::2])
        spread += [max(0, kb // 4 - seen.total) for kb in (before.vmpte_kb, after.vmpte_kb)]
        if still and after.vmpte_kb // 4 >= seen.total:
            break
        still = False
    around = (spread[-1],) if still else spread
    unseen = _unseen(seen, mapped)
    least, most = max(0, min(around) - unseen), max(around)
    return Observation(pid, name(pid), after.vmpte_kb, seen, still, (least, most), mapped)


def _unseen(seen: Tables, mapped: Sequence[Mapped]) -> int:
    """How many tables serve, at most, what pagemap does not show: device memory, [vvar]."""
    of = [one.mapping for one in mapped if one.mapping.kind in (Kind.DEVICE, Kind.SPECIAL)]
    borders = np.array([(one.start, one.end) for one in of], np.int64).reshape(-1, 2)
    return hidden(seen, borders[:, 0], borders[:, 1])


def _vmpte_kb(pid: int) -> int:
    fields = status(pid)
    if "VmPTE" not in fields:
        zombie = fields["State"].split()[0] in "ZX"
        what = "has ended (a zombie)" if zombie else "is a thread of the kernel"
        raise CannotObserve(f"process {pid} ({name(pid)}) {what}: it has no page tables of its own")
    return int(fields["VmPTE"].split()[0])


def _stamp(pid: int) -> _Stamp:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    maps = Path(f"/proc/{pid}/maps").read_text(errors="replace")
    return _Stamp(_vmpte_kb(pid), int(stat[7]) + int(stat[9]), maps)


def _look(pid: int, pagemap: Pagemap, found: list[Mapping]) -> tuple[Tables, tuple[Mapped, ...]]:
    """The tables of the whole process, and those of each mapping.

    smaps, for which the kernel walks all tables, is read only where a huge page was seen.
    """
    runs = [pagemap.runs(one.start, one.end) for one in found]
    together = np.concatenate([np.zeros(0, RUN), *runs])
    hugetlb: dict[int, int] = {}
    if (together["kind"] & np.uint64(HUGE)).any():
        hugetlb = hugetlb_pages(Path(f"/proc/{pid}/smaps").read_text(errors="replace"))
    sizes = [
        np.full(len(each), hugetlb.get(one.start, 0)) for one, each in zip(found, runs, strict=True)
    ]
    seen = tables(together, np.concatenate([np.zeros(0, np.int64), *sizes]))
    mapped = (
        Mapped(one._replace(kind=Kind.HUGETLB) if one.start in hugetlb else one, each, size)
        for one, each, size in zip(found, runs, sizes, strict=True)
    )
    return seen, tuple(mapped)
