"""The pane of a story: its picture, laid out once, and its tracks, as plain data.

What the fields mean is in ptlab/widgets/payload.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ptlab.base.facts import Lock
from ptlab.base.geometry import Geometry, Level
from ptlab.draw.appearance import Look, title
from ptlab.draw.dot import GAP, HEIGHT, MARGIN, WIDTHS, Node, boxes, digraph, svg
from ptlab.draw.fold import Fold, folds
from ptlab.draw.palette import STATES
from ptlab.draw.tree import Hook, below, fold_id, layout, node_id
from ptlab.story import caches
from ptlab.story.code import Code
from ptlab.story.mappings import mappings
from ptlab.story.timeline import StoryStep, Timeline
from ptlab.widgets import payload
from ptlab.widgets.graph_payload import Tracks

_BEGINNING = "Nothing has happened yet: the address space is empty, the PGD page is all there is."
_COUNTERS = (("VmPTE", "kB"), ("RSS", "kB"), ("minor faults", ""), ("VMAs", ""))
_LOCKS_OF_TABLES = ("ptl", "pmd_lock")


def pane(timeline: Timeline, operations: list[str], code: Code) -> payload.Pane:
    """The pane of a story that `timeline` has walked through, with its operations in words."""
    return _Picture(timeline, code).pane(operations)


def tracks(timeline: Timeline, code: Code) -> Tracks:
    """What a timeline of a few steps adds to the tracks of a pane that has no folds."""
    picture = _Picture(timeline, code, folded=False)
    return {
        "looks": {
            node_id(t): [_look(step, seen) for step, seen in track]
            for t, track in timeline.looks.items()
        },
        "places": {node_id(t): picture._places(t) for t in timeline.places},
        "entries": {node_id(t): picture._entries(t) for t in timeline.entries},
        "locks": picture._locks(),
        "processes": [picture._process(k) for k in range(len(timeline.mms))],
        "caches": caches.as_data(timeline.caches, timeline.machine, picture.names),
    }


def step_of(timeline: Timeline, code: Code) -> payload.Step:
    """The last step of a timeline that has no folds, as it is in a pane."""
    return _Picture(timeline, code, folded=False)._step(timeline.steps[-1])


class _Picture:
    """Which tables of a timeline are shown on their own, which are folded, and what that looks like."""

    def __init__(self, timeline: Timeline, code: Code, folded: bool = True) -> None:
        self.timeline, self.machine, self.mem = timeline, timeline.machine, timeline.mem
        self.code = code
        self.shown: list[int] = []
        self.folds: list[Fold] = []
        for mm in timeline.mms if folded else ():
            alone, alike = folds(mm.pgd, timeline.children, self._history)
            self.shown += alone
            self.folds += alike
        if not folded:
            self.shown = list(range(len(self.mem)))
        self.inside = {t: fold_id(fold) for fold in self.folds for t in [*fold.tables, *fold.below]}
        self.node_of = {table: node_id(table) for table in [*self.shown, *self.inside]}
        self.process_of = {mm.id: k for k, mm in enumerate(timeline.mms)}
        self.names = process_names(len(timeline.mms))

    def _history(self, table: int) -> Hashable:
        """What makes tables alike: all that they look like, from birth to end."""
        return tuple(
            (seen.state, seen.line, tuple(kind for _, _, kind in seen.strip))
            for _, seen in self.timeline.looks[table]
        )

    def pane(self, operations: list[str]) -> payload.Pane:
        scheme, profile = self.machine.scheme, self.machine.profile
        nodes = {name: self._node(t) for t, name in self.node_of.items()}
        nodes |= {name: node for fold in self.folds for name, node in self._fold(fold)}
        for name, box in boxes(digraph(self._layout(len(self.timeline.steps)))).items():
            nodes[name]["x"], nodes[name]["y"] = box
        column = {one["level"]: one["x"] for one in columns(self.machine.geometry)}
        for node in nodes.values():
            if node["inside"]:
                node["x"], node["y"] = column[node["level"]], nodes[node["inside"]]["y"]
        return {
            "name": scheme.name,
            "heading": f"{scheme.name} on Linux {profile.name}",
            "fate": scheme.fate,
            "height": max(node["y"] for node in nodes.values()) + HEIGHT,
            "ops": operations,
            "steps": [_BEFORE, *map(self._step, self.timeline.steps)],
            "nodes": nodes,
            "entries": {name: self._entries(t) for t, name in self.node_of.items()},
            "locks": self._locks(),
            "processes": [self._process(k) for k in range(len(self.timeline.mms))],
            "mappings": mappings(self.timeline),
            "caches": caches.as_data(self.timeline.caches, self.machine, self.names),
            "still": self._still(),
        }

    def _process(self, which: int) -> payload.Process:
        numbers = self.timeline.numbers[which]
        counted = "references" if self.machine.scheme.counts_references else "PTE entries"
        timeline = (("VmPTE", "VmPTE", "kB"), ("held", counted, ""))
        return {
            "name": self.names[which],
            "counters": [_track(name, unit, numbers[name]) for name, unit in _COUNTERS],
            "timeline": [_track(text, unit, numbers[name]) for name, text, unit in timeline],
        }

    def _layout(self, step: int, living: bool = False) -> list[Node]:
        """The nodes as they are at a step: all that ever live, or those alone that live then."""
        looks = {t: _at(self.timeline.looks[t], step) for t in self.shown}
        hooks = {
            t: Hook(*places[0][1]) for t, places in self.timeline.places.items() if places[0][1]
        }
        pgds = {mm.pgd: name for mm, name in zip(self.timeline.mms, self.names, strict=True)}
        shown = [t for t in self.shown if not living or looks[t].state == "live"]
        folded = [f for f in self.folds if not living or hooks[f.tables[0]].parent in shown]
        lines = {f.tables[0]: below(f) for f in folded}
        return layout(self.mem, shown, folded, looks, lines, hooks, pgds)

    def _still(self) -> payload.Still:
        """The picture of the first step at which VmPTE, of all processes, is highest."""
        changes: list[tuple[int, int, int]] = []
        for which, numbers in enumerate(self.timeline.numbers):
            changes += [(step, which, value) for step, value in numbers["VmPTE"]]
        now, peak, most = dict[int, int](), 0, -1
        for step, which, value in sorted(changes):
            now[which] = value
            if sum(now.values()) > most:
                peak, most = step, sum(now.values())
        said = self.timeline.steps[peak - 1].text if peak else _BEGINNING
        text = f"The page tables at step {peak}, where VmPTE is highest, {most} kB. {said}"
        return {"svg": svg(digraph(self._layout(peak, living=True))), "text": text}

    def _node(self, table: int) -> payload.Node:
        return {
            "level": self._level(table).name,
            "title": title(self.mem, table),
            "process": self._process_of(table),
            "places": self._places(table),
            "fold": None,
            "inside": self.inside.get(table),
            "entry_size": 1 << self.machine.geometry.shift(self._level(table)),
            "x": 0,
            "y": 0,
            "track": [_look(step, seen) for step, seen in self.timeline.looks[table]],
        }

    def _fold(self, fold: Fold) -> Iterator[tuple[str, payload.Node]]:
        """The fold's box, and for each level below it the box of the tables there."""
        name = fold_id(fold)
        yield name, self._several(fold.tables, None)
        levels = dict.fromkeys(map(self._level, fold.below))
        for level in levels:
            tables = [table for table in fold.below if self._level(table) is level]
            yield f"{name}-{level.name}", self._several(tables, name)

    def _several(self, tables: list[int], inside: str | None) -> payload.Node:
        first = self._node(tables[0])
        return first | {
            "title": f"{len(tables)} {first['level']} pages",
            "fold": len(tables),
            "inside": inside,
            "track": list(self._fold_track(tables)),
        }

    def _fold_track(self, tables: list[int]) -> Iterator[payload.Look]:
        """The look of several tables whenever one changes: how many are in which state."""
        now: dict[int, Look] = {}
        looks = {table: dict(self.timeline.looks[table]) for table in tables}
        for step in sorted({step for track in looks.values() for step in track}):
            now |= {table: track[step] for table, track in looks.items() if step in track}
            states = [seen.state for seen in now.values()]
            counts = {state: states.count(state) for state in dict.fromkeys(states)}
            first_count, *others = [f"{n} {STATES[state].word}" for state, n in counts.items()]
            line = ", ".join([first_count.replace(" ", f" of {len(tables)} ", 1), *others])
            state = next((s for s in ("live", "new", "unhooked", "rcu") if s in counts), "freed")
            yield _look(step, Look(state, None, line, []))

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

    def _locks(self) -> list[payload.Locks]:
        return [
            {"step": step, "held": [self._lock(lock, text) for lock, text in held]}
            for step, held in self.timeline.locks
        ]

    def _lock(self, lock: Lock, text: str) -> payload.Lock:
        of_a_table = lock.name in _LOCKS_OF_TABLES and isinstance(lock.of, int)
        table = self.node_of.get(lock.of) if of_a_table else None
        return {"name": lock.name, "mode": lock.mode, "table": table, "text": text}

    def _step(self, step: StoryStep) -> payload.Step:
        return {
            "op": step.op,
            "process": step.who,
            "kind": step.kind,
            "fn": step.fn,
            "calls": self.code.path(step.calls),
            "text": step.predicate,
            "event": step.event,
            "focus": list(dict.fromkeys(self.node_of[t] for t in step.tables if t in self.node_of)),
            "entries": step.entries,
        }

    def _places(self, table: int) -> list[payload.Place]:
        return [
            {
                "step": step,
                "parent": self.node_of[hook.parent] if hook else None,
                "slot": hook.slot if hook else None,
                "base": f"{base:#x}",
            }
            for step, hook, base in self.timeline.places[table]
        ]

    def _process_of(self, table: int) -> int:
        return self.process_of[int(self.mem.mm[table])]

    def _level(self, table: int) -> Level:
        return Level(int(self.mem.level[table]))


def columns(geometry: Geometry) -> list[payload.Column]:
    """The columns of a picture: one for each level, and one for pages."""
    found, x, above = list[payload.Column](), MARGIN, 48 if geometry.levels == 4 else 57
    for name, shift in [*((level.name, shift) for level, shift in geometry.steps), ("page", 0)]:
        width = WIDTHS[name]
        found.append({"level": name, "shift": shift, "bits": above - shift, "x": x, "width": width})
        x, above = x + width + GAP, shift
    return found


def process_names(number: int) -> list[str]:
    """What the processes of a story are called: nothing if there is one, else parent and children.

    >>> process_names(3)
    ['parent', 'child 1', 'child 2']
    """
    return [""] if number == 1 else ["parent", *(f"child {k}" for k in range(1, number))]


_BEFORE: payload.Step = {
    "op": -1,
    "process": 0,
    "kind": "",
    "fn": "",
    "calls": 0,
    "text": _BEGINNING,
    "event": False,
    "focus": [],
    "entries": None,
}
_ABSENT = Look("absent", None, "", [])


def _at(track: list[tuple[int, Look]], step: int) -> Look:
    return next((seen for since, seen in reversed(track) if since <= step), _ABSENT)


def _look(step: int, seen: Look) -> payload.Look:
    return {"step": step, **seen._asdict()}  # type: ignore[typeddict-item]


def _track(name: str, unit: str, track: list[tuple[int, int]]) -> payload.Track:
    values: list[payload.Value] = [{"step": step, "value": value} for step, value in track]
    return {"name": name, "unit": unit, "track": values}
