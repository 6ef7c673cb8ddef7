"""Timeline: for each table and number of a story, the steps at which it changes.

One walk through a finished journal, from the beginning to the end, notes them; a viewer can then
show any step without the ones before it. What a front end plays is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.base.steps import TABLE_EVENTS, Step
from ptlab.draw.appearance import Look, look, place, sentence, title
from ptlab.draw.dot import digraph, svg
from ptlab.draw.fold import Fold, folds
from ptlab.draw.names import lock_name, plural
from ptlab.draw.sentences import sentence as step_sentence
from ptlab.draw.tree import fold_id, fold_title, layout, node_id
from ptlab.state.journal import Journal
from ptlab.state.memmap import MemMap
from ptlab.state.mm import Count, Mm

FOLD_WORDS = {"rcu": "waiting for RCU", "deposited": "in reserve"}


class StoryStep(NamedTuple):
    """One step as it is told. `op` is the index of its operation; `event`: a table came or went."""

    op: int
    fn: str
    path: tuple[str, ...]
    text: str
    event: bool
    tables: tuple[int, ...]


class Timeline:
    """One walk through the journal that notes, for each table and number, when it changes."""

    def __init__(self, mm: Mm, journal: Journal) -> None:
        self.mm = mm
        self.steps: list[StoryStep] = []
        self.looks: dict[int, list[tuple[int, Look]]] = {}
        self.words: dict[int, list[list[Any]]] = {}
        self.places: dict[int, str] = {}
        self.bases: dict[int, int] = {}
        self.children: dict[int, list[int]] = {}
        self.locks: list[list[Any]] = []
        self.numbers: dict[str, list[list[int]]] = {}
        journal.seek(0)
        self._note(0, {mm.pgd})
        ops = iter(
            (index, k)
            for index, op in enumerate(journal.operations)
            for k in range(op.first, op.last)
        )
        for number, step in enumerate(journal.steps, 1):
            changes = journal.changes(number)
            journal.seek(number)
            op, _ = next(ops)
            self.steps.append(self._tell(op, step, journal.path(number)))
            self._note(number, self._changed(changes))
            self._note_words(number, changes)
        self.shown, self.folded = folds(mm.pgd, self.children, self._history)
        self.home = {t: node_id(t) for t in self.shown}
        for fold in self.folded:
            self.home |= dict.fromkeys([*fold.tables, *fold.below], fold_id(fold))

    def _tell(self, op: int, step: Step, path: tuple[str, ...]) -> StoryStep:
        functions = path if path[-1:] == (step.fn,) else (*path, step.fn)
        tables = () if step.tables is None else tuple(np.ravel(step.tables).tolist())
        text = step_sentence(self.mm.machine.mem, step)
        return StoryStep(op, step.fn, functions, text, step.kind in TABLE_EVENTS, tables)

    def _changed(self, changes: list[Any]) -> set[int]:
        """The tables that a step's changes touch."""
        tables: set[int] = set()
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name != "next_pfn":
                rows = where[0] if name == "entries" else where
                if isinstance(rows, slice):
                    rows = range(rows.start, rows.stop)
                tables.update(np.ravel(rows).tolist())
        return {t for t in tables if self.mm.machine.mem.mm[t] == self.mm.id}

    def _note(self, number: int, changed: set[int]) -> None:
        mm = self.mm
        for table in sorted(changed):
            seen = look(mm, table)
            track = self.looks.setdefault(table, [])
            if not track or track[-1][1] != seen:
                track.append((number, seen))
            if seen.state == "live" and table not in self.places:
                self.places[table] = place(mm, table)
                if table != mm.pgd:
                    siblings = self.children.setdefault(int(mm.machine.mem.parent[table]), [])
                    siblings.append(table)
                    siblings.sort(key=lambda t: int(mm.machine.mem.slot[t]))
        locks = [lock_name(mm.machine.mem, lock) for held in mm.machine.held for lock in held]
        if not self.locks or self.locks[-1][1] != locks:
            self.locks.append([number, locks])
        c = mm.counters
        self._number(number, "VmPTE", mm.vmpte_kb)
        self._number(number, "RSS", 4 * (c[Count.ANON] + c[Count.FILE]))
        self._number(number, "minor faults", c[Count.MINFLT])
        self._number(number, "VMAs", len(mm.vmas))
        self._number(number, "held", self._held())

    def _number(self, number: int, name: str, value: int) -> None:
        track = self.numbers.setdefault(name, [])
        if not track or track[-1][1] != value:
            track.append([number, value])

    def _held(self) -> int:
        """References to all PTE pages, or where none are counted, their non-none entries."""
        mem = self.mm.machine.mem
        tables = mem.live()
        tables = tables[(mem.level[tables] == Level.PTE) & (mem.mm[tables] == self.mm.id)]
        column = mem.refcount if self.mm.machine.scheme.counts_references else mem.nonnone
        return int(np.sum(column[tables]))

    def _note_words(self, number: int, changes: list[Any]) -> None:
        for owner, name, where, _, _ in changes:
            if isinstance(owner, MemMap) and name == "entries":
                tables, columns = where
                for table in np.ravel(tables).tolist():
                    span = np.arange(512)[columns]
                    lo, hi = int(np.min(span)), int(np.max(span)) + 1
                    words = owner.entries[table, slice(lo, hi)]
                    self.words.setdefault(table, []).extend(
                        [number, lo + a, lo + b, hex(first), hex(grows), kind]
                        for a, b, first, grows, kind in _progressions(words)
                    )

    def _history(self, table: int) -> Any:
        return tuple(
            (seen.state, seen.line, tuple(run[2] for run in seen.strip))
            for _, seen in self.looks[table]
        )

    def pane(self, operations: list[str]) -> dict[str, Any]:
        """The payload of this story (all but its headings)."""
        mm = self.mm
        mem = mm.machine.mem
        widest = {
            t: max((seen for _, seen in self.looks[t]), key=lambda s: len(s.line))
            for t in self.shown
        }
        blank = {t: seen._replace(strip=[]) for t, seen in widest.items()}
        nodes = {}
        for table in self.shown:
            level = Level(int(mem.level[table]))
            where = self.places[table]
            nodes[node_id(table)] = {
                "level": level.name,
                "title": title(mm, table),
                "place": where,
                "base": where.split(" ")[0],
                "entry_size": 1 << mm.machine.geometry.shift(level),
                "track": [
                    [k, s.state, s.line, s.strip, sentence(mm, table, s)]
                    for k, s in self.looks[table]
                ],
            }
        for fold in self.folded:
            nodes[fold_id(fold)] = {
                "level": Level(int(mem.level[fold.tables[0]])).name,
                "title": fold_title(mm, fold),
                "place": f"with {plural(len(fold.below), 'table')} below"
                if fold.below
                else "alike, folded",
                "base": None,
                "entry_size": None,
                "track": list(self._fold_track(fold)),
            }
        held = "references" if mm.machine.scheme.counts_references else "entries"
        return {
            "svg": svg(digraph(layout(mm, self.shown, self.folded, blank))),
            "ops": operations,
            "steps": [self._beginning(), *map(self._step, self.steps)],
            "nodes": nodes,
            "words": {node_id(t): self.words[t] for t in self.shown if t in self.words},
            "locks": self.locks,
            "counters": [
                {"name": name, "unit": unit, "track": self.numbers[name]}
                for name, unit in (
                    ("VmPTE", "kB"),
                    ("RSS", "kB"),
                    ("minor faults", ""),
                    ("VMAs", ""),
                )
            ],
            "timeline": [
                {"name": "VmPTE", "unit": "kB", "track": self.numbers["VmPTE"]},
                {"name": f"{held} of PTE pages", "unit": "", "track": self.numbers["held"]},
            ],
        }

    def _beginning(self) -> dict[str, Any]:
        text = "Nothing has happened yet: the address space is empty, the PGD page is all there is."
        return {"op": -1, "fn": "", "path": "", "text": text, "event": False, "focus": []}

    def _step(self, step: StoryStep) -> dict[str, Any]:
        return {
            "op": step.op,
            "fn": step.fn,
            "path": " > ".join(step.path),
            "text": step.text,
            "event": step.event,
            "focus": sorted({self.home[t] for t in step.tables if t in self.home}),
        }

    def _fold_track(self, fold: Fold) -> Iterator[list[Any]]:
        """The fold's look whenever one of its tables changes: how many are in which state."""
        now: dict[int, Look] = {}
        moments = sorted({(k, t) for t in fold.tables for k, _ in self.looks[t]})
        looks = {t: dict(self.looks[t]) for t in fold.tables}
        for index, (k, table) in enumerate(moments):
            now[table] = looks[table][k]
            if index + 1 < len(moments) and moments[index + 1][0] == k:
                continue
            states = [seen.state for seen in now.values()]
            counts = {s: states.count(s) for s in dict.fromkeys(states)}
            line = ", ".join(f"{n} {FOLD_WORDS.get(state, state)}" for state, n in counts.items())
            state = next((s for s in ("live", "new", "unhooked", "rcu") if s in counts), "freed")
            strip = now[fold.tables[0]].strip if fold.tables[0] in now else []
            yield [k, state, line, strip, f"{fold_title(self.mm, fold)}: {line}"]


def _progressions(words: Any) -> Iterator[tuple[int, int, int, int, str]]:
    """Runs [lo, hi) of words that grow by a constant: (lo, hi, first word, growth, kind)."""
    values = words.tolist()
    lo = 0
    while lo < len(values):
        grows = values[lo + 1] - values[lo] if lo + 1 < len(values) else 0
        grows = grows if grows in (0, 1 << 12) else 0
        hi = lo + 1
        while hi < len(values) and values[hi] - values[hi - 1] == grows:
            hi += 1
        yield lo, hi, values[lo], grows, pte.kind(values[lo])
        lo = hi
