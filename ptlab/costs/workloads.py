"""Workloads: programs that ask one question of a reclaim scheme each, in the scenario language.

>>> [op.text for op in workload("one-live-page").scenario().ops][:3]
['mmap s0 1G noreserve', 'touch w s0+0M 2M', 'madvise DONTNEED s0+4K 2044K']

They are generated, and the random ones from a seed, so that a run can be repeated. What an allocator
does is simplified to the calls that matter here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ptlab.base.errors import unknown
from ptlab.scenario import Scenario, find, parse
from ptlab.scenario.builtin import NOT_SCENARIOS, builtin, choose

Lines = Iterator[str]


class Workload(NamedTuple):
    """A program by name; `lines` generates it in the scenario language."""

    name: str
    description: str
    lines: Callable[[random.Random], Lines]

    def scenario(self, seed: int = 0) -> Scenario:
        """The program; the same for the same seed."""
        text = "\n".join(self.lines(random.Random(seed)))
        head = f"scenario {self.name}\ngroup workload\ndesc {self.description}\n"
        return parse(head + text, self.name)[0]


def _cover_letter(_: random.Random) -> Lines:
    """`while (1) { for 25 600 times 2 MiB: touch, DONTNEED }`, once through."""
    yield from (op.text for op in find("cover-letter").ops[:-1])


def _full_table(advice: str) -> Callable[[random.Random], Lines]:
    """The same 2 MiB again and again: the table is full when its pages are dropped."""

    def lines(_: random.Random) -> Lines:
        yield "mmap s0 2M"
        for _round in range(500):
            yield "touch w s0 2M"
            yield f"madvise {advice} s0 2M"

    return lines


def _one_page_tables(_: random.Random) -> Lines:
    """The worst case for designs that free at once: a table is built and freed for every single page."""
    yield "mmap s0 2M"
    for _round in range(2000):
        yield "touch w s0 4K"
        yield "madvise DONTNEED s0 2M"


MULTI_FAULT_THREADS = 8


def _multi_fault(_: random.Random) -> Lines:
    """2-multi-fault-all.c: all threads fill an area of 2 MiB each, then the first drops them all.

    ptlab runs one task, so the threads take turns, 64 pages at a time; areas are neighbours.
    """
    yield f"mmap s0 {MULTI_FAULT_THREADS * 2}M"
    for _round in range(20):
        for turn in range(8):
            for thread in range(MULTI_FAULT_THREADS):
                yield f"touch w s0+{thread * 2048 + turn * 256}K 256K"
        for thread in range(MULTI_FAULT_THREADS):
            yield f"madvise DONTNEED s0+{thread * 2}M 2M"


def _jemalloc_decay(rng: random.Random) -> Lines:
    """Extents of 1 to 64 pages are used, freed (dirty), purged lazily (muzzy), purged (retained).

    jemalloc 5: MADV_FREE when an extent leaves dirty, MADV_DONTNEED when it leaves muzzy, and never
    munmap. Its ranges are pages, so that hardly any call covers a whole table.
    """
    pages, waits = 64 * 512, 300
    yield f"mmap s0 {pages * 4}K noreserve"
    place = 0
    dirty: list[tuple[int, int]] = []
    muzzy: list[tuple[int, int]] = []
    for _step in range(2500):
        length = rng.randint(1, 64)
        if place + length > pages:
            place = 0
        yield f"touch w s0+{place * 4}K {length * 4}K"
        dirty.append((place, length))
        place += length
        if len(dirty) > waits:
            first, size = dirty.pop(rng.randrange(waits // 2))
            yield f"madvise FREE s0+{first * 4}K {size * 4}K"
            muzzy.append((first, size))
        if len(muzzy) > waits:
            first, size = muzzy.pop(0)
            yield f"madvise DONTNEED s0+{first * 4}K {size * 4}K"
    for first, size in dirty + muzzy:  # the program idles, and everything decays
        yield f"madvise DONTNEED s0+{first * 4}K {size * 4}K"


def _tcmalloc_hugepages(rng: random.Random) -> Lines:
    """Spans fill 2 MiB hugepages; an empty one is released whole, from a heap of 512 MiB.

    TCMalloc's HugeCache: released ranges are 2 MiB, aligned, and used again later.
    """
    pages = 256
    yield f"mmap s0 {pages * 2}M noreserve"
    used: list[int] = []
    free = list(range(pages))
    for _step in range(1500):
        if free and (len(used) < 32 or rng.random() < 0.5):
            page = free.pop(rng.randrange(len(free)))
            used.append(page)
            for part in range(0, 2048, 512):
                yield f"touch w s0+{page * 2048 + part}K 512K"
        else:
            page = used.pop(rng.randrange(len(used)))
            free.append(page)
            yield f"madvise DONTNEED s0+{page * 2}M 2M"


def _one_live_page(_: random.Random) -> Lines:
    """Everything is dropped but one page in every 2 MiB. No design can free such a table."""
    yield "mmap s0 1G noreserve"
    for table in range(512):
        yield f"touch w s0+{table * 2}M 2M"
        yield f"madvise DONTNEED s0+{table * 2048 + 4}K 2044K"


def _sparse_terabytes(_: random.Random) -> Lines:
    """One page in every 8 MiB of 2 TiB, in windows of 16 GiB that are dropped before the next."""
    yield "mmap s0 2T noreserve"
    for window in range(0, 2048, 16):
        yield f"touch w s0+{window}G 16G 8M"
        yield f"madvise DONTNEED s0+{window}G 16G"


def _production_snapshot(_: random.Random) -> Lines:
    """A server that has handed out 55 TiB, one page in each 2 MiB of it, and holds the last 590 GiB.

    The numbers of the mail of 2021: VIRT 55t, RES 590g, VmPTE 110g. A real allocator comes there in
    months and by small steps; here each window of 16 GiB is used once and dropped by one call.
    """
    yield "mmap s0 55T noreserve"
    for window in range(0, 55 * 1024, 16):
        yield f"touch w s0+{window}G 16G 2M"
        yield f"madvise DONTNEED s0+{window}G 16G"
    yield f"touch w s0+{55 * 1024 - 590}G 590G"


POSTGRESQL = (500, 8)


def _postgresql(_: random.Random) -> Lines:
    """500 backends read all of 8 GiB of shared buffers; then the upper half is given back.

    PostgreSQL forks a backend for each connection, and without huge pages each has PTE pages of its own
    for the same memory. What is given back is a hole punched into the shared memory (MADV_REMOVE).
    """
    backends, size = POSTGRESQL
    yield f"mmap s0 {size}G shared noreserve"
    yield f"touch w s0 {size}G"
    yield f"forkbg {backends} 1"
    yield f"touch r s0 {size}G"
    yield f"madvise REMOVE s0+{size * 512}M {size * 512}M"


def _zero_page_reads(_: random.Random) -> Lines:
    """A virtual machine with an inflated balloon is migrated: all 256 MiB are read, none written.

    David Hildenbrand's example, quoted in <20220825101037.96517-1-zhengqi.arch@bytedance.com>: the
    tables are full of the shared zero page.
    """
    yield "mmap s0 256M noreserve"
    yield "touch w s0 256M"
    yield "madvise DONTNEED s0 256M"
    yield "touch r s0 256M"


def _halves(_: random.Random) -> Lines:
    """Each table is emptied by two calls, none of which covers it whole."""
    yield "mmap s0 512M noreserve"
    for table in range(256):
        yield f"touch w s0+{table * 2}M 2M"
        yield f"madvise DONTNEED s0+{table * 2}M 1M"
        yield f"madvise DONTNEED s0+{table * 2 + 1}M 1M"


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "cover-letter",
            "the loop of 2021: touch 2 MiB, drop them, through 50 GiB",
            _cover_letter,
        ),
        Workload(
            "full-table", "fill one table and DONTNEED it, 500 times", _full_table("DONTNEED")
        ),
        Workload("full-table-free", "the same with MADV_FREE", _full_table("FREE")),
        Workload(
            "one-page-tables",
            "touch one page and DONTNEED its 2 MiB, 2000 times",
            _one_page_tables,
        ),
        Workload(
            "multi-fault",
            "the benchmark of the mails: 8 threads fill 2 MiB each, one drops them all",
            _multi_fault,
        ),
        Workload(
            "jemalloc-decay", "runs of 1 to 64 pages: dirty, muzzy, retained", _jemalloc_decay
        ),
        Workload("tcmalloc-hugepages", "whole 2 MiB hugepages are released", _tcmalloc_hugepages),
        Workload("halves", "each table is emptied by two calls over a half", _halves),
        Workload("one-live-page", "one page in every 2 MiB stays in use", _one_live_page),
        Workload("zero-page-reads", "256 MiB are read, never written", _zero_page_reads),
        Workload("sparse-terabytes", "one page in every 8 MiB of 2 TiB", _sparse_terabytes),
        Workload(
            "production-snapshot",
            "55 TiB used and dropped, 590 GiB in use: the server of the mail",
            _production_snapshot,
        ),
        Workload(
            "postgresql",
            "500 backends over 8 GiB of shared memory, half of it removed in the end",
            _postgresql,
        ),
    )
}


def workload(name: str) -> Workload:
    """The workload called `name`; ValueError names the ones there are."""
    if name not in WORKLOADS:
        raise unknown("workload", name, WORKLOADS)
    return WORKLOADS[name]


def program(name: str, seed: int = 0) -> Scenario:
    """The workload called `name`, or else the built-in scenario of that name.

    UnknownScenario names the ones that are close.
    """
    where = "`ptlab measure` in a terminal lists the workloads, `ptlab run` the scenarios"
    known: dict[str, Scenario | Workload] = {**builtin(), **WORKLOADS}
    found = choose(name, known, "workload or scenario", where)
    return found.scenario(seed) if isinstance(found, Workload) else found


for _name in WORKLOADS:
    NOT_SCENARIOS[_name] = (
        f"it is a workload; `ptlab measure {_name}` in a terminal or "
        f'ptlab.measure("{_name}") in Python runs it'
    )
