"""What each CPU has beside the memory: TLB, paging-structure cache, store buffer; freed pages."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.footprint import Access
from ptlab.base.geometry import PMD_SHIFT
from ptlab.base.tables import Tables
from ptlab.race.broken_caches import CopiesTaken, TakesForeign, TakesFreed, UsesStaleTlb
from ptlab.race.broken_rule import BrokenRule
from ptlab.race.protection import Protection
from ptlab.race.store_buffer import StoreBuffer
from ptlab.state.machine import Machine
from ptlab.state.others import Alone


class Translation(NamedTuple):
    """An entry of a CPU's TLB: the frame, the PTE page it was read from, whether it may write."""

    frame: int
    table: int
    writable: bool


class Hardware(Alone):
    """The caches of the CPUs, one for each task."""

    protection: Protection

    def __init__(self, machine: Machine, tasks: int, weak: bool) -> None:
        self.machine = machine
        self.broken: list[BrokenRule] = []
        """What this segment has broken."""
        self.running = ""
        """The letter of the running task."""
        self.tlb: list[dict[int, Translation]] = [{} for _ in range(tasks)]
        self.walks: list[dict[int, int]] = [{} for _ in range(tasks)]
        """Paging-structure caches: for each CPU, by 2 MiB of addresses, the PTE page."""
        self.buffer = StoreBuffer(self, tasks) if weak else None
        self.freed_frames: set[int] = set()
        self.gathered: Counter[int] = Counter()
        """How many mmu_gathers keep a page of a file until their flush."""
        self.dropped: set[int] = set()
        """Pages that their file has dropped."""
        self.pins: list[int] = []
        """References of GUP to data pages."""
        self.kept: set[int] = set()
        """Those that have been handed to a caller."""

    def translate(self, task: int, address: int, write: bool) -> bool:
        """Whether the TLB of `task` serves the access, so that no page table is read."""
        found = self.tlb[task].get(address)
        self._own_tlb(task, Access.READ)
        if found is None or (write and not found.writable):
            return False
        self.note(("frame", found.frame), Access.READ)
        if found.frame in self.freed_frames:
            self.broken.append(UsesStaleTlb(self.running, address, found.frame))
        return True

    def fill(self, task: int, address: int, tables: Tables, words: NDArray[Any]) -> None:
        """The MMU has walked to this entry and keeps the translation."""
        self._own_tlb(task, Access.WRITE)
        word = int(words.flat[0])
        frame = int(pte.pfn(word))
        self.tlb[task][address] = Translation(frame, int(tables), bool(word & pte.RW))
        self.walks[task][address >> PMD_SHIFT] = int(tables)
        if self.buffer:
            self.buffer.look(task, "page", frame % pte.FILE_FRAME)

    def _own_tlb(self, task: int, access: int) -> None:
        """`task` uses its TLB, which any task may flush."""
        for other in range(len(self.tlb)):
            self.note(("tlb", task, other), access)

    def flush(self, span: tuple[int, int] | None, walks: bool) -> None:
        """All CPUs forget their translations of the addresses in `span`; with `walks` tables too."""
        self.protection.flushed()
        for task, tlb in enumerate(self.tlb):
            self.note(("tlb", task, self.machine.task), Access.WRITE)  # two flushes commute
            for address in [one for one in tlb if span is None or span[0] <= one < span[1]]:
                del tlb[address]
            if walks:
                self.walks[task].clear()

    def walk_cached(self, task: int, address: int) -> int:
        """The PTE page that the CPU of `task` goes on to without reading the PMD entry; 0 for none."""
        return self.walks[task].get(address >> PMD_SHIFT, 0) if self.buffer else 0

    def smp_wmb(self) -> None:
        """The running task's stores so far are seen before the next ones."""
        if self.buffer:
            self.buffer.barrier(self.machine.task)

    def free_frames(self, frames: list[int]) -> None:
        """Data pages go back to the allocator, unless GUP has a reference."""
        for frame in frames:
            self.note(("frame", frame), Access.WRITE)
            if frame not in self.pins:
                self.freed_frames.add(frame)

    def gather(self, filed: list[int]) -> list[int]:
        """A zap keeps these pages of files: their entries are gone, the flush is still to come."""
        for frame in filed:
            self.note(("frame", frame), Access.WRITE)
        self.gathered.update(filed)
        return filed

    def free_gathered(self, frames: list[int], filed: list[int]) -> None:
        """The flush is over. A file's page is freed if its file has dropped it meanwhile."""
        self.free_frames(frames)
        self.gathered.subtract(filed)
        self.drop_frames([frame for frame in filed if frame in self.dropped])

    def drop_frames(self, frames: list[int]) -> None:
        """A file drops these pages; who has zapped them and not flushed yet keeps them."""
        self.dropped.update(frames)
        self.free_frames([frame for frame in frames if not self.gathered[frame]])

    def pin(self, frame: int) -> None:
        """GUP takes a reference to a data page."""
        self.note(("frame", frame), Access.WRITE)
        if frame not in self.freed_frames:
            self.pins.append(frame)
        if self.buffer:
            self.buffer.look(self.machine.task, "page", frame % pte.FILE_FRAME)

    def unpin(self, frame: int) -> None:
        """GUP gives it back."""
        self.note(("frame", frame), Access.WRITE)
        if frame in self.pins:
            self.pins.remove(frame)

    def keep(self, frame: int, foreign: bool) -> None:
        """GUP hands the page to its caller, for whom it must be the one that is mapped."""
        if foreign:
            self.broken.append(TakesForeign(self.running, frame))
        if frame in self.freed_frames:
            self.broken.append(TakesFreed(self.running, frame))
        self.kept.add(frame)

    def copied(self, frames: list[int]) -> None:
        """A page that GUP has handed out is used by somebody, whose writes a copy would miss."""
        taken = self.kept.intersection(frames)
        if taken:
            self.broken.append(CopiesTaken(self.running, min(taken)))
        self.free_frames(frames)

    def pinned(self, frames: list[int]) -> bool:
        """Whether another task has a reference to one of these pages."""
        for frame in frames:
            self.note(("frame", frame), Access.READ)
        return any(frame in self.pins for frame in frames)
