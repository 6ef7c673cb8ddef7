"""The recordings that ptlab carries, made by recordings/make.py on Linux 6.18."""

from __future__ import annotations

from pathlib import Path

from ptlab.base.errors import unknown
from ptlab.trace.file_format import read_trace
from ptlab.trace.rows import Trace

_DATA = Path(__file__).parent / "data"

CARRIED = {
    "glibc": "malloc churn with the C library",
    "jemalloc": "malloc churn with jemalloc, which gives memory back after 200 ms",
    "jemalloc-decay-0": "malloc churn with jemalloc, which gives memory back at once",
    "tcmalloc": "malloc churn with tcmalloc",
    "python": "a Python program that builds tables of objects and drops them",
    "redis": "Redis: 400,000 keys are loaded, 19 of 20 are deleted, then MEMORY PURGE",
    "sqlite": "SQLite with a memory-mapped database of 100,000 rows, two thirds of them deleted",
    "node": "Node.js: objects and buffers come and go",
    "java-g1": "a Java heap that grows and shrinks, with the G1 collector",
    "java-zgc": "a smaller one with ZGC, which maps its heap several times",
    "fork-server": "a server with 32 MiB of shared memory and four children",
    "huge-pages": "huge pages: some are split by small drops, some go whole",
}
"""The name of each recording, and what was recorded."""


def carried(name: str) -> Trace:
    """The recording of that name; ValueError names the ones there are."""
    if name not in CARRIED:
        raise unknown("recording", name, CARRIED)
    trace = read_trace(_DATA / f"{name}.trace")
    return Trace(trace.rows, {**trace.about, "title": CARRIED[name]})
