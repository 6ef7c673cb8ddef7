"""Timeline: for each table and number of a story, the steps at which it changes.

One walk through a finished journal, from the beginning to the end, notes them. A viewer can then
show any step without the ones before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ptlab.base import pte
from ptlab.base.facts import Lock, VmaMapped
from ptlab.base.geometry import Level
from ptlab.base.steps import TABLE_EVENTS, Kind, Step
from ptlab.base.store import Change
from ptlab.base.tables import listed, spanned
from ptlab.draw.appearance import Look, look
from ptlab.draw.names import lock_name
from ptlab.draw.sentences import predicate
from ptlab.draw.tree import Hook
from ptlab.state.journal import Call, Journal
from ptlab.state.machine import Machine
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import Count, Mm, base_address
from ptlab.story import caches

_OF_CACHES = ("entries", "cache", "_size", "_files")
"""What the look of a page cache depends on, as changes name it."""


class StoryStep(NamedTuple):
    """One step, and its sentence without the function's name in `predicate`.

    op     the index of its operation
    who    the process that it is about: an index of Timeline.mms
    calls  the functions that it happened in, outermost first
    event  whether a table came or went
    entries  the entries of its first table that it is about, [from, to)
    """

    op: int
    who: int
    kind: str
    fn: str
    calls: tuple[Call, ...]
    predicate: str
    event: bool
    tables: tuple[int, ...]
    entries: tuple[int, int] | None

    @property
    def path(self) -> tuple[str, ...]:
        """The kernel functions that it happened in, outermost first, `fn` last."""
        names = tuple(call.code.co_name for call in self.calls if call.of_the_kernel)
        return names if names[-1:] == (self.fn,) else (*names, self.fn)

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


class Timeline:
    """One walk through the journal that notes, for each table and number, when it changes.

    mms         the address spaces, in the order in which they appear
    looks[t]    (step, look) of table t
    entries[t]  the changes of its entries
    places[t]   (step, where it hangs, its first address); a table that was never hooked in has none
    children    the tables that ever hung below a table, by slot, where they hung first
    locks       (step, the locks that are held and their names)
    mapped      the facts of the VMAs that appear
    caches      the page caches of files, see caches.py
    numbers     for each address space, (step, value) by the number's name
    """

    def __init__(
        self, machine: Machine, journal: Journal | None = None, mms: Sequence[Mm] = ()
    ) -> None:
        """Walk through `journal`; without one, `note` tells of each step when it has been taken.

        `mms` were there before: some may have exited.
        """
        self.machine, self.mem = machine, machine.mem
        self.mms = list(mms)
        self._of = {mm.id: mm for mm in self.mms}
        self.steps: list[StoryStep] = []
        self.looks: dict[int, list[tuple[int, Look]]] = {}
        self.entries: dict[int, list[EntryRun]] = {}
        self.places: dict[int, list[tuple[int, Hook | None, int]]] = {}
        self.children: dict[int, list[int]] = {}
        self.locks: list[tuple[int, list[tuple[Lock, str]]]] = []
        self.mapped: list[VmaMapped] = []
        self.caches: caches.Tracks = {}
        self.numbers: list[dict[str, list[tuple[int, int]]]] = [{} for _ in self.mms]
        self._there: tuple[Mm, ...] = ()
        self._held: defaultdict[int, int] = defaultdict(int)
        """References to all PTE pages of an mm, or where none are counted, their non-none entries."""
        self._held_by: dict[int, int] = {}
        if journal is not None:
            self._walk(journal)
            return
        for table in self.mem.live().tolist():
            self._hold(table)

    def _walk(self, journal: Journal) -> None:
        operation_of = [
            index
            for index, operation in enumerate(journal.operations)
            for _ in range(operation.first, operation.last)
        ]
        journal.seek(0)
        there = {mm.pgd for mm in self.machine.mms}.union(self.mem.live().tolist())
        self._note(0, there)
        for table in there:
            self._note_words(0, table, 0, 512)
        caches.note(self.caches, 0, self.machine, self.mms)
        for number, step in enumerate(journal.steps, 1):
            changes = journal.changes(number)
            journal.seek(number)
            op = operation_of[number - 1]
            self.note(number, changes)
            self.note_step(op, journal.operations[op].who, step, journal.calls(number))

    def note(self, number: int, changes: list[Change]) -> None:
        """What `changes`, those of step `number`, have made of the state, which is that after them."""
        self._note(number, self._changed(changes))
        self._note_entries(number, changes)
        if any(name in _OF_CACHES for _, name, *_ in changes):
            caches.note(self.caches, number, self.machine, self.mms)

    def note_step(self, op: int, caller: int, step: Step, calls: tuple[Call, ...]) -> None:
        """What `step` did, in words and numbers; `caller` is the mm whose operation it belongs to."""
        tables = () if step.tables is None else tuple(listed(step.tables))
        ids = [mm.id for mm in self.mms]
        about = int(self.mem.mm[tables[0]]) if tables and step.kind is not Kind.SHARE else caller
        who = ids.index(about if about in ids else caller)
        text, event = predicate(self.mem, step), step.kind in TABLE_EVENTS
        span = _span(step)
        if isinstance(step.fact, VmaMapped):
            self.mapped.append(step.fact)
        self.steps.append(StoryStep(op, who, step.kind, step.fn, calls, text, event, tables, span))

    def _changed(self, changes: list[Change]) -> set[int]:
        """The tables that a step's changes touch."""
        tables: set[int] = set()
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name != "next_pfn":
                rows = where[0] if name == "entries" else where
                if isinstance(rows, slice):
                    tables.update(range(rows.start, rows.stop))
                else:
                    tables.update(listed(rows))
        return tables

    def _note(self, number: int, changed: set[int]) -> None:
        if self.machine.mms is not self._there:
            self._there = self.machine.mms
            new = [mm for mm in self._there if mm not in self.mms]
            self.mms += new
            self.numbers += [{} for _ in new]
            self._of = {mm.id: mm for mm in self.mms}
        for table in sorted(changed):
            mm = self._of.get(int(self.mem.mm[table]))
            if mm is not None:
                self._note_table(number, mm, table)
        held = [(lock, lock_name(self.mem, lock)) for locks in self.machine.held for lock in locks]
        if not self.locks or self.locks[-1][1] != held:
            self.locks.append((number, held))
        for which, mm in enumerate(self.mms):
            c = mm.counters
            self._note_number(number, which, "VmPTE", mm.vmpte_kb)
            self._note_number(number, which, "RSS", 4 * (c[Count.ANON] + c[Count.FILE]))
            self._note_number(number, which, "minor faults", c[Count.MINFLT])
            self._note_number(number, which, "VMAs", len(mm.vmas))
            self._note_number(number, which, "held", self._held[mm.id])

    def _note_table(self, number: int, mm: Mm, table: int) -> None:
        self._hold(table)
        seen = look(mm, table)
        track = self.looks.setdefault(table, [])
        if not track or track[-1][1] != seen:
            track.append((number, seen))
        if seen.state != "live":
            return
        top = table == mm.pgd
        hook = None if top else Hook(int(self.mem.parent[table]), int(self.mem.slot[table]))
        places = self.places.setdefault(table, [])
        if hook and not places:
            siblings = self.children.setdefault(hook.parent, [])
            siblings.append(table)
            siblings.sort(key=lambda t: int(self.mem.slot[t]))
        if not places or places[-1][1] != hook:
            places.append((number, hook, base_address(mm, table)))

    def _note_number(self, number: int, which: int, name: str, value: int) -> None:
        track = self.numbers[which].setdefault(name, [])
        if not track or track[-1][1] != value:
            track.append((number, value))

    def _hold(self, table: int) -> None:
        """Count anew what one table has of `_held`. O(1): a story may have many tables."""
        mem = self.mem
        column = mem.refcount if self.machine.scheme.counts_references else mem.nonnone
        live = mem.level.item(table) == Level.PTE and mem.state.item(table) == State.LIVE
        held = int(column.item(table)) if live else 0  # a race's columns give numpy's
        self._held[mem.mm.item(table)] += held - self._held_by.get(table, 0)
        self._held_by[table] = held

    def _note_entries(self, number: int, changes: list[Change]) -> None:
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name == "entries":
                tables, columns = where
                span = np.arange(512, dtype=np.int64)[columns]
                low, high = int(np.min(span)), int(np.max(span)) + 1
                for table in listed(tables):
                    self._note_words(number, table, low, high)

    def _note_words(self, number: int, table: int, low: int, high: int) -> None:
        """The entries [low, high) of a table as they are. Those of a new table are zero anyway."""
        words = self.mem.entries[table, slice(low, high)].tolist()
        if number or any(words):
            self.entries.setdefault(table, []).extend(_runs(number, low, words))


def _span(step: Step) -> tuple[int, int] | None:
    """The entries that a step is about: those that it sets, clears or changes."""
    columns = getattr(step.fact, "columns", None)
    if columns is None:
        return None
    span = range(512)[spanned(columns)]
    return span[0], span[-1] + 1


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
