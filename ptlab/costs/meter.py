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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ptlab.base.facts import Counting, CountMode, Lock, References
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Step
from ptlab.base.tables import first_of, table_count
from ptlab.costs.memory_time import MemoryTime
from ptlab.process.process import Process
from ptlab.state.journal import Journal, Operation
from ptlab.state.memmap import MemMap


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
    "interrupts": LockCost(0, False),
}
"""A spinlock is taken by one cmpxchg and dropped by a plain store (native_queued_spin_unlock, x86);
an rwsem, or a VMA's reference count, by one atomic add each way (kernel/locking/rwsem.c). Disabling
interrupts, as fast GUP does, takes none."""

_OTHER = LockCost(1, True)

UPPER = "atomic, upper table"


def lock_cost(name: str) -> LockCost:
    """The cost of a lock. A lock that is not in LOCKS counts as a spinlock that all CPUs share."""
    return LOCKS.get(name, _OTHER)


@dataclass
class Costs:
    """Counts of one operation, or of a whole run.

    taken       how often each lock was taken, by (name, mode); a downgrade counts as a mode
    references  gets and puts, by how they are counted (facts.Counting); those of an upper table,
                whose cache line serves many PTE pages, as UPPER
    """

    faults: int = 0
    scanned: int = 0
    flushes: int = 0
    grace_waits: int = 0
    tables_allocated: int = 0
    tables_freed: int = 0
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)

    @property
    def locks(self) -> Counter[str]:
        """Acquisitions by name and mode: 'mmap_lock read'; those of a spinlock by its name."""
        named: Counter[str] = Counter()
        for (name, mode), times in self.taken.items():
            named[name if mode in _SPINS else f"{name} {mode}"] += times
        return named

    @property
    def atomics_local(self) -> int:
        """Atomic operations on a PTE page's own cache line."""
        return self._atomics(shared=False)

    @property
    def atomics_shared(self) -> int:
        """Atomic operations on a cache line that serves more than one PTE page."""
        return self._atomics(shared=True)

    @property
    def percpu_adds(self) -> int:
        """Plain adds to a counter of this CPU's own."""
        return self.references[Counting.PERCPU]

    def per_fault(self, count: str) -> float:
        """One of the counts, by its name, for each page fault."""
        return float(getattr(self, count)) / max(self.faults, 1)

    def _atomics(self, shared: bool) -> int:
        locks = (
            times * (1 if mode == _DOWNGRADE else lock_cost(name).atomics)
            for (name, mode), times in self.taken.items()
            if lock_cost(name).shared is shared
        )
        return sum(locks) + self.references[UPPER if shared else Counting.ATOMIC]

    def count(self, steps: Iterable[Step], mem: MemMap) -> Iterator[Step]:
        """Count `steps` while they are taken; yield each in which VmPTE may have changed.

        A run has millions of steps, so the most frequent kinds come first.
        """
        taken, references = self.taken, self.references
        for step in steps:
            kind = step[0]
            if kind == _LOCK:
                lock: Any = step.fact
                taken[lock.name, lock.mode] += step.times
            elif kind == _UNLOCK:
                pass
            elif kind in _REFERENCES:
                references[_how(step, mem)] += step.times
            elif kind in _CHANGES:
                if kind == Kind.FREE and not _is_pgd(step, mem):
                    self.tables_freed += _tables(step)
                yield step
            elif kind in _SELDOM:
                self._count_seldom(step)

    def _count_seldom(self, step: Step) -> None:
        if step.kind == Kind.FLUSH:
            self.flushes += step.times
        elif step.kind == Kind.ALLOC:
            self.tables_allocated += _tables(step)
        elif step.kind == Kind.SCAN:
            self.scanned += step.n
        elif step.kind == Kind.DOWNGRADE:
            assert isinstance(step.fact, Lock)
            self.taken[step.fact.name, _DOWNGRADE] += 1
        elif step.fact == CountMode(Counting.ATOMIC):  # SWITCH; the way back waits for nothing
            self.grace_waits += step.times

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: all counts, those of atomic operations and `locks` included."""
        counts = {name: count for name, count in vars(self).items() if isinstance(count, int)}
        derived = ("atomics_local", "atomics_shared", "percpu_adds")
        return {
            **counts,
            **{name: getattr(self, name) for name in derived},
            "locks": dict(sorted(self.locks.items())),
        }


_SPINS = ("spin", "trylock")
_DOWNGRADE = "downgrade"


_LOCK, _UNLOCK = Kind.LOCK, Kind.UNLOCK
_REFERENCES = frozenset({Kind.GET, Kind.PUT})
_CHANGES = frozenset({Kind.INSTALL, Kind.UNHOOK, Kind.UNCOUNT, Kind.DEPOSIT, Kind.FREE})
"""The steps in which VmPTE may change."""
_SELDOM = frozenset({Kind.FLUSH, Kind.ALLOC, Kind.SCAN, Kind.DOWNGRADE, Kind.SWITCH})
_PGD = int(Level.PGD)


def _how(step: Step, mem: MemMap) -> str:
    """How a get or put is counted: a key of Costs.references."""
    fact, tables = step.fact, step.tables
    assert isinstance(fact, References) and tables is not None
    if fact.how != Counting.ATOMIC:
        return fact.how
    return UPPER if mem.level.item(first_of(tables)) else Counting.ATOMIC


def _tables(step: Step) -> int:
    """How many tables a step changes."""
    assert step.tables is not None
    return table_count(step.tables)


def _is_pgd(step: Step, mem: MemMap) -> bool:
    return isinstance(step.tables, int) and mem.level.item(step.tables) == _PGD


class OperationCosts(NamedTuple):
    """One operation of a journal and what it cost.

    vmpte_kb    VmPTE after it
    held_kb_ms  VmPTE times the time it was held in this operation, as Meter has it for a whole run
    """

    text: str
    costs: Costs
    vmpte_kb: int
    held_kb_ms: float


def count(steps: Iterable[Step], mem: MemMap) -> Costs:
    """The costs of some steps."""
    costs = Costs()
    for _ in costs.count(steps, mem):
        pass
    return costs


def by_operation(process: Process) -> list[OperationCosts]:
    """The costs of each operation that `process` has journaled. O(steps and changes).

    ValueError if it keeps no journal.
    """
    journal = process.journal
    if journal is None:
        raise ValueError("this process keeps no journal: make it with Process(record=True)")
    here, costs_of_each = journal.position, []
    journal.seek(0)
    for operation in journal.operations:
        costs, held = Costs(), MemoryTime(process.machine)
        for step in costs.count(_taken_again(journal, operation), process.machine.mem):
            held.follow(step)
        held.settle()
        costs.faults = held.faults
        kb = held.track[-1][1]
        costs_of_each.append(OperationCosts(operation.text, costs, kb, held.kb_ms))
    journal.seek(here)
    return costs_of_each


def _taken_again(journal: Journal, operation: Operation) -> Iterator[Step]:
    """The steps of an operation, with the state as each of them left it."""
    for number in range(operation.first, operation.last):
        journal.seek(number + 1)
        yield journal.steps[number]


class Meter:
    """Counts while a process runs that keeps no journal, and follows VmPTE in `memory`."""

    def __init__(self, process: Process) -> None:
        if process.journal is not None:
            raise ValueError(
                "this process keeps a journal: use by_operation(), or Process(record=False)"
            )
        self._mem = process.machine.mem
        self.costs, self.memory = Costs(), MemoryTime(process.machine)
        process.machine.observe = self._observe

    def _observe(self, steps: Iterable[Step]) -> None:
        for step in self.costs.count(steps, self._mem):
            self.memory.follow(step)
        self.memory.settle()

    def finish(self) -> Costs:
        """The costs so far, faults included."""
        self.costs.faults = self.memory.faults
        return self.costs
