"""The machine: what all its processes share. mem_map, locks, RCU, the journal and the frames.

A path takes a lock with `yield from machine.lock(...)`, because it may have to wait, and drops it
with `yield machine.unlock(...)`. With one task nothing ever waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlab import pte
from ptlab.errors import unknown
from ptlab.files import File
from ptlab.footprint import Access
from ptlab.geometry import Geometry
from ptlab.guards import Guard
from ptlab.memmap import MemMap, State
from ptlab.profiles import Profile
from ptlab.schemes.base import ReclaimScheme
from ptlab.steps import Kind, Path, Step, Tables, step_of
from ptlab.store import Store
from ptlab.tlb import GATHER_PAGES

if TYPE_CHECKING:
    from ptlab.mm import Mm
    from ptlab.vma import Vma
    from ptlab.watch import Watch

Lock: TypeAlias = tuple[str, Any, str]
"""(name, whose: an mm's id, a table or a run of tables, a VMA's start; mode)"""

_SHARED = ("read", "users")
"""Modes in which several tasks may hold a lock at once, if all hold it in the same."""

GRAINS = ("entry", "table", "range")

_LOCK, _UNLOCK = Kind.LOCK, Kind.UNLOCK
_RCU, _FREED = State.RCU, State.FREED  # looked up once: Python 3.11 finds members slowly


class Machine:
    """One simulated computer running the kernel of `profile` with `scheme`."""

    def __init__(
        self, profile: Profile, scheme: ReclaimScheme, levels: int, grain: str, record: bool
    ):
        if grain not in GRAINS:
            raise unknown("grain", grain, GRAINS)
        self.profile, self.scheme, self.grain = profile, scheme, grain
        self.geometry = Geometry(levels)
        self.store = Store(record)
        self.mem = MemMap(self.store)
        self.watch: Watch | None = None
        """Set while several tasks run: it notes what they do to each other."""
        self.without: frozenset[Guard] = frozenset()
        """Guards that are left out, to see what they are good for."""
        self.task = 0
        """The task that runs: an index into `held`."""
        self.held: list[tuple[Lock, ...]] = [()]
        """For each task the locks it holds, in the order taken."""
        self.rcu: list[tuple[Tables, ...]] = [()]
        """Tables waiting for a grace period."""
        self.gather_pages = GATHER_PAGES
        self.next_frame = [pte.FIRST_FRAME]
        self.next_anon_vma = [1]
        self.swap = False
        """Whether there is a swap device."""
        self.next_swap = [1]
        self.next_mm = [0]
        self.mms: list[tuple[Mm, ...]] = [()]
        """One element: the address spaces there are."""
        self.files: list[tuple[File, ...]] = [()]
        """One element: the files there are."""
        self.detached: list[tuple[Vma, ...]] = [()]
        """One element: VMAs that munmap has taken out of their mm, but not yet out of their file."""
        self.shares: NDArray[np.int32] = np.zeros(0, np.int32)
        """How many processes more than one map a data page, by frame; grown by the first fork."""

        self.observe: Callable[[Iterable[Step]], None] = deque[Step](maxlen=0).extend
        """Takes the steps of a path while no journal is kept; ptlab.costs counts them."""

    def frames(self, count: int) -> int:
        """Take `count` data pages; returns the first page frame number. Frames are never reused."""
        first = self.next_frame[0]
        self.store.put(self, "next_frame", 0, first + count)
        return first

    def new_file(self, size: int, kind: str, filled: bool) -> File:
        """A file of `size` bytes; `kind` as in ptlab.files.File."""
        file = File(self, len(self.files[0]), size, kind, filled)
        self.store.put(self, "files", 0, (*self.files[0], file))
        return file

    def swap_slots(self, count: int) -> range:
        """Take `count` pages of the swap device."""
        first = self.next_swap[0]
        self.store.put(self, "next_swap", 0, first + count)
        return range(first, first + count)

    def huge_frames(self) -> int:
        """Take 512 data pages at a 2 MiB boundary."""
        self.frames(-self.next_frame[0] % 512)
        return self.frames(512)

    def unshare(self, words: NDArray[np.uint64]) -> None:
        """These entries go: one process less maps their anonymous pages."""
        if len(self.shares):
            frames = pte.pfn(words[pte.is_present(words)])
            own = (frames >= pte.FIRST_FRAME) & (frames < pte.FILE_FRAME)
            self.share(frames[own], -1)

    def share(self, frames: NDArray[np.uint64], delta: int) -> None:
        """One process more (or less) maps each of these anonymous pages. O(frames)."""
        index = frames.astype(np.int64) - pte.FIRST_FRAME
        if delta > 0 and self.next_frame[0] - pte.FIRST_FRAME > len(self.shares):
            grown = np.zeros(2 * (self.next_frame[0] - pte.FIRST_FRAME), np.int32)
            grown[: len(self.shares)] = self.shares
            self.shares = grown
        if delta < 0:
            index = index[index < len(self.shares)]
            index = index[self.shares[index] > 0]
        if len(index):
            self.store.add(self, "shares", index, delta)

    def shared(self, frames: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of these anonymous pages another process maps too."""
        index = frames.astype(np.int64) - pte.FIRST_FRAME
        known = (index >= 0) & (index < len(self.shares))
        others: NDArray[np.bool_] = np.zeros(index.shape, np.bool_)
        others[known] = self.shares[index[known]] > 0
        return others

    def new_anon_vma(self) -> int:
        """A number that stands for a new struct anon_vma."""
        number = self.next_anon_vma[0]
        self.store.put(self, "next_anon_vma", 0, number + 1)
        return number

    def lock(self, fn: str, name: str, of: Any, mode: str, times: int = 1) -> Path[bool]:
        """Take lock `name` of `of` in `mode`; the Step tells that function `fn` has it.

        With several tasks it is first announced (a Step of Kind.WAIT), and the task is resumed when
        no other task holds it; in mode "trylock" it may not wait and gives up: False.
        """
        lock = (name, of, mode)
        if self.watch is not None and not (yield from self._wait(self.watch, fn, lock, times)):
            return False
        self._hold((*self.held[self.task], lock))
        yield step_of((_LOCK, fn, None, 0, times, lock))
        return True

    def _wait(self, watch: Watch, fn: str, lock: Lock, times: int) -> Path[bool]:
        """Until the lock can be had. A PTE lock is found through pte_offset_map(), under RCU."""
        name, _, mode = lock
        if name == "ptl":
            watch.rcu_read_lock(self.task)
        if mode != "trylock":
            yield Step(Kind.WAIT, fn, None, 0, times, lock)
        how = Access.READ if mode == "read" else Access.WRITE
        watch.lock(lock, how | Access.TRY if mode == "trylock" else how)
        if self.taken(lock, self.task):
            yield Step(Kind.FAIL, fn, None, 0, times, lock)
            return False
        return True

    def unlock(self, fn: str, name: str, times: int = 1) -> Step:
        """Drop the lock `name` taken last."""
        held = self.held[self.task]
        lock, rest = held[-1], held[:-1]
        if lock[0] != name:
            index = max(k for k, one in enumerate(held) if one[0] == name)
            lock, rest = held[index], held[:index] + held[index + 1 :]
        if self.watch is not None:
            how = Access.READ if lock[2] == "read" else Access.WRITE
            self.watch.lock(lock, how | Access.RELEASE)
            if name == "ptl":
                self.watch.rcu_read_unlock(self.task)
        self._hold(rest)
        return step_of((_UNLOCK, fn, None, 0, times, lock))

    def downgrade(self, fn: str, name: str) -> Step:
        """Hold the lock `name` for read from now on, instead of for write."""
        held = self.held[self.task]
        read = tuple((n, of, "read" if n == name else mode) for n, of, mode in held)
        self._hold(read)
        if self.watch is not None:
            of = next(of for n, of, _ in read if n == name)
            self.watch.note((name, of), Access.WRITE | Access.RELEASE)
        return Step(Kind.DOWNGRADE, fn, None, 0, 1, (name, None, "read"))

    def _hold(self, locks: tuple[Lock, ...]) -> None:
        """Store.put() for the locks of the running task; written out, for it is called most."""
        task, held, log = self.task, self.held, self.store.log
        if log is not None:
            log.append((self, "held", task, held[task], locks))
        held[task] = locks

    def taken(self, lock: Lock, by: int) -> bool:
        """Whether another task holds the lock so that task `by` cannot have it."""
        name, of, mode = lock
        return any(
            held_name == name and _same(of, held_of) and not (mode == held_mode and mode in _SHARED)
            for task, locks in enumerate(self.held)
            if task != by
            for held_name, held_of, held_mode in locks
        )

    def flush(self, fn: str, tables: Tables | None, n: int, times: int = 1) -> Path[None]:
        """Invalidate the TLBs. Other CPUs are interrupted for it, so it waits until they let it."""
        if self.watch is not None:
            if Guard.IPI not in self.without:
                interrupts = ("interrupts", 0, "write")
                yield Step(Kind.WAIT, fn, None, 0, times, interrupts)
                self.watch.lock(interrupts, Access.WRITE)
            self.watch.flush()
        yield Step(Kind.FLUSH, fn, tables, n, times)

    def call_rcu(self, tables: Tables) -> Step:
        """Hand `tables` to RCU: they are freed after a grace period."""
        if self.watch is not None:
            if Guard.RCU in self.without:
                return self.free("__free_page", tables)
            self.watch.queue()
        self.mem.set_state(tables, _RCU)
        self.store.put(self, "rcu", 0, (*self.rcu[0], tables))
        return Step(Kind.RCU, "call_rcu", tables)

    def rcu_do_batch(self) -> Path[None]:
        """Every CPU has passed a quiescent state: the waiting tables go back to the allocator."""
        for tables in self.rcu[0]:
            self.store.put(self, "rcu", 0, self.rcu[0][1:])
            if self.watch is not None:
                self.watch.dequeue()
            yield self.free("rcu_do_batch", tables)

    def free(self, fn: str, tables: Tables) -> Step:
        """Give pages back to the allocator."""
        if self.watch is not None:
            self.watch.freed(tables)
        self.mem.set_state(tables, _FREED)
        return Step(Kind.FREE, fn, tables)


def _same(of: Any, other: Any) -> bool:
    """Whether two locks of one name have a table in common."""
    if isinstance(of, int) and isinstance(other, int):
        return of == other
    return bool(np.any(np.isin(of, other)))
