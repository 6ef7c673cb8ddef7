"""What a run costs, counted in its steps: atomic operations, entries scanned, locks, flushes, tables.

>>> from ptlab import MiB, Process
>>> p = Process("pte_refcount", kernel="6.1")
>>> heap = p.mmap(2 * MiB)
>>> p.touch(heap, 4096)
1
>>> touch = by_operation(p)[-1]
>>> touch.text, touch.costs.atomics_local, touch.costs.atomics_shared
('write(0x7ffff7c00000, 4K)', 3, 5)

The counts are the same in every grain. An atomic operation is *shared* where its cache line serves
more than one PTE page, so that CPUs that work in different PTE pages still meet there; it is
*local* in the PTE page's own struct page. How many a lock takes is in LOCKS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from ptlab.geometry import Level
from ptlab.memmap import MemMap
from ptlab.memmap import count as table_count
from ptlab.mm import Count
from ptlab.process import Process
from ptlab.steps import Kind, Step


class LockCost(NamedTuple):
    """Atomic read-modify-write operations for taking and dropping a lock once, uncontended."""

    atomics: int
    shared: bool


LOCKS = {
    "ptl": LockCost(1, False),
    "pmd_lock": LockCost(1, True),
    "page_table_lock": LockCost(1, True),
    "mmap_lock": LockCost(2, True),
    "vma_lock": LockCost(2, True),
    "i_mmap_rwsem": LockCost(2, True),
    "pt_rwsem": LockCost(2, True),
}
"""A spinlock is taken by one cmpxchg and dropped by a plain store (native_queued_spin_unlock, x86);
an rwsem, or a VMA's reference count, by one atomic add each way (kernel/locking/rwsem.c)."""

NOT_ATOMIC = frozenset({"pte_ref_init", "this_cpu_add", "this_cpu_sub"})
"""Gets and puts that no other CPU can see half done: a fresh page, or this CPU's own counter."""

UPPER = ("pmd_", "pud_")
"""How the gets and puts of an upper table's count begin: many PTE pages share that line."""

FAULT_US = 800 / 512
"""One page fault and its share of the zap, in microseconds: 512 faults and one MADV_DONTNEED of 2
MiB took 796 to 810 us on Linux 6.18 (2 CPUs, a virtual machine). The clock of `held_kb_ms`."""


@dataclass
class Costs:
    """Counts of one operation, or of a whole run."""

    faults: int = 0
    atomics_local: int = 0
    atomics_shared: int = 0
    percpu_adds: int = 0
    scanned: int = 0
    flushes: int = 0
    grace_waits: int = 0
    tables_allocated: int = 0
    tables_freed: int = 0
    locks: Counter[str] = field(default_factory=Counter)
    """Acquisitions by name and mode: 'mmap_lock read'."""

    def add(self, step: Step, mem: MemMap) -> None:
        """Count one step."""
        _ADD.get(step.kind, _nothing)(self, step, mem)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**vars(self), "locks": dict(sorted(self.locks.items()))}


def _nothing(costs: Costs, step: Step, mem: MemMap) -> None:
    """Most kinds of steps cost nothing that is counted here."""


def _lock(costs: Costs, step: Step, mem: MemMap) -> None:
    _, _, _, _, times, (name, _, mode) = step
    label, atomics, shared = _price(name, mode)
    if shared:
        costs.atomics_shared += atomics * times
    else:
        costs.atomics_local += atomics * times
    costs.locks[label] += times


@cache
def _price(name: str, mode: str) -> tuple[str, int, bool]:
    """How the acquisition is called in `Costs.locks`, and what LOCKS says of it."""
    return name if mode in _SPINS else f"{name} {mode}", *LOCKS[name]


_SPINS = ("spin", "trylock")


def _downgrade(costs: Costs, step: Step, mem: MemMap) -> None:
    costs.atomics_shared += 1
    costs.locks[f"{step.note[0]} downgrade"] += 1


def _reference(costs: Costs, step: Step, mem: MemMap) -> None:
    if step.fn.startswith(UPPER):
        costs.atomics_shared += step.times
    elif step.fn not in NOT_ATOMIC:
        costs.atomics_local += step.times
    elif step.fn != "pte_ref_init":
        costs.percpu_adds += step.times


def _scan(costs: Costs, step: Step, mem: MemMap) -> None:
    costs.scanned += step.n


def _flush(costs: Costs, step: Step, mem: MemMap) -> None:
    costs.flushes += step.times


def _switch(costs: Costs, step: Step, mem: MemMap) -> None:
    if step.note == "atomic":  # the way back waits for nothing
        costs.grace_waits += step.times


def _alloc(costs: Costs, step: Step, mem: MemMap) -> None:
    assert step.tables is not None
    costs.tables_allocated += table_count(step.tables)


_PGD = int(Level.PGD)


def _free(costs: Costs, step: Step, mem: MemMap) -> None:
    assert step.tables is not None
    first = step.tables if isinstance(step.tables, int) else int(step.tables[0])
    if mem.level.item(first) != _PGD:
        costs.tables_freed += table_count(step.tables)


_ADD = {
    Kind.LOCK: _lock,
    Kind.DOWNGRADE: _downgrade,
    Kind.GET: _reference,
    Kind.PUT: _reference,
    Kind.SCAN: _scan,
    Kind.FLUSH: _flush,
    Kind.SWITCH: _switch,
    Kind.ALLOC: _alloc,
    Kind.FREE: _free,
}


class OperationCosts(NamedTuple):
    """One operation of a journal and what it cost."""

    text: str
    costs: Costs


def count(steps: Iterable[Step], mem: MemMap) -> Costs:
    """The costs of some steps."""
    costs = Costs()
    for step in steps:
        costs.add(step, mem)
    return costs


def by_operation(process: Process) -> list[OperationCosts]:
    """The costs of each operation that `process` has journaled. O(steps).

    ValueError if it keeps no journal.
    """
    journal = process.journal
    if journal is None:
        raise ValueError("this process keeps no journal: make it with Process(record=True)")
    here, told, before = journal.position, [], 0
    for operation in journal.operations:
        costs = count(journal.steps[operation.first : operation.last], process.machine.mem)
        journal.seek(operation.last)
        costs.faults = process.mm.counters[Count.MINFLT] - before
        before += costs.faults
        told.append(OperationCosts(operation.text, costs))
    journal.seek(here)
    return told


class Meter:
    """Counts while a process runs that keeps no journal, and follows its VmPTE.

    `track` is [page faults so far, VmPTE in kB] at every change.
    """

    def __init__(self, process: Process) -> None:
        if process.journal is not None:
            raise ValueError("a journal is kept: ask by_operation(), or use Process(record=False)")
        self._mm, self._mem = process.mm, process.machine.mem
        self.costs = Costs()
        self.peak_kb = process.mm.vmpte_kb
        self.track: list[tuple[int, int]] = [(0, self.peak_kb)]
        self._held = 0
        process.machine.observe = self._observe

    def _observe(self, step: Step) -> None:
        add, changes = _OBSERVED.get(step[0], _NOT_OBSERVED)
        if add is not None:
            add(self.costs, step, self._mem)
        if changes:
            self._follow()

    def _follow(self) -> None:
        then, before = self.track[-1]
        kb = self._mm.vmpte_kb
        if kb == before:
            return
        faults = self._mm.counters[Count.MINFLT]
        self._held += before * (faults - then)
        self.peak_kb = max(self.peak_kb, kb)
        if faults == then:
            self.track[-1] = (then, kb)
        else:
            self.track.append((faults, kb))

    def finish(self) -> Costs:
        """The costs so far, faults included."""
        self.costs.faults = self._mm.counters[Count.MINFLT]
        return self.costs

    @property
    def held_kb_ms(self) -> float:
        """VmPTE times the time it was held, where FAULT_US per page fault is the time."""
        then, kb = self.track[-1]
        held = self._held + kb * (self._mm.counters[Count.MINFLT] - then)
        return held * FAULT_US / 1000

    @property
    def mean_kb(self) -> float:
        """VmPTE on average over the page faults of the run."""
        faults = self._mm.counters[Count.MINFLT]
        return self.held_kb_ms * 1000 / FAULT_US / faults if faults else float(self.peak_kb)


_CHANGES = frozenset({Kind.INSTALL, Kind.UNHOOK, Kind.DEPOSIT, Kind.FREE})
"""The steps in which VmPTE changes."""

_OBSERVED = {kind: (_ADD.get(kind), kind in _CHANGES) for kind in {*_ADD, *_CHANGES}}
_NOT_OBSERVED = (None, False)
"""What a Meter does with a step of each kind: one look-up for each step."""
