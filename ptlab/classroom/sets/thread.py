"""Set 6, judge the thread: count what its authors argued about, and see where their lines cross.

The thread is that of "[PATCH v3 00/15] Free user PTE page table pages", November 2021, Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>. Jason Gunthorpe counted two atomic operations for
every PTE mapped and proposed one lock for the page table of a process instead. The counts are those of
ptlab.costs, the prices those of ptlab.contention.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from ptlab.classroom.question import Question, Wrong
from ptlab.classroom.table import Column, Row, TableQuestion
from ptlab.contention import Constants, entries_from_which_rwsem_wins
from ptlab.costs import Costs, by_operation
from ptlab.geometry import PTRS_PER_TABLE, KiB, MiB
from ptlab.process import Process

KERNEL = "6.1"
"""As in contention.py: page faults take mmap_lock for read."""

DESIGNS = ("pte_refcount", "pt_rwsem", "percpu_ref", "every_level")

_COLUMNS = (Column("local"), Column("shared"))

_FORM = (
    "For each row: how many atomic operations **more than `unmap_only`** needs, as `(local, shared)`. "
    "Local are those in the PTE page's own struct page, shared all others. Adds to a counter of this "
    "CPU alone are no atomic operations.\n\n"
    "You may measure: `ptlab.costs.by_operation(process)` has `atomics_local` and `atomics_shared` of "
    'each operation. Use `Process(design, kernel="6.1")`.'
)


class Operation(NamedTuple):
    """Something to measure: its name in words, and how to do it on a prepared process."""

    words: str
    do: Callable[[Process, int], object]


FAULTS = {
    "table": Operation(
        "the first write in an area of 2 MiB whose PUD and PMD page are there",
        lambda p, heap: p.touch(heap + 2 * MiB, 4 * KiB),
    ),
    "second": Operation(
        "the second write in a PTE page that is there",
        lambda p, heap: p.touch(heap + 4 * KiB, 4 * KiB),
    ),
    "read": Operation(
        "a read of a page not touched before, in a PTE page that is there",
        lambda p, heap: p.touch(heap + 8 * KiB, 4 * KiB, write=False),
    ),
    "replaced": Operation(
        "a write to a page that was only read before",
        lambda p, heap: p.touch(heap + 12 * KiB, 4 * KiB),
    ),
}


def _faulted(design: str, fault: str) -> Costs:
    process = Process(design, KERNEL)
    heap = process.mmap(4 * MiB)
    process.touch(heap, 4 * KiB)
    process.touch(heap + 12 * KiB, 4 * KiB, write=False)
    FAULTS[fault].do(process, heap)
    return by_operation(process)[-1].costs


def _walked(design: str, advice: str, tables: int, pages: int) -> Costs:
    process = Process(design, KERNEL, grain="table")
    heap = process.mmap(tables * 2 * MiB)
    for table in range(tables):
        process.touch(heap + table * 2 * MiB, pages * 4 * KiB)
    process.madvise(heap, advice)
    return by_operation(process)[-1].costs


def _more(costs: Costs, base: Costs) -> Row:
    return (
        costs.atomics_local - base.atomics_local,
        costs.atomics_shared - base.atomics_shared,
    )


@dataclass(frozen=True)
class Measured:
    """What is to be measured: (operation, design) for each row, and the size of a walk."""

    cases: tuple[tuple[str, str], ...]
    tables: int = 0
    pages: int = 0


class Counting(TableQuestion[Measured]):
    """Rows of atomic operations, more than unmap_only's."""

    points = 6
    columns = _COLUMNS

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """What `operation` costs under `design`."""
        raise NotImplementedError

    def words(self, operation: str) -> str:
        """The operation in a sentence."""
        raise NotImplementedError

    def rows(self, problem: Measured) -> Sequence[str]:
        """Design and operation."""
        return [f"{design}, {self.words(operation)}" for operation, design in problem.cases]

    def where(self, problem: Measured, row: int) -> str:
        """The run that was measured."""
        design = problem.cases[row][1]
        return f"Step through it with Process({design!r}, kernel='6.1'): look for get and put."

    def solve(self, problem: Measured) -> list[Row]:
        """Counted in the steps of a run."""
        return [
            _more(
                self.costs(problem, design, operation), self.costs(problem, "unmap_only", operation)
            )
            for operation, design in problem.cases
        ]

    def why(self, problem: Measured) -> str:
        """The absolute counts that the rows are differences of."""
        lines = []
        for operation, design in problem.cases:
            mine = self.costs(problem, design, operation)
            base = self.costs(problem, "unmap_only", operation)
            lines.append(
                f"* {design}, {self.words(operation)}: {mine.atomics_local} local and "
                f"{mine.atomics_shared} shared; `unmap_only` needs {base.atomics_local} and "
                f"{base.atomics_shared}"
            )
        return "\n".join(lines)

    def absolute(self, problem: Measured) -> list[Row]:
        """The mistake of not subtracting what any design needs."""
        return [
            (costs.atomics_local, costs.atomics_shared)
            for operation, design in problem.cases
            if (costs := self.costs(problem, design, operation))
        ]


class PerMap(Counting):
    """A page fault under designs that count or lock."""

    name = "thread-1"
    title = "atomic operations for a page fault"
    minutes = 25
    goal = "count the atomic operations that a design adds to a page fault, and say where they are"
    hints = (
        "What does each design do when a walker comes, when an entry appears, when the walker leaves? "
        "A step through the fault shows it.",
        "A lock for reading costs two: one atomic operation to take it, one to drop it. A count of a "
        "page that was just made costs none, because nobody else can see it yet.",
        'Measure one: `p = Process(design, kernel="6.1")`, prepare, do the access, then '
        "`by_operation(p)[-1].costs`. Subtract what `unmap_only` has.",
    )

    def pose(self, rng: Random) -> Measured:
        """Two faults under three designs."""
        faults = rng.sample(list(FAULTS), 2)
        designs = rng.sample(DESIGNS, 3)
        return Measured(tuple((fault, design) for fault in faults for design in designs))

    def text(self, problem: Measured) -> str:
        """The rows."""
        rows = "\n".join(f"{k}. {row}" for k, row in enumerate(self.rows(problem), 1))
        return (
            '"Two atomics on every PTE map" was the first objection to reference counts. '
            f"Check it, and check the others.\n\n{rows}\n\n{_FORM}"
        )

    def words(self, operation: str) -> str:
        """The fault."""
        return FAULTS[operation].words

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """Counted on a new process."""
        return _fault_costs(design, operation)

    def wrong(self, problem: Measured) -> list[Wrong]:
        """From the thread, and from miscounting."""
        right = self.solve(problem)
        cases = problem.cases
        two = [(2, 0) if d == "pte_refcount" else r for (_, d), r in zip(cases, right, strict=True)]
        slips: dict[str, list[Any]] = {
            "absolute": self.absolute(problem),
            "swapped": [row[::-1] for row in right],
            "together": [(sum(map(int, row)), 0) for row in right],
            "visitor-forgotten": [
                (max(int(row[0]) - 2, 0), row[1]) if d in ("pte_refcount", "every_level") else row
                for (_, d), row in zip(cases, right, strict=True)
            ],
            "rwsem-is-one": [
                (local, int(shared) - 1) if d == "pt_rwsem" else (local, shared)
                for (_, d), (local, shared) in zip(cases, right, strict=True)
            ],
            "percpu-is-atomic": [
                (_fault_costs(d, f).percpu_adds, 0) if d == "percpu_ref" else r
                for (f, d), r in zip(cases, right, strict=True)
            ],
            "always-two": two,
            "designs-cost-nothing": [(0, 0)] * len(right),
        }
        return _distinct(self, right, slips)


class PerWalk(Counting):
    """A walk over several tables."""

    name = "thread-2"
    title = "atomic operations for a walk"
    minutes = 25
    goal = "say what a design pays for each entry, each table, or each walk"
    hints = (
        "Gunthorpe's lock is taken once for a walk, however long it is. A visitor's reference is needed "
        "in every table. And the entries?",
        "`MADV_FREE` clears no entry, so no entry gives its reference back. `MADV_DONTNEED` clears them "
        "all, and gives them back together: one operation for each table.",
        "The last put of a table frees it. That needs the PMD lock, which is shared. `pt_rwsem` frees "
        "as well: what does it lock to look whether a table is empty?",
    )

    def pose(self, rng: Random) -> Measured:
        """Both kinds of walk under three designs, over some tables."""
        designs = rng.sample(DESIGNS, 3)
        cases = tuple((advice, design) for advice in ("FREE", "DONTNEED") for design in designs)
        return Measured(cases, rng.randint(3, 8), rng.randint(2, 60))

    def text(self, problem: Measured) -> str:
        """The rows."""
        rows = "\n".join(f"{k}. {row}" for k, row in enumerate(self.rows(problem), 1))
        return (
            f"An area of {2 * problem.tables} MiB has {problem.tables} PTE pages; the first "
            f"{problem.pages} pages of each have been written. **One call of `madvise` goes over all of "
            f"it.**\n\n{rows}\n\n{_FORM}"
        )

    def words(self, operation: str) -> str:
        """The call."""
        return f"MADV_{operation} over the whole area"

    def costs(self, problem: Measured, design: str, operation: str) -> Costs:
        """Counted on a new process."""
        return _walk_costs(design, operation, problem.tables, problem.pages)

    def wrong(self, problem: Measured) -> list[Wrong]:
        """Paying too often, too seldom, or in the wrong place."""
        right = self.solve(problem)
        cases, tables, pages = problem.cases, problem.tables, problem.pages

        def local(change: Callable[[int], int]) -> list[Row]:
            return [(change(int(a)), b) for a, b in right]

        slips: dict[str, list[Any]] = {
            "absolute": self.absolute(problem),
            "swapped": [row[::-1] for row in right],
            "once-for-the-walk": local(lambda n: n // tables),
            "once-for-each-entry": local(lambda n: n * pages),
            "lock-for-each-table": [
                (a, int(b) * tables) if d == "pt_rwsem" else (a, b)
                for (_, d), (a, b) in zip(cases, right, strict=True)
            ],
            "free-clears-entries": [
                self._at(problem, right, "DONTNEED", design) for _, design in cases
            ],
            "freeing-needs-no-lock": [(a, 0) for a, _ in right],
            "designs-cost-nothing": [(0, 0)] * len(right),
        }
        return _distinct(self, right, slips)

    def _at(self, problem: Measured, rows: list[Row], operation: str, design: str) -> Row:
        return rows[problem.cases.index((operation, design))]


@dataclass(frozen=True)
class Machine:
    """A machine of the model: nanoseconds of an atomic operation and of a hand-over, and CPUs."""

    local_atomic: float
    hand_over: float
    cpus: tuple[int, ...]

    @property
    def constants(self) -> Constants:
        """For ptlab.contention."""
        return Constants(local_atomic=self.local_atomic, hand_over=self.hand_over)


class Crossing(TableQuestion[Machine]):
    """Where one lock for the whole walk becomes cheaper than a count in each table."""

    name = "thread-3"
    title = "where the lines cross"
    points = 4
    minutes = 20
    goal = "find the length of a walk at which one design overtakes the other, and what moves it"
    columns = (Column("PTE pages"),)
    hints = (
        "`pte_refcount` pays for each table, `pt_rwsem` once for a walk. Which line rises, and which "
        "one only starts higher?",
        "`walk_cost(design, entries, cpus, constants)` in `ptlab.contention` is the price of one walk "
        "in nanoseconds. A PTE page has 512 entries.",
        'Try 1, 2, 3, ... PTE pages until `walk_cost("pt_rwsem", ...)` is the smaller one. '
        "`Constants(local_atomic=..., hand_over=...)` is your machine.",
    )

    def pose(self, rng: Random) -> Machine:
        """Another machine for each student."""
        cpus = (2, *sorted(rng.sample((3, 4, 6, 8, 12, 16, 24), 3)))
        return Machine(
            rng.choice((2.5, 3.0, 4.0, 5.0, 6.0)), float(rng.randrange(40, 200, 5)), cpus
        )

    def text(self, problem: Machine) -> str:
        """The machine."""
        return (
            "Reference counts cost three atomic operations in every table that is walked. One lock for "
            "the page table costs two for the whole walk, but in a cache line that every CPU wants. On "
            f"your machine an atomic operation takes {problem.local_atomic:g} ns in a line that this "
            f"CPU has, and {problem.hand_over:g} ns in one that another CPU has just changed "
            f"(`Constants(local_atomic={problem.local_atomic:g}, hand_over={problem.hand_over:g})` in "
            "`ptlab.contention`; leave its other constants as they are). All CPUs walk all the time.\n\n"
            f"**From how many PTE pages on is `pt_rwsem` cheaper**, with "
            f"{', '.join(map(str, problem.cpus[:-1]))} and {problem.cpus[-1]} CPUs? "
            "Walks are counted in whole PTE pages. Answer with a list of four whole numbers."
        )

    def rows(self, problem: Machine) -> Sequence[str]:
        """One for each number of CPUs."""
        return [f"{cpus} CPUs" for cpus in problem.cpus]

    def where(self, problem: Machine, row: int) -> str:
        """The two costs to compare."""
        return (
            "Print walk_cost('pte_refcount', 512 * n, cpus, constants) and the same for 'pt_rwsem', "
            "for n from 1 on."
        )

    def solve(self, problem: Machine) -> list[int]:
        """The first number of tables at which the model says so."""
        return [_tables(cpus, problem.constants) for cpus in problem.cpus]

    def why(self, problem: Machine) -> str:
        """The rule behind the numbers."""
        return (
            "The references cost 3 atomic operations for each PTE page; the lock costs 2 hand-overs and "
            f"the wait for those who came before: {self.solve(problem)} PTE pages. More CPUs move the "
            "crossing to the right, but less and less, because the longer the walks, the fewer wait."
        )

    def wrong(self, problem: Machine) -> list[Wrong]:
        """Units, prices, and what depends on what."""
        right = self.solve(problem)
        other = Constants(local_atomic=problem.local_atomic)
        slips: dict[str, list[Any]] = {
            "entries": [n * PTRS_PER_TABLE for n in right],
            "last-that-loses": [n - 1 for n in right],
            "no-queue": [right[0]] * len(right),
            "one-cpu": [1] * len(right),
            "default-machine": [_tables(cpus, other) for cpus in problem.cpus],
            "two-per-table": [-(-3 * n // 2) for n in right],
            "proportional": [right[0] * cpus // 2 for cpus in problem.cpus],
        }
        return _distinct(self, right, slips)


def _tables(cpus: int, constants: Constants) -> int:
    entries = entries_from_which_rwsem_wins(cpus, constants)
    assert entries is not None
    return -(-entries // PTRS_PER_TABLE)


_SAYS = {
    "absolute": "Every design needs the locks of `unmap_only`; only what comes on top counts.",
    "swapped": "Whose cache line is it: one PTE page's, or one for many?",
    "together": "It matters where an atomic operation is: keep local and shared apart.",
    "visitor-forgotten": "A walker holds a reference of its own while it looks.",
    "rwsem-is-one": "A lock is taken and dropped.",
    "percpu-is-atomic": "A counter of this CPU alone needs no atomic operation.",
    "always-two": "Does a new table, or an entry that only changes, cost the same as a new entry?",
    "designs-cost-nothing": "Step through it: what happens between the lookup and the PTE lock?",
    "once-for-the-walk": "A reference is held on one PTE page, not on the whole range.",
    "once-for-each-entry": "Entries that go together give their references back together.",
    "lock-for-each-table": "One lock covers the whole walk.",
    "free-clears-entries": "Is an entry none after MADV_FREE?",
    "freeing-needs-no-lock": "To take a table out of the tree, its PMD entry has to be locked.",
    "entries": "The answer is counted in PTE pages, not in entries.",
    "last-that-loses": "Is the lock cheaper there already?",
    "no-queue": "Who waits for the lock when there are more CPUs?",
    "one-cpu": "With one CPU nobody hands a line over. You have more.",
    "default-machine": "Which machine is it?",
    "two-per-table": "The visitor comes and goes, and the entries are counted: how many is that?",
    "proportional": "Twice the CPUs do not make the queue twice as long: they walk in between.",
}


def _distinct(
    question: Question[Any], right: list[Any], slips: dict[str, list[Any]]
) -> list[Wrong]:
    """The slips that give something else than the right answer, with the rows they get right."""
    each = question.points / len(right)
    return [
        Wrong(idea, _SAYS[idea], answer, each * sum(map(_same, answer, right)))
        for idea, answer in slips.items()
        if answer != right
    ]


def _same(mine: Any, right: Any) -> bool:
    return bool(mine == right)


_fault_costs = functools.cache(_faulted)
_walk_costs = functools.cache(_walked)

QUESTIONS: tuple[Question[Any], ...] = (PerMap(), PerWalk(), Crossing())
