"""A replay as a Chrome trace in JSON, which ui.perfetto.dev and chrome://tracing open.

VmPTE is a counter: the measured one of each process, and under each design that of all together. Each
memory call is a slice, in its process. Source: the Trace Event Format (events of phase X, C, M).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    Op.FORK: "fork",
    Op.RESIZE: "ftruncate",
    Op.PUNCH: "fallocate",
    Op.ALLOCATE: "fallocate",
}
_DESIGNS = 1_000_000  # the number of the process that stands for the simulator
_PER_MICROSECOND = 1000


def write_perfetto(replay: Replay, path: str | Path) -> None:
    """Write the replay as a Chrome trace. The file is there when it is whole, and not before."""
    text = json.dumps({"traceEvents": list(_events(replay)), "displayTimeUnit": "ms"})
    part = Path(f"{path}.part")
    try:
        part.write_text(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _events(replay: Replay) -> Iterator[dict[str, Any]]:
    rows = replay.trace.rows
    for who in sorted(set(rows["who"].tolist())):
        yield _name(who, f"process {who} of {replay.trace.title}")
    yield _name(_DESIGNS, "VmPTE under each design (simulated, all processes)")
    for clock, took, who, op, at, length, x in rows[
        ["clock", "took", "who", "op", "at", "length", "x"]
    ].tolist():
        if op == Op.SAMPLE:
            yield _counter(clock, who, "VmPTE measured, kB", x)
        elif op in _CALLS and took:  # without `took` it is the state at the start, and no call
            name = f"{_CALLS[op]} {ADVICE_NAMES.get(x, x)}" if op == Op.ADVISE else _CALLS[op]
            place = {"address": f"{at:#x}", "length": length}
            times = {"ts": (clock - took) / _PER_MICROSECOND, "dur": took / _PER_MICROSECOND}
            yield {"ph": "X", "pid": who, "tid": who, "name": name, **times, "args": place}
    for one in replay:
        for clock, kb in zip(replay.clock.tolist(), one.total.tolist(), strict=True):
            yield _counter(clock, _DESIGNS, f"{one.scheme}, kB", kb)


def _name(who: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": who, "tid": who, "name": "process_name", "args": {"name": name}}


def _counter(clock: int, who: int, name: str, kb: int) -> dict[str, Any]:
    times = {"ts": clock / _PER_MICROSECOND}
    return {"ph": "C", "pid": who, "tid": who, "name": name, **times, "args": {"kB": kb}}
