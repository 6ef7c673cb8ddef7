"""The Trace Event Format, in JSON, which ui.perfetto.dev and chrome://tracing open.

Times are in microseconds. Perfetto leaves out a slice that overlaps another one of its thread without
lying inside it, and may swap two slices that begin together if each is one event. So what lies inside
each other is begun and ended, and an instant stands where nothing begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def named(pid: int, name: str, tid: int | None = None) -> Event:
    """The name of a process, or with `tid` that of a thread of it."""
    what = "process_name" if tid is None else "thread_name"
    return {"ph": "M", "pid": pid, "tid": tid or pid, "name": what, "args": {"name": name}}


def counter(ts: float, pid: int, name: str, **series: int) -> Event:
    """The values of a counter from now on, each under the name of its series."""
    return {"ph": "C", "pid": pid, "tid": pid, "name": name, "ts": ts, "args": series}


def whole(ts: float, dur: float, pid: int, tid: int, name: str, **args: Any) -> Event:
    """A slice that begins at `ts` and takes `dur`."""
    place = {"pid": pid, "tid": tid, "name": name, "ts": ts, "dur": dur}
    return {"ph": "X", **place, "args": args}


def begin(ts: float, pid: int, tid: int, name: str, **args: Any) -> Event:
    """A slice begins, inside those of its thread that have begun and not ended."""
    return {"ph": "B", "pid": pid, "tid": tid, "name": name, "ts": ts, "args": args}


def end(ts: float, pid: int, tid: int) -> Event:
    """The innermost slice of a thread ends."""
    return {"ph": "E", "pid": pid, "tid": tid, "ts": ts}


def instant(ts: float, pid: int, tid: int, name: str, **args: Any) -> Event:
    """Something that takes no time."""
    return {"ph": "i", "s": "t", "pid": pid, "tid": tid, "name": name, "ts": ts, "args": args}


def write(events: Iterable[Event], path: str | PathLike[str]) -> Path:
    """Write a trace. The file is there when it is whole, and not before; OSError if it cannot be."""
    text = json.dumps({"traceEvents": list(events), "displayTimeUnit": "ms"})
    part = Path(f"{path}.part")
    try:
        part.write_text(text, encoding="utf-8")
        return part.replace(path)
    finally:
        part.unlink(missing_ok=True)
