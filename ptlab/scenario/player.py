"""Playing a scenario: its ops become calls of a `Process`, and each op leaves a row of numbers.

A new kind of op needs its class in `ops.py`, its line in `language.py`, and one function here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ptlab.errors import KernelError, NotModelled, SegmentationFault
from ptlab.process import Process
from ptlab.scenario import ops

Row = dict[str, Any]
"""What stood in the process after one op: the fields of a recorded step (kernels/data/README.md).

Where the simulator does not model the op, the row is `{"op", "who", "unsupported": True}`.
"""

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all of a `cover` or `madvise_each`."""

_LOOPS = (ops.Cover, ops.MadviseEach)
# The recorder reads smaps of the slots only.
_SLOTS = range(ops.SLOT_BASE, ops.SLOT_BASE + ops.SLOTS * ops.SLOT_SIZE)


def run(
    scenario: ops.Scenario,
    kernel: str | None = None,
    scheme: str | None = None,
    levels: int = 4,
    grain: str = "range",
    progress: Progress | None = None,
) -> list[Row]:
    """Play a scenario on a new process and return its rows."""
    process = Process(scheme=scheme, kernel=kernel, levels=levels, grain=grain, record=False)
    return list(play(process, scenario, progress))


def play(
    process: Process, scenario: ops.Scenario, progress: Progress | None = None
) -> Iterator[Row]:
    """Play a scenario on a process; yields a row after each op, and ends at the first one that is
    not modelled.
    """
    began = process.counters
    for op in scenario.ops:
        faults = process.counters.minflt
        try:
            with process.operation(op.text):
                error, refused = _perform_all(op, process, progress)
        except NotModelled:
            yield {"op": op.text, "who": "p", "unsupported": True}
            return
        now = process.counters
        yield {
            "op": op.text,
            "who": "p",
            "pud": now.pud - began.pud,
            "pmd": now.pmd - began.pmd,
            "pte": now.pte - began.pte,
            "pte_kb": now.vmpte_kb - began.vmpte_kb,
            "rss_kb": now.rss_kb,
            "anon_kb": now.anon_kb,
            "huge_kb": now.huge_kb,
            "vmas": sum(vma.start in _SLOTS for vma in process.mm.vmas[0]),
            "minflt": now.minflt - faults,
            "present": now.present,
            "zeropg": now.zeropg,
            "filepg": now.filepg,
            "swap": now.swap,
            "rc": -1 if error else 0,
            "err": error.name if error else None,
            "sig": refused,
        }


def _perform_all(
    op: ops.Op, process: Process, progress: Progress | None
) -> tuple[KernelError | None, int]:
    """Make every call of an op, as the recorder does: an error does not stop the calls after it.

    Returns the last error and the number of refused accesses.
    """
    error: KernelError | None = None
    refused = 0
    for piece in ops.pieces(op):
        try:
            perform(piece, process)
        except SegmentationFault as fault:
            error, refused = fault, refused + fault.refused
        except KernelError as failure:
            error = failure
        # Both loops end each of their rounds with a madvise.
        if progress and isinstance(piece, ops.Madvise) and isinstance(op, _LOOPS):
            progress(piece.addr + piece.length - op.addr, op.length)
    return error, refused


@functools.singledispatch
def perform(op: ops.Op, process: Process) -> None:
    """Make the call of one op; the functions below say how for each class of ops."""
    raise NotModelled(f"{op.verb} is not modelled yet")


@perform.register
def _(op: ops.Nop, process: Process) -> None:
    pass


@perform.register
def _(op: ops.Mmap, process: Process) -> None:
    if op.file is not None or op.advice == "HUGEPAGE":
        raise NotModelled(f"{op.text}: files and huge pages are not modelled yet")
    process.mmap(
        op.length,
        at=op.addr,
        prot=op.prot,
        shared=op.shared,
        noreserve=op.noreserve,
        over=op.over,
    )
    if op.advice:
        process.madvise(op.addr, op.advice, op.length)
    if op.populate:  # not MAP_POPULATE: the advice about huge pages has to come first
        populate = "POPULATE_WRITE" if op.prot == "rw" else "POPULATE_READ"
        process.madvise(op.addr, populate, op.length)


@perform.register
def _(op: ops.Touch, process: Process) -> None:
    process.touch(op.addr, op.length, write=op.write, stride=op.stride)


@perform.register
def _(op: ops.Madvise, process: Process) -> None:
    process.madvise(op.addr, op.advice, op.length)


@perform.register
def _(op: ops.Munmap, process: Process) -> None:
    process.munmap(op.addr, op.length)


@perform.register
def _(op: ops.Mprotect, process: Process) -> None:
    process.mprotect(op.addr, op.prot, op.length)


@perform.register
def _(op: ops.Mlock, process: Process) -> None:
    process.mlock(op.addr, op.length)


@perform.register
def _(op: ops.Munlock, process: Process) -> None:
    process.munlock(op.addr, op.length)
