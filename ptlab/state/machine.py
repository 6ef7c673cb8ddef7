"""The machine: what all its processes share. mem_map, locks, RCU, the journal and the frames.

A path takes a lock with `yield from machine.lock(...)`, because it may have to wait, and drops it
with `yield machine.unlock(...)`. With one task nothing ever waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ptlab.base import pte
from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import SchemeMistake, unknown
from ptlab.base.facts import FREED, FREED_LATER, Lock
from ptlab.base.footprint import Access
from ptlab.base.geometry import Geometry
from ptlab.base.kernel_versions import Profile
from ptlab.base.made_often import lock_of
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step, step_of
from ptlab.base.store import Store
from ptlab.base.tables import Tables
from ptlab.state.data_pages import DataPages
from ptlab.state.held import Held, Turn, dropped
from ptlab.state.hugetlb import HugeTlb
from ptlab.state.memmap import MemMap, State
from ptlab.state.others import Alone

SHARED = ("read", "users")
"""Modes in which several tasks may hold a lock at once, if all hold it in the same."""

MODES = (*SHARED, "write", "spin", "trylock")

GRAINS = ("entry", "table", "range")

_LOCK, _UNLOCK = Kind.LOCK, Kind.UNLOCK
_RCU, _FREED = int(State.RCU), int(State.FREED)  # numpy is slow with members of an IntEnum


class Machine:
    """One simulated computer running the kernel of `profile` with `scheme`."""

    def __init__(self, profile: Profile, scheme: Any, levels: int, grain: str, record: bool):
        if grain not in GRAINS:
            raise unknown("grain", grain, GRAINS)
        self.profile, self.grain = profile, grain
        self.scheme = scheme
        self.geometry = Geometry(levels)
        self.store = Store(record)
        self.mem = MemMap(self.store)
        self.others = Alone()
        """The other tasks that run, if there are any."""
        self.task = 0
        """The task that runs: an index into `held`."""
        self.held: list[Held] = [()]
        """For each task the locks it holds, in the order taken."""
        self._turns: dict[str, Turn] = {}
        """The lock that each function took or dropped last."""
        self._rcu: list[Tables] = []
        self._rcu_waits = [0, 0]
        """What was handed to RCU so far, and which part [first, after) of it still waits."""
        self.gather_pages: int | None = None
        """Pages that one zap collects before it flushes, where that is not the kernel's number."""
        self.next_frame = [pte.FIRST_FRAME]
        self.next_anon_vma = [1]
        self.swap = False
        """Whether there is a swap device."""
        self._thp = ["madvise", "never"]
        self.next_swap = [1]
        self.next_mm = [0]
        self._mms: list[tuple[Any, ...]] = [()]
        self._files: list[tuple[Any, ...]] = [()]
        self.pages = DataPages(self.store, self.next_frame)
        self.hugetlb = HugeTlb(self.store)
        self.observe: Callable[[Iterable[Step]], None] = deque[Step](maxlen=0).extend
        """Takes the steps of a path while no journal is kept; ptlab.costs.meter counts them."""

    @property
    def thp(self) -> str:
        """/sys/kernel/mm/transparent_hugepage/enabled: "always", "madvise" or "never"."""
        return self._thp[0]

    @property
    def shmem_thp(self) -> str:
        """transparent_hugepage/shmem_enabled: "always", "within_size", "advise" or "never"."""
        return self._thp[1]

    @property
    def mms(self) -> tuple[Any, ...]:
        """The address spaces there are (state.mm.Mm)."""
        return self._mms[0]

    @property
    def files(self) -> tuple[Any, ...]:
        """The files there are (state.page_cache.File)."""
        return self._files[0]

    @property
    def rcu(self) -> tuple[Tables, ...]:
        """Tables waiting for a grace period, the oldest first."""
        first, after = self._rcu_waits
        return tuple(self._rcu[first:after])

    def frames(self, count: int) -> int:
        """Take `count` data pages; returns the first page frame number. Frames are never reused."""
        first = self.next_frame[0]
        self.store.put(self, "next_frame", 0, first + count)
        return first

    def swap_slots(self, count: int) -> range:
        """Take `count` pages of the swap device."""
        first = self.next_swap[0]
        self.store.put(self, "next_swap", 0, first + count)
        return range(first, first + count)

    def huge_frames(self, pages: int = 512) -> int:
        """Take the data pages of one huge page, which begin at a multiple of its size."""
        self.frames(-self.next_frame[0] % pages)
        return self.frames(pages)

    def new_anon_vma(self) -> int:
        """A number that stands for a new struct anon_vma."""
        number = self.next_anon_vma[0]
        self.store.put(self, "next_anon_vma", 0, number + 1)
        return number

    def lock(
        self, fn: str, name: str, of: Any, mode: str, times: int = 1, tries: bool = False
    ) -> Path[bool]:
        """Take lock `name` of `of` in `mode`; the Step says that function `fn` has it.

        With several tasks it is first announced (a Step of Kind.WAIT), and the task is resumed when
        no other task holds it. In mode "trylock", or if it `tries`, it may not wait; the path's result
        says whether the lock was free.
        """
        if tries or mode == "trylock" or self.others.several:
            return self._lock(fn, name, of, mode, times, tries or mode == "trylock")
        return self._take(fn, name, of, mode, times)  # type: ignore[no-any-return]

    @not_in_kernel
    def _lock(self, fn: str, name: str, of: Any, mode: str, times: int, tries: bool) -> Path[bool]:
        """Until the lock can be had. A PTE lock is found through pte_offset_map(), under RCU."""
        if self.others.several:
            lock = lock_of((name, of, mode))
            if mode not in MODES:
                raise SchemeMistake(f"{fn}: {unknown('mode', mode, MODES)}")
            if name == "ptl":
                self.others.rcu_read_lock(self.task)
            if not tries:
                yield Step(Kind.WAIT, fn, None, 0, times, lock)
            how = Access.READ if mode == "read" else Access.WRITE
            self.others.lock(lock, how | Access.TRY if tries else how)
            if self.taken(lock, self.task):
                yield Step(Kind.FAIL, fn, None, 0, times, lock)
                return False
        yield from self._take(fn, name, of, mode, times)
        return True

    def _take(self, fn: str, name: str, of: Any, mode: str, times: int) -> Any:
        """Take the lock, which is free. The path is its one step.

        A function mostly asks for what it asked for the last time. It is then given the same step.
        """
        task, log = self.task, self.store.log
        before, asked = self.held[task], (task, name, of, mode, times)
        turn = self._turns.get(fn) if type(of) is int else None
        if turn is None or turn.before is not before or turn.asked != asked:
            lock = lock_of((name, of, mode))
            turn = self._turn(_LOCK, fn, before, asked, lock, (*before, lock))
            if type(of) is int:  # arrays are slow to compare
                self._turns[fn] = turn
        if log is not None:  # Store.put(), written out here and below: half of all steps are these
            log += turn.change
        self.held[task] = turn.after
        return turn.steps

    def unlock(self, fn: str, name: str, times: int = 1) -> Step:
        """Drop the lock `name` taken last."""
        task, log = self.task, self.store.log
        before, asked = self.held[task], (task, name, times)
        turn = self._turns.get(fn)
        if turn is None or turn.before is not before or turn.asked != asked:
            turn = self._turn(_UNLOCK, fn, before, asked, *dropped(before, fn, name))
            self._turns[fn] = turn
        if self.others.several:
            how = Access.READ if turn.lock.mode == "read" else Access.WRITE
            self.others.lock(turn.lock, how | Access.RELEASE)
            if name == "ptl":
                self.others.rcu_read_unlock(task)
        if log is not None:
            log += turn.change
        self.held[task] = turn.after
        return turn.steps[0]  # type: ignore[no-any-return]

    def _turn(
        self, kind: str, fn: str, before: Held, asked: tuple[Any, ...], lock: Lock, after: Held
    ) -> Turn:
        """What comes of it that `fn` takes or drops `lock`."""
        step = step_of((kind, fn, None, 0, asked[-1], lock))
        return Turn(before, asked, lock, after, (self, "held", asked[0], before, after), (step,))

    def downgrade(self, fn: str, name: str) -> Step:
        """Hold the lock `name` for read from now on, instead of for write."""
        held = self.held[self.task]
        lock = next(one for one in held if one.name == name)
        read = lock._replace(mode="read")
        after = tuple(read if one is lock else one for one in held)
        self.store.put(self, "held", self.task, after)
        self.others.lock(lock, Access.WRITE | Access.RELEASE)
        return Step(Kind.DOWNGRADE, fn, None, 0, 1, read)

    def taken(self, lock: Lock, by: int) -> bool:
        """Whether another task holds the lock so that task `by` cannot have it.

        Several tasks never walk in runs: a lock is of one table.
        """
        shared = lock.mode in SHARED
        return any(
            held.name == lock.name
            and held.of == lock.of
            and not (shared and held.mode == lock.mode)
            for task, locks in enumerate(self.held)
            if task != by
            for held in locks
        )

    @not_in_kernel
    def flush(
        self,
        fn: str,
        tables: Tables | None,
        n: int,
        times: int = 1,
        span: tuple[int, int] | None = None,
        walks: bool | None = None,
    ) -> Path[None]:
        """Invalidate the TLBs, for the addresses of `span` or for all.

        Where a table goes, or `walks` says so, the paging-structure caches are emptied too. Other CPUs
        are interrupted for it, so it waits until they let it.
        """
        if self.others.several:
            if not self.others.lacks(Precaution.IPI):
                yield from self.interrupt_all(fn, "write", times)
            self.others.flush(span, tables is not None if walks is None else walks)
        yield Step(Kind.FLUSH, fn, tables, n, times)

    @not_in_kernel
    def interrupt_all(self, fn: str, mode: str, times: int = 1) -> Path[None]:
        """Wait until every other CPU has had its interrupts on: to flush, or only to wait ("sync")."""
        interrupts = Lock("interrupts", 0, mode)
        yield Step(Kind.WAIT, fn, None, 0, times, interrupts)
        self.others.lock(interrupts, Access.WRITE)

    def call_rcu(self, tables: Tables) -> Step:
        """Hand `tables` to RCU: they are freed after a grace period."""
        if self.others.lacks(Precaution.RCU):
            return self.free("__free_page", tables)
        self.others.queue()
        self.store.put(self.mem, "state", tables, _RCU)
        after = self._rcu_waits[1]
        if after == len(self._rcu):
            self._rcu.append(0)
        self.store.put(self, "_rcu", after, tables)
        self.store.put(self, "_rcu_waits", 1, after + 1)
        return Step(Kind.RCU, "call_rcu", tables)

    def rcu_do_batch(self) -> Path[None]:
        """Every CPU has passed a quiescent state: the waiting tables go back to the allocator."""
        first, after = self._rcu_waits
        for position in range(first, after):
            tables = self._rcu[position]
            self.store.put(self, "_rcu", position, 0)  # an array of tables is not kept for nothing
            self.store.put(self, "_rcu_waits", 0, position + 1)
            self.others.dequeue()
            yield self.free("rcu_do_batch", tables, grace_period=True)

    def free(self, fn: str, tables: Tables, grace_period: bool = False) -> Step:
        """Give pages back to the allocator: at once, or after a grace period."""
        self.others.freed(tables, grace_period)
        self.store.put(self.mem, "state", tables, _FREED)
        return Step(Kind.FREE, fn, tables, fact=FREED_LATER if grace_period else FREED)
