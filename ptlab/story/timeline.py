"""Timeline: for each table and number of a story, the steps at which it changes.

One walk through a finished journal, from the beginning to the end, notes them. A viewer can then
show any step without the ones before it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.base.steps import TABLE_EVENTS, Step
from ptlab.base.store import Change
from ptlab.draw.appearance import Look, look, place
from ptlab.draw.names import lock_name
from ptlab.draw.sentences import predicate
from ptlab.state.journal import Journal
from ptlab.state.memmap import MemMap
from ptlab.state.mm import Count, Mm, base_address


class StoryStep(NamedTuple):
    """One step, and its sentence without the function's name in `predicate`.

    op     the index of its operation
    event  whether a table came or went
    """

    op: int
    kind: str
    fn: str
    path: tuple[str, ...]
    predicate: str
    event: bool
    tables: tuple[int, ...]

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.fn}: {self.predicate}"


class EntryRun(NamedTuple):
    """Entries `first` to `last` - 1 of a table became `word`, `word` + `grows`, ..., all of one kind."""

    step: int
    first: int
    last: int
    word: int
    grows: int
    kind: str


class Place(NamedTuple):
    """Where a table is in the tree: its first address, and its range in words."""

    base: int
    text: str


class Timeline:
    """One walk through the journal that notes, for each table and number, when it changes.

    looks[t]    (step, look) of table t
    entries[t]  the changes of its entries
    places[t]   where it is in the tree; a table that never was has none
    children    the tables that ever hung below a table, by slot
    locks       (step, the locks that are held and their names)
    numbers     (step, value) by the number's name
    """

    def __init__(self, mm: Mm, journal: Journal) -> None:
        self.mm = mm
        self.steps: list[StoryStep] = []
        self.looks: dict[int, list[tuple[int, Look]]] = {}
        self.entries: dict[int, list[EntryRun]] = {}
        self.places: dict[int, Place] = {}
        self.children: dict[int, list[int]] = {}
        self.locks: list[tuple[int, list[tuple[Lock, str]]]] = []
        self.numbers: dict[str, list[tuple[int, int]]] = {}
        operation_of = [
            index
            for index, operation in enumerate(journal.operations)
            for _ in range(operation.first, operation.last)
        ]
        journal.seek(0)
        self._note(0, {mm.pgd})
        for number, step in enumerate(journal.steps, 1):
            changes = journal.changes(number)
            journal.seek(number)
            self._note_step(operation_of[number - 1], step, journal.path(number))
            self._note(number, self._changed(changes))
            self._note_entries(number, changes)

    def _note_step(self, op: int, step: Step, path: tuple[str, ...]) -> None:
        functions = path if path[-1:] == (step.fn,) else (*path, step.fn)
        tables = () if step.tables is None else tuple(np.ravel(step.tables).tolist())
        text, event = predicate(self.mm.machine.mem, step), step.kind in TABLE_EVENTS
        self.steps.append(StoryStep(op, step.kind, step.fn, functions, text, event, tables))

    def _changed(self, changes: list[Change]) -> set[int]:
        """The tables of this address space that a step's changes touch."""
        tables: set[int] = set()
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name != "next_pfn":
                rows = where[0] if name == "entries" else where
                if isinstance(rows, slice):
                    rows = range(rows.start, rows.stop)
                tables.update(np.ravel(rows).tolist())
        return {t for t in tables if self.mm.machine.mem.mm[t] == self.mm.id}

    def _note(self, number: int, changed: set[int]) -> None:
        mm, mem = self.mm, self.mm.machine.mem
        for table in sorted(changed):
            seen = look(mm, table)
            track = self.looks.setdefault(table, [])
            if not track or track[-1][1] != seen:
                track.append((number, seen))
            if seen.state == "live" and table not in self.places:
                self._note_place(table)
        held = [(lock, lock_name(mem, lock)) for locks in mm.machine.held for lock in locks]
        if not self.locks or self.locks[-1][1] != held:
            self.locks.append((number, held))
        c = mm.counters
        self._note_number(number, "VmPTE", mm.vmpte_kb)
        self._note_number(number, "RSS", 4 * (c[Count.ANON] + c[Count.FILE]))
        self._note_number(number, "minor faults", c[Count.MINFLT])
        self._note_number(number, "VMAs", len(mm.vmas))
        self._note_number(number, "held", self._held())

    def _note_place(self, table: int) -> None:
        mm, mem = self.mm, self.mm.machine.mem
        self.places[table] = Place(base_address(mm, table), place(mm, table))
        if table != mm.pgd:
            siblings = self.children.setdefault(int(mem.parent[table]), [])
            siblings.append(table)
            siblings.sort(key=lambda t: int(mem.slot[t]))

    def _note_number(self, number: int, name: str, value: int) -> None:
        track = self.numbers.setdefault(name, [])
        if not track or track[-1][1] != value:
            track.append((number, value))

    def _held(self) -> int:
        """References to all PTE pages, or where none are counted, their non-none entries."""
        mem = self.mm.machine.mem
        tables = mem.live()
        tables = tables[(mem.level[tables] == Level.PTE) & (mem.mm[tables] == self.mm.id)]
        column = mem.refcount if self.mm.machine.scheme.counts_references else mem.nonnone
        return int(np.sum(column[tables]))

    def _note_entries(self, number: int, changes: list[Change]) -> None:
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name == "entries":
                tables, columns = where
                span = np.arange(512)[columns]
                low, high = int(np.min(span)), int(np.max(span)) + 1
                for table in np.ravel(tables).tolist():
                    words = owner.entries[table, slice(low, high)].tolist()
                    self.entries.setdefault(table, []).extend(_runs(number, low, words))


def _runs(step: int, low: int, words: list[Any]) -> list[EntryRun]:
    """The words of entries from `low` on, as runs that grow by a constant."""
    runs, first = [], 0
    while first < len(words):
        grows = words[first + 1] - words[first] if first + 1 < len(words) else 0
        grows = grows if grows in (0, 1 << 12) else 0
        last = first + 1
        while last < len(words) and words[last] - words[last - 1] == grows:
            last += 1
        word = words[first]
        runs.append(EntryRun(step, low + first, low + last, word, grows, pte.kind(word)))
        first = last
    return runs
