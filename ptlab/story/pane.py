"""The pane of a story: its picture, laid out once, and its tracks, as plain data.

What the fields mean is in ptlab/widgets/payload.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.draw.appearance import Look, sentence, title
from ptlab.draw.dot import digraph, svg
from ptlab.draw.fold import Fold, folds
from ptlab.draw.names import plural
from ptlab.draw.palette import STATES
from ptlab.draw.tree import fold_id, fold_title, layout, node_id
from ptlab.story.timeline import StoryStep, Timeline
from ptlab.widgets import payload

_BEGINNING = "Nothing has happened yet: the address space is empty, the PGD page is all there is."
_COUNTERS = (("VmPTE", "kB"), ("RSS", "kB"), ("minor faults", ""), ("VMAs", ""))
_LOCKS_OF_TABLES = ("ptl", "pmd_lock")


def pane(timeline: Timeline, operations: list[str]) -> payload.Pane:
    """The pane of a story that `timeline` has walked through, with its operations in words."""
    return _Picture(timeline).pane(operations)


class _Picture:
    """Which tables of a timeline are shown on their own, which are folded, and what that looks like."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.mm = timeline, timeline.mm
        self.shown, self.folds = folds(self.mm.pgd, timeline.children, self._history)
        self.node_of = {table: node_id(table) for table in self.shown}
        for fold in self.folds:
            self.node_of |= dict.fromkeys([*fold.tables, *fold.below], fold_id(fold))

    def _history(self, table: int) -> Hashable:
        """What makes tables alike: all that they look like, from birth to end."""
        return tuple(
            (seen.state, seen.line, tuple(kind for _, _, kind in seen.strip))
            for _, seen in self.timeline.looks[table]
        )

    def pane(self, operations: list[str]) -> payload.Pane:
        scheme, numbers = self.mm.machine.scheme, self.timeline.numbers
        counted = "references" if scheme.counts_references else "entries"
        timeline = (("VmPTE", "VmPTE", "kB"), ("held", f"{counted} of PTE pages", ""))
        return {
            "name": scheme.name,
            "heading": f"{scheme.name} on Linux {self.mm.machine.profile.name}",
            "fate": scheme.fate,
            "svg": self._svg(),
            "ops": operations,
            "steps": [_BEFORE, *map(self._step, self.timeline.steps)],
            "nodes": {node_id(t): self._node(t) for t in self.shown}
            | {fold_id(fold): self._fold(fold) for fold in self.folds},
            "entries": {node_id(t): self._entries(t) for t in self.shown},
            "locks": [
                {"step": step, "held": [self._lock(lock, text) for lock, text in held]}
                for step, held in self.timeline.locks
            ],
            "counters": [_track(name, unit, numbers[name]) for name, unit in _COUNTERS],
            "timeline": [_track(text, unit, numbers[name]) for name, text, unit in timeline],
        }

    def _svg(self) -> str:
        """The picture of all tables that ever live, with room for the longest line of each."""
        widest = {
            table: max((seen for _, seen in self.timeline.looks[table]), key=lambda s: len(s.line))
            for table in self.shown
        }
        blank = {table: seen._replace(strip=[]) for table, seen in widest.items()}
        return svg(digraph(layout(self.mm, self.shown, self.folds, blank)))

    def _node(self, table: int) -> payload.Node:
        level, place = self._level(table), self.timeline.places[table]
        return {
            "level": level.name,
            "title": title(self.mm, table),
            "place": place.text,
            "parent": self._parent(table),
            "fold": None,
            "base": f"{place.base:#x}",
            "entry_size": 1 << self.mm.machine.geometry.shift(level),
            "track": [
                _look(step, seen, sentence(self.mm, table, seen))
                for step, seen in self.timeline.looks[table]
            ],
        }

    def _fold(self, fold: Fold) -> payload.Node:
        below = f"with {plural(len(fold.below), 'table')} below" if fold.below else "alike, folded"
        return {
            "level": self._level(fold.tables[0]).name,
            "title": fold_title(self.mm, fold),
            "place": below,
            "parent": self._parent(fold.tables[0]),
            "fold": len(fold.tables),
            "base": None,
            "entry_size": None,
            "track": list(self._fold_track(fold)),
        }

    def _fold_track(self, fold: Fold) -> Iterator[payload.Look]:
        """The fold's look whenever one of its tables changes: how many are in which state."""
        now: dict[int, Look] = {}
        looks = {table: dict(self.timeline.looks[table]) for table in fold.tables}
        for step in sorted({step for track in looks.values() for step in track}):
            now |= {table: track[step] for table, track in looks.items() if step in track}
            states = [seen.state for seen in now.values()]
            counts = {state: states.count(state) for state in dict.fromkeys(states)}
            line = ", ".join(f"{n} {STATES[state].word}" for state, n in counts.items())
            state = next((s for s in ("live", "new", "unhooked", "rcu") if s in counts), "freed")
            first = now.get(fold.tables[0])
            seen = Look(state, None, line, first.strip if first else [])
            yield _look(step, seen, f"{fold_title(self.mm, fold)}: {line}")

    def _entries(self, table: int) -> list[payload.EntryChange]:
        return [
            {
                "step": run.step,
                "first": run.first,
                "last": run.last,
                "word": hex(run.word),
                "grows": hex(run.grows),
                "kind": run.kind,
            }
            for run in self.timeline.entries.get(table, [])
        ]

    def _lock(self, lock: Lock, text: str) -> payload.Lock:
        of_a_table = lock.name in _LOCKS_OF_TABLES and isinstance(lock.of, int)
        table = self.node_of.get(lock.of) if of_a_table else None
        return {"name": lock.name, "mode": lock.mode, "table": table, "text": text}

    def _step(self, step: StoryStep) -> payload.Step:
        return {
            "op": step.op,
            "kind": step.kind,
            "fn": step.fn,
            "path": list(step.path),
            "text": step.predicate,
            "event": step.event,
            "focus": sorted({self.node_of[t] for t in step.tables if t in self.node_of}),
        }

    def _parent(self, table: int) -> str | None:
        above = int(self.mm.machine.mem.parent[table])
        return None if table == self.mm.pgd else self.node_of[above]

    def _level(self, table: int) -> Level:
        return Level(int(self.mm.machine.mem.level[table]))


_BEFORE: payload.Step = {
    "op": -1,
    "kind": "",
    "fn": "",
    "path": [],
    "text": _BEGINNING,
    "event": False,
    "focus": [],
}


def _look(step: int, seen: Look, text: str) -> payload.Look:
    return {"step": step, **seen._asdict(), "text": text}  # type: ignore[typeddict-item]


def _track(name: str, unit: str, track: list[tuple[int, int]]) -> payload.Track:
    values: list[payload.Value] = [{"step": step, "value": value} for step, value in track]
    return {"name": name, "unit": unit, "track": values}
