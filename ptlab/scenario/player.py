"""Playing a scenario: its ops become calls of a `Process`, and each op leaves a row of numbers.

A new kind of op needs its class in `ops.py`, its line in `language.py`, and one function here.
"""

from __future__ import annotations

import errno
import functools
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ptlab.base.errors import AccessRefused, KernelError, NotModelled
from ptlab.process.process import Process
from ptlab.scenario import ops
from ptlab.scenario.line import ScenarioError
from ptlab.state.counters import Counters
from ptlab.state.page_cache import File

Row = dict[str, Any]
"""What stood in the process after one op: the fields of a recorded step (kernels/data/README.md).

Where the simulator does not model the op, the row is `{"op", "who", "unsupported": True}`.
"""

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all of a `cover`."""

Call = Callable[[], object]
"""A system call, or a run of accesses, ready to be made."""

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

    A `fork` gives a row for the child right after the fork, one for each of its ops, and one for
    the parent after the child's exit.
    """
    yield from _Player(scenario, process, progress).play()


class _Player:
    """One scenario on its way: who runs the next op, and what the ops have made so far."""

    def __init__(self, scenario: ops.Scenario, process: Process, progress: Progress | None) -> None:
        self.ops, self.parent, self.progress = iter(scenario.ops), process, progress
        self.files: dict[str, File] = {}
        self.sleeper: Process | None = None

    def play(self) -> Iterator[Row]:
        began = self.parent.counters
        try:
            for op in self.ops:
                if isinstance(op, ops.Fork):
                    yield from self._fork(op)
                    yield _row(self.parent, began, "(parent after child exit)", "p")
                else:
                    yield self._do(op, self.parent, began, "p")
        except NotModelled:
            yield {"op": op.text, "who": "p", "unsupported": True}

    def _fork(self, op: ops.Fork) -> Iterator[Row]:
        """The child's rows; it starts from an empty address space."""
        with self.parent.operation(op.text):
            child = self.parent.fork()
        empty = Counters(*[0] * len(Counters._fields))
        sleeper, self.sleeper = self.sleeper, None  # not this child's own
        yield _row(child, empty, op.text, "c")
        for theirs in itertools.islice(self.ops, op.count):
            yield self._do(theirs, child, empty, "c")
        self.sleeper = sleeper
        with self.parent.operation("(parent after child exit)"):
            child.exit()

    def _do(self, op: ops.Op, process: Process, began: Counters, who: str) -> Row:
        """Make every call of an op, as the recorder does: an error does not stop the calls after it."""
        faults = process.counters.minflt
        error: KernelError | None = None
        refused = 0
        with process.operation(op.text):
            for call in self._calls(op, process):
                try:
                    call()
                except AccessRefused as refusal:
                    error, refused = refusal, refused + refusal.refused
                except KernelError as failure:
                    error = failure
        row = _row(process, began, op.text, who)
        forks = isinstance(op, ops.Forkbg | ops.Endfork)
        return row | {
            "minflt": 0 if forks else process.counters.minflt - faults,
            "rc": -1 if error else 0,
            "err": error.name if error else None,
            "sig": refused,
        }

    def _calls(self, op: ops.Op, process: Process) -> Iterator[Call]:
        """What an op stands for: many calls for the two looping ops, else one."""
        if isinstance(op, ops.Cover):
            for addr in range(op.addr, op.addr + op.length, op.chunk):
                yield partial(process.touch, addr, op.chunk)
                yield partial(process.madvise, addr, "DONTNEED", op.chunk)
                if self.progress:
                    self.progress(addr + op.chunk - op.addr, op.length)
        elif isinstance(op, ops.MadviseEach):
            for addr in range(op.addr, op.addr + op.length, op.chunk):
                yield partial(process.madvise, addr, op.advice, op.chunk)
        else:
            yield partial(perform, op, self, process)

    def file(self, op: ops.Op, name: str) -> File:
        """The file of that name, made by an op before this one."""
        if name in self.files:
            return self.files[name]
        expected = f"a file made before: `file {name} SIZE`"
        raise ScenarioError("scenario", op.line, op.column, f"file {name!r}", expected, op.text)


@functools.singledispatch
def perform(op: ops.Op, player: _Player, process: Process) -> None:
    """Make the call of one op; the functions below say how for each class of ops."""
    raise NotModelled(f"{op.verb} is not modelled")


@perform.register
def _(op: ops.Nop, player: _Player, process: Process) -> None:
    pass


@perform.register
def _(op: ops.Mmap, player: _Player, process: Process) -> None:
    process.mmap(
        op.length,
        at=op.addr,
        prot=op.prot,
        shared=op.shared,
        noreserve=op.noreserve,
        over=op.over,
        file=None if op.file is None else player.file(op, op.file),
        offset=op.offset,
    )
    if op.advice:
        process.madvise(op.addr, op.advice, op.length)
    if op.populate:
        advice = "POPULATE_WRITE" if op.prot == "rw" else "POPULATE_READ"
        process.madvise(op.addr, advice, op.length)


@perform.register
def _(op: ops.Touch, player: _Player, process: Process) -> None:
    process.touch(op.addr, op.length, write=op.write, stride=op.stride)


@perform.register
def _(op: ops.Madvise, player: _Player, process: Process) -> None:
    process.madvise(op.addr, op.advice, op.length)


@perform.register
def _(op: ops.Munmap, player: _Player, process: Process) -> None:
    process.munmap(op.addr, op.length)


@perform.register
def _(op: ops.Mprotect, player: _Player, process: Process) -> None:
    process.mprotect(op.addr, op.prot, op.length)


@perform.register
def _(op: ops.Mlock, player: _Player, process: Process) -> None:
    process.mlock(op.addr, op.length)


@perform.register
def _(op: ops.Munlock, player: _Player, process: Process) -> None:
    process.munlock(op.addr, op.length)


@perform.register
def _(op: ops.Mremap, player: _Player, process: Process) -> None:
    process.mremap(
        op.addr,
        op.new_length,
        to=op.to,
        old_length=op.old_length,
        maymove=op.maymove,
        dontunmap=op.dontunmap,
    )


@perform.register
def _(op: ops.File, player: _Player, process: Process) -> None:
    kind = "disk" if op.disk else "memfd"
    player.files[op.name] = process.file(op.size, kind, op.filled)


@perform.register
def _(op: ops.Truncate, player: _Player, process: Process) -> None:
    process.truncate(player.file(op, op.name), op.size)


@perform.register
def _(op: ops.Punch, player: _Player, process: Process) -> None:
    process.punch(player.file(op, op.name), op.offset, op.length)


@perform.register
def _(op: ops.Alloc, player: _Player, process: Process) -> None:
    process.allocate(player.file(op, op.name), op.offset, op.length)


@perform.register
def _(op: ops.Forkbg, player: _Player, process: Process) -> None:
    player.sleeper = process.fork()


@perform.register
def _(op: ops.Endfork, player: _Player, process: Process) -> None:
    if player.sleeper is None:
        raise KernelError(errno.ESRCH, "endfork: there is no forkbg to end")
    player.sleeper.exit()
    player.sleeper = None


def _row(process: Process, began: Counters, text: str, who: str) -> Row:
    """Where things stand: tables since the scenario began, the rest as it is."""
    now = process.counters
    return {
        "op": text,
        "who": who,
        "pud": now.pud - began.pud,
        "pmd": now.pmd - began.pmd,
        "pte": now.pte - began.pte,
        "pte_kb": now.vmpte_kb - began.vmpte_kb,
        "rss_kb": now.rss_kb,
        "anon_kb": now.anon_kb,
        "huge_kb": now.huge_kb,
        "vmas": sum(vma.start in _SLOTS for vma in process.mm.vmas),
        "minflt": 0,
        "present": now.present,
        "zeropg": now.zeropg,
        "filepg": now.filepg,
        "swap": now.swap,
        "rc": 0,
        "err": None,
        "sig": 0,
    }
