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

OLDER = {
    "huge-pages-6.12": "the program with huge pages, on Linux 6.12 in QEMU, without PT_RECLAIM"
}
"""The same of a kernel that frees tables in munmap() only."""


def carried(name: str) -> Trace:
    """The recording of that name; ValueError names the ones there are."""
    known = {**CARRIED, **OLDER}
    if name not in known:
        raise unknown("recording", name, known)
    trace = read_trace(_DATA / f"{name}.trace")
    return Trace(trace.rows, {**trace.about, "title": known[name]})
