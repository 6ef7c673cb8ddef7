"""Which locks the running task holds, and which of them keep others away from a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.draw.names import lock_name
from ptlab.state.machine import SHARED, Machine
from ptlab.state.mm import Mm, base_address
from ptlab.state.vma import Vma, overlapping


class HeldLocks:
    """The locks of the task that runs."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.mem = machine, machine.mem
        self.only: tuple[Lock, ...] | None = None
        """These of its locks alone count, if they are given."""

    @property
    def held(self) -> tuple[Lock, ...]:
        """The locks that count."""
        return self.machine.held[self.machine.task] if self.only is None else self.only

    def holds(self, name: str, of: Any, any_mode: bool = False) -> bool:
        """Whether it holds this lock alone, or in any mode."""
        for lock in self.held:
            if lock.name == name and lock.of == of and (any_mode or lock.mode not in SHARED):
                return True
        return False

    def ptl(self, table: int) -> bool:
        """Whether it holds the PTE lock in `table`."""
        return self.holds("ptl", table)

    def lock_of(self, table: int, level: Level) -> Lock:
        """The lock of the entries of a table."""
        if level is Level.PTE:
            return Lock("ptl", table, "spin")
        if level is Level.PMD:
            return Lock("pmd_lock", table, "spin")
        return Lock("page_table_lock", self.mem.mm.item(table), "spin")

    def locked(self, table: int, level: Level) -> bool:
        """Whether it holds the lock of the entries of `table`."""
        name, of, _ = self.lock_of(table, level)
        return self.holds(name, of)

    def name(self, lock: Lock) -> str:
        """'the PTE lock of PTE page 7'."""
        return f"the {lock_name(self.mem, lock)}"

    def mm(self, table: int) -> Mm:
        """The address space of a table."""
        number = self.mem.mm.item(table)
        found: Mm = next(mm for mm in self.machine.mms if mm.id == number)
        return found

    def own_lock(self) -> str:
        """The lock of the design that every walk takes; '' if it has none."""
        says = self.machine.scheme.stays_empty
        return "" if says in ("lock", "count") else str(says)

    def has_own_lock(self, table: int) -> bool:
        """Whether it holds that lock of the design alone."""
        own = self.own_lock()
        return bool(own) and self.holds(own, self.mem.mm.item(table))

    def span(self, table: int, column: int) -> tuple[int, int]:
        """The addresses below an entry of an upper table."""
        shift = self.machine.geometry.shift(Level(self.mem.level.item(table)))
        start = base_address(self.mm(table), table) + (column << shift)
        return start, start + (1 << shift)

    def there(self, mm: Mm, start: int, end: int) -> Iterator[Vma]:
        """The VMAs in a range, those included that a file still leads to."""
        yield from overlapping(mm.vmas, start, end)
        yield from (vma for vma in mm.detached if vma.start < end and start < vma.end)

    def nobody_below(self, parent: int, slot: int) -> bool:
        """Whether nobody else can be in the table at `slot`: no VMA, or all of them locked.

        A truncate comes by the file, and takes no lock of the mm.
        """
        mm = self.mm(parent)
        there = list(self.there(mm, *self.span(parent, slot)))
        if not there:
            return self.holds("mmap_lock", mm.id, any_mode=True)
        files = {vma.file.number for vma in there if vma.file is not None}
        alone = self.holds("mmap_lock", mm.id)
        alone = alone and all(self.holds("i_mmap_rwsem", number) for number in files)
        if self.machine.profile.vma_lock_fault:
            alone = alone and all(self.holds("vma_lock", vma.start) for vma in there)
        return alone
