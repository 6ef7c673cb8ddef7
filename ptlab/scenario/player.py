"""Playing a scenario: its operations become calls of a `Process`, and each leaves a row of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from ptlab.base.errors import AccessRefused, KernelError, NotModelled
from ptlab.base.geometry import PAGE_SHIFT
from ptlab.process.process import Process
from ptlab.scenario.line import ScenarioError
from ptlab.scenario.operation import Operation, Scenario
from ptlab.scenario.operations.processes import EndFork, Exec, Fork, ForkInBackground, Vfork
from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE, TOP
from ptlab.state.blocks import Blocks
from ptlab.state.counters import Counters
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma

Row = dict[str, Any]
"""The state of the process after one op: the fields of a recorded step (kernels/data/README.md).

Where the simulator does not model the op, the row is `{"op", "who", "unsupported": True, "why"}`.
"""

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all of a `cover`."""

# The recorder reads smaps of the slots only.
_SLOTS = range(SLOT_BASE, TOP)


_NOTHING = Counters(*[0] * len(Counters._fields))
"""An empty address space."""

_AFTER_EXIT = "(parent after child exit)"
"""What recordings call the row of the parent after its child's exit."""
_EXIT = "the child's exit"


def shown(op: str) -> str:
    """The operation of a row as a view calls it.

    >>> shown("(parent after child exit)"), shown("munmap s0 2M")
    ("the child's exit", 'munmap s0 2M')
    """
    return _EXIT if op == _AFTER_EXIT else op


def run(
    scenario: Scenario,
    kernel: str | None = None,
    scheme: str | None = None,
    levels: int = 4,
    grain: str = "range",
    progress: Progress | None = None,
) -> list[Row]:
    """Play a scenario on a new process and return its rows."""
    process = Process(scheme=scheme, kernel=kernel, levels=levels, grain=grain, record=False)
    return list(play(process, scenario, progress))


def play(process: Process, scenario: Scenario, progress: Progress | None = None) -> Iterator[Row]:
    """Play a scenario on a process; yields a row after each op, and ends at the first one that is
    not modelled.

    A `fork` gives a row for the child right after the fork, one for each of its ops, and one for
    the parent after the child's exit.
    """
    yield from _Player(scenario, process, progress).play()


class _Player:
    """One scenario on its way: who runs the next op, and what the ops have made so far."""

    def __init__(self, scenario: Scenario, process: Process, progress: Progress | None) -> None:
        self._ops, self._parent, self._progress = iter(scenario.ops), process, progress
        self.files: dict[str, File] = {}
        self.sleepers: list[Process] = []
        self._at: Row = {}
        process.mm.layout.mmap_base = TOP
        if any(op.kernel_chooses for op in scenario.ops):
            wall = Vma(TOP, TOP + SLOT_SIZE, VM.DONTDUMP, TOP >> PAGE_SHIFT)
            process.mm.set_vmas(Blocks((*process.mm.vmas, wall)))  # nothing grows beyond it

    def play(self) -> Iterator[Row]:
        began = self._parent.counters
        try:
            yield from self._go_on(self._parent, began, self._ops, "p")
        except NotModelled as omission:
            yield self._at | {"unsupported": True, "why": str(omission)}

    def _go_on(
        self, process: Process, began: Counters, ops: Iterator[Operation], who: str
    ) -> Iterator[Row]:
        """The rows of one process, and of its children in turn."""
        for op in ops:
            self._at = {"op": op.text, "who": who}
            if isinstance(op, Vfork):
                yield from self._vfork(op, process, began, ops)
                yield _row(process, began, _AFTER_EXIT, who)
            elif isinstance(op, Fork):
                yield from self._fork(op, process, ops)
                yield _row(process, began, _AFTER_EXIT, who)
            elif isinstance(op, ForkInBackground):
                yield from self._fork_in_background(op, process, ops)
                yield _row(process, began, op.text, who)
            else:
                began = _NOTHING if isinstance(op, Exec) else began
                yield self._do(op, process, began, who)

    def _fork(self, op: Fork, parent: Process, ops: Iterator[Operation]) -> Iterator[Row]:
        """The rows of a child that exits."""
        with parent.operation(op.text):
            child = parent.fork()
        yield from self._child(op, child, itertools.islice(ops, op.count))
        with child.operation(_EXIT):
            child.exit()

    def _vfork(
        self, op: Vfork, parent: Process, began: Counters, ops: Iterator[Operation]
    ) -> Iterator[Row]:
        """The rows of a child that runs in the parent's memory, and exits."""
        with parent.operation(op.text):
            child = parent.vfork()
        made = self.files, self.sleepers
        yield _row(child, began, op.text, "c")
        yield from self._go_on(child, began, itertools.islice(ops, op.count), "c")
        self.files, self.sleepers = made
        with child.operation(_EXIT):
            child.exit()

    def _fork_in_background(
        self, op: ForkInBackground, parent: Process, ops: Iterator[Operation]
    ) -> Iterator[Row]:
        """The rows of children that stay. One that only sleeps has none."""
        theirs = list(itertools.islice(ops, op.count))
        self.sleepers = []
        for _ in range(op.children):
            with parent.operation(op.text):
                child = parent.fork()
            self.sleepers.append(child)
            if theirs:
                yield from self._child(op, child, iter(theirs))

    def _child(self, op: Operation, child: Process, ops: Iterator[Operation]) -> Iterator[Row]:
        """A child's rows; it starts from an empty address space."""
        files, sleepers = self.files, self.sleepers
        self.files, self.sleepers = dict(files), []  # the children are not this child's own
        yield _row(child, _NOTHING, op.text, "c")
        yield from self._go_on(child, _NOTHING, ops, "c")
        self.files, self.sleepers = files, sleepers

    def _do(self, op: Operation, process: Process, began: Counters, who: str) -> Row:
        """Make every call of an op, as the recorder does: an error does not stop the calls after it."""
        faults = process.counters.minflt
        error: KernelError | None = None
        refused = 0
        with process.operation(op.text):
            for call in op.calls(process, self):
                try:
                    call()
                except AccessRefused as refusal:
                    error, refused = refusal, refused + refusal.refused
                except KernelError as failure:
                    error = failure
        row = _row(process, began, op.text, who)
        return row | {
            "minflt": 0 if isinstance(op, EndFork | Exec) else process.counters.minflt - faults,
            "rc": -1 if error else 0,
            "err": error.name if error else None,
            "sig": refused,
        }

    def progress(self, done: int, total: int) -> None:
        """Note how many bytes of a loop are done."""
        if self._progress:
            self._progress(done, total)

    def file(self, op: Operation, name: str) -> File:
        """The file of that name, made by an op before this one."""
        if name in self.files:
            return self.files[name]
        expected = f"a file made before: `file {name} SIZE`"
        raise ScenarioError("scenario", op.line, op.column, f"file {name!r}", expected, op.text)


def _row(process: Process, began: Counters, text: str, who: str) -> Row:
    """The numbers of this moment: tables since the scenario began, everything else in total."""
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
        "hugetlb_kb": now.hugetlb_kb,
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
