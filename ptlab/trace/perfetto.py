"""A replay as a Chrome trace in JSON, which ui.perfetto.dev and chrome://tracing open.

VmPTE is a counter: the measured one of each process, and under each design that of all together. Each
memory call is a slice, in its process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ptlab.base.trace_events import Event, counter, named, whole, write
from ptlab.paths.madvise import ADVICE_NAMES
from ptlab.trace.replay import Replay
from ptlab.trace.rows import Op

_CALLS = {
    Op.MAP: "mmap",
    Op.UNMAP: "munmap",
    Op.ADVISE: "madvise",
    Op.PROTECT: "mprotect",
    Op.REMAP: "mremap",
    Op.LOCK: "mlock",
    Op.UNLOCK: "munlock",
    Op.LOCKALL: "mlockall",
    Op.FORK: "fork",
    Op.RESIZE: "ftruncate",
    Op.PUNCH: "fallocate",
    Op.ALLOCATE: "fallocate",
}
_DESIGNS = 1_000_000  # the number of the process that stands for the simulator
_PER_MICROSECOND = 1000


def write_perfetto(replay: Replay, path: str | Path) -> None:
    """Write the replay as a Chrome trace; see trace_events.write."""
    write(_events(replay), path)


def _events(replay: Replay) -> Iterator[Event]:
    rows = replay.trace.rows
    for who in sorted(set(rows["who"].tolist())):
        yield named(who, f"process {who} of {replay.trace.title}")
    yield named(_DESIGNS, "VmPTE under each design (simulated, all processes)")
    for clock, took, who, op, at, length, x in rows[
        ["clock", "took", "who", "op", "at", "length", "x"]
    ].tolist():
        if op == Op.SAMPLE:
            yield counter(clock / _PER_MICROSECOND, who, "VmPTE measured, kB", kB=x)
        elif op in _CALLS and took:  # without `took` it is the state at the start, and no call
            name = f"{_CALLS[op]} {ADVICE_NAMES.get(x, x)}" if op == Op.ADVISE else _CALLS[op]
            began, lasted = (clock - took) / _PER_MICROSECOND, took / _PER_MICROSECOND
            yield whole(began, lasted, who, who, name, address=f"{at:#x}", length=length)
    for one in replay:
        for clock, kb in zip(replay.clock.tolist(), one.total.tolist(), strict=True):
            yield counter(clock / _PER_MICROSECOND, _DESIGNS, f"{one.scheme}, kB", kB=kb)
