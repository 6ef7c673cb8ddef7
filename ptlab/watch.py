"""What one task does that another can notice: the footprint of each atomic segment.

While several tasks run, the columns of mem_map and the VMAs are wrapped so that every look and every
write is noted. From the footprints the explorer knows which segments depend on each other; a look
at a page that has been freed is noticed on the spot, as KASAN would.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ptlab import pte
from ptlab.geometry import PTRS_PER_TABLE
from ptlab.memmap import EntryPool, State
from ptlab.steps import Tables

if TYPE_CHECKING:
    from ptlab.machine import Lock, Machine
    from ptlab.mm import Mm


class Access:
    """How a segment used an object.

    RELEASE comes with one of the others: a lock is given up that was held for reading or writing.
    TRY comes with WRITE: a trylock, which can be done, in vain, while another task holds the lock.
    (Plain ints: they are fast.)
    """

    READ = 1
    WRITE = 2
    RELEASE = 4
    TRY = 8


Footprint: TypeAlias = dict[Hashable, int]
"""Object (a page, a lock, a count, ...) -> Access bits."""


class Translation(NamedTuple):
    """An entry of a CPU's TLB: the frame, the PTE page it was read from, whether it may write."""

    frame: int
    table: int
    writable: bool


_FREED = int(State.FREED)
_PLACES = 4
"""Entries of a table that are told apart; the last stands for all the others."""


class Watch:
    """Notes what the running segment does; holds what only exists with several CPUs."""

    def __init__(self, machine: Machine, mms: list[Mm], tasks: int) -> None:
        self.machine = machine
        self.footprint: Footprint = {}
        self.looked: set[int] = set()
        """Tables whose reference count this segment has read, and not changed so far."""
        self.broken: list[str] = []
        """What went wrong in this segment, in words."""
        self.freed_at: dict[int, int] = {}
        """Step number at which a table was freed."""
        self.now = 0
        self.tlb: list[dict[int, Translation]] = [{} for _ in range(tasks)]
        self.freed_frames: set[int] = set()
        self.depth = [0] * tasks
        """How deep each task is in RCU read-side sections."""
        self._serial = [0] * tasks
        self._waits_for: list[set[tuple[int, int]]] = []
        """For each batch in machine.rcu: the sections (task, serial) it has to wait for."""
        self.visits: set[tuple[int, int]] = set()
        """(task, table): visits that hold a reference."""
        self._states = machine.mem.state
        self._wrap(mms)

    def _wrap(self, mms: list[Mm]) -> None:
        mem = self.machine.mem
        mem.entries = _Entries(self, mem.entries)  # type: ignore[assignment]
        mem.refcount = _Counts(self, mem.refcount)  # type: ignore[assignment]
        mem.visitors = _Visitors(self, mem.visitors)  # type: ignore[assignment]
        for mm in mms:
            mm.vmas = _Whole(self, ("vmas", mm.id), mm.vmas)  # type: ignore[assignment]
        for file in self.machine.files[0]:
            key = ("file", file.number)
            file.cache = _Whole(self, key, file.cache)  # type: ignore[assignment]
            file.size = _Whole(self, key, file.size)  # type: ignore[assignment]

    # -- footprints --

    def note(self, thing: Hashable, access: int) -> None:
        """The running segment uses `thing`."""
        self.footprint[thing] = self.footprint.get(thing, 0) | access

    def alive(self, table: int, doing: str) -> None:
        """The running segment uses a page-table page, which must not have been freed."""
        self.note(("alive", table), Access.READ)
        if self._states.item(table) == _FREED:
            ago = self.now - self.freed_at.get(table, self.now)
            self.broken.append(f"{doing} PTE page {table}, freed {_steps(ago)} ago")

    def lock(self, lock: Lock, access: int) -> None:
        """A lock is taken (or tried) or released. A PTE lock lies in the page that it protects."""
        name, of, _ = lock
        self.note((name, of), access)
        if name in ("ptl", "pmd_lock"):
            self.alive(int(of), "uses the lock in")

    def take(self) -> Footprint:
        """The footprint so far; a new one begins."""
        for table in self.looked:
            self.count(table, Access.READ)
        self.looked.clear()
        taken, self.footprint = self.footprint, {}
        return taken

    def count(self, table: int, access: int) -> None:
        """The running segment uses the reference count of `table`, all tasks' shares of it."""
        for task in range(len(self.depth)):
            self.note(("count", table, task), access)

    # -- RCU --

    def rcu_read_lock(self, task: int) -> None:
        """`task` enters a read-side section (they nest)."""
        if not self.depth[task]:
            self._serial[task] += 1
            self.note(("section", task), Access.WRITE)
        self.depth[task] += 1

    def rcu_read_unlock(self, task: int) -> None:
        """`task` leaves its innermost section."""
        self.depth[task] -= 1
        if not self.depth[task]:
            self.note(("section", task), Access.WRITE | Access.RELEASE)

    def queue(self) -> None:
        """A batch is handed to RCU: sections that have begun must end first."""
        self.note("rcu", Access.WRITE)
        for task in range(len(self.depth)):
            self.note(("section", task), Access.READ)
        off = self._interrupts_off()
        inside = {(t, s) for t, s in enumerate(self._serial) if self.depth[t] or t in off}
        self._waits_for.append(inside)

    def grace_period_over(self) -> bool:
        """Whether the oldest batch may be freed."""
        if not self._waits_for:
            return False
        off = self._interrupts_off()
        return not any(
            (self.depth[task] or task in off) and self._serial[task] == serial
            for task, serial in self._waits_for[0]
        )

    def _interrupts_off(self) -> set[int]:
        """The tasks that hold off interrupts; their CPUs are in no quiescent state."""
        held = self.machine.held
        return {
            t for t, locks in enumerate(held) if any(name == "interrupts" for name, *_ in locks)
        }

    def dequeue(self) -> None:
        """The oldest batch is being freed."""
        self.note("rcu", Access.WRITE)
        for task, _ in self._waits_for.pop(0):
            self.note(("section", task), Access.READ | Access.RELEASE)

    def freed(self, tables: Tables) -> None:
        """Tables go back to the allocator."""
        for table in np.ravel(tables).tolist():
            self.note(("alive", table), Access.WRITE)
            self.freed_at[table] = self.now

    # -- TLBs --

    def translate(self, task: int, address: int, write: bool) -> bool:
        """Whether the CPU of `task` can do the access without looking at the page tables."""
        found = self.tlb[task].get(address)
        self.note(("tlb", task), Access.READ)
        if found is None or (write and not found.writable):
            return False
        self.note(("frame", found.frame), Access.READ)
        if found.frame in self.freed_frames:
            self.broken.append(
                f"uses a stale TLB entry: {address:#x} still leads to page frame "
                f"{found.frame:#x}, which has been freed and may be anybody's"
            )
        return True

    def fill(self, task: int, address: int, table: int, word: int) -> None:
        """The MMU has walked to this entry and keeps the translation."""
        self.note(("tlb", task), Access.WRITE)
        self.tlb[task][address] = Translation(int(pte.pfn(word)), table, bool(word & pte.RW))

    def flush(self) -> None:
        """All CPUs forget their translations. (A real flush names a range.)"""
        for task, tlb in enumerate(self.tlb):
            self.note(("tlb", task), Access.WRITE)
            tlb.clear()

    def free_frames(self, frames: list[int]) -> None:
        """Data pages go back to the allocator."""
        for frame in frames:
            self.note(("frame", frame), Access.WRITE)
            self.freed_frames.add(frame)


def _steps(n: int) -> str:
    return "1 step" if n == 1 else f"{n} steps"


class _Column:
    """A column of mem_map whose rows are watched."""

    def __init__(self, watch: Watch, raw: Any) -> None:
        self.watch, self.raw = watch, raw

    def __getitem__(self, where: Any) -> Any:
        if isinstance(where, (int, np.integer)):
            self.look(int(where), Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        if isinstance(where, (int, np.integer)):
            self.look(int(where), Access.WRITE)
        self.raw[where] = value

    def item(self, where: int) -> Any:
        """numpy's fast way to one element."""
        self.look(where, Access.READ)
        return self.raw.item(where)

    def look(self, table: int, access: int) -> None:
        """Note the access to the row of `table`."""
        raise NotImplementedError


class _All(_Column):
    """Where the entries of a table are, and how many: whoever looks, looks at all of them."""

    def look(self, table: int, access: int) -> None:
        for place in range(_PLACES):
            self.watch.note(("entry", table, place), access)
        self.watch.alive(table, "reads")


class _Entries:
    """The pool of entries. Told apart are the first few of a table; scenes use no others."""

    def __init__(self, watch: Watch, raw: EntryPool) -> None:
        self.watch, self.raw = watch, raw
        self.slab, self.nonnone = _All(watch, raw.slab), _All(watch, raw.nonnone)

    @property
    def words(self) -> Any:
        """The words themselves, for a walk that has looked at `slab`."""
        return self.raw.words

    def word(self, table: int, index: int) -> int:
        """One word."""
        self._note(table, index, Access.READ)
        return self.raw.word(table, index)

    def __getitem__(self, key: tuple[Any, Any]) -> Any:
        self._note(*key, Access.READ)
        return self.raw[key]

    def __setitem__(self, key: tuple[Any, Any], words: Any) -> None:
        self._note(*key, Access.WRITE)
        self.raw[key] = words

    def _note(self, table: Any, columns: Any, access: int) -> None:
        if not isinstance(table, (int, np.integer)):
            return  # runs are only what the checks look at
        table = int(table)
        if isinstance(columns, slice):
            first, last, _ = columns.indices(PTRS_PER_TABLE)
            last -= 1
        elif isinstance(columns, (int, np.integer)):
            first = last = int(columns)
        else:
            return
        for place in range(min(first, _PLACES - 1), min(last, _PLACES - 1) + 1):
            self.watch.note(("entry", table, place), access)
        self.watch.alive(table, "writes into" if access & Access.WRITE else "reads")


class _Counts(_Column):
    """Reference counts, atomic: gets commute with gets, and puts with puts that do not reach zero.

    A get writes its task's own share of the count, a put reads the share of every task. A task that
    is a visitor knows that nobody reaches zero meanwhile: what it adds or takes then commutes.
    """

    def __getitem__(self, where: Any) -> Any:
        value = self.raw[where]
        if isinstance(where, (int, np.integer)):
            self.watch.alive(int(where), "uses the reference count of")
            self.watch.looked.add(int(where))
        return value

    def __setitem__(self, where: Any, value: Any) -> None:
        table, old, self.raw[where] = int(where), self.raw[where], value
        self.watch.alive(table, "uses the reference count of")
        self.watch.looked.discard(table)
        task = self.watch.machine.task
        if (task, table) in self.watch.visits and value > 0 < old:
            return
        if value > old > 0:
            self.watch.note(("count", table, task), Access.WRITE)
        else:
            self.watch.count(table, Access.READ if value else Access.WRITE)


class _Visitors:
    """How many visitors a table has. No path decides by it; here it tells whose they are."""

    def __init__(self, watch: Watch, raw: Any) -> None:
        self.watch, self.raw = watch, raw

    def __getitem__(self, where: Any) -> Any:
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        visit = self.watch.machine.task, int(where)
        change = self.watch.visits.add if value > self.raw[where] else self.watch.visits.discard
        change(visit)
        self.raw[where] = value


class _Whole:
    """A column that is watched as one object."""

    def __init__(self, watch: Watch, key: Hashable, raw: Any) -> None:
        self.watch, self.key, self.raw = watch, key, raw

    def __getitem__(self, where: Any) -> Any:
        self.watch.note(self.key, Access.READ)
        return self.raw[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        self.watch.note(self.key, Access.WRITE)
        self.raw[where] = value

    def __len__(self) -> int:
        return len(self.raw)
