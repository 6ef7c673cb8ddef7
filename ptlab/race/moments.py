"""What each moment of a race shows: a column for each task, and the tree with room for every table.

What the fields mean is in ptlab/widgets/race_payload.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ptlab.base.steps import Step
from ptlab.race.scenes import Scene, Variant
from ptlab.race.scheduler import RCU, Scheduler
from ptlab.race.shown import end_of, holds, in_words, predicate_of
from ptlab.race.state_graph import state_graph
from ptlab.race.task import Task
from ptlab.story.code import Code
from ptlab.story.story import Story
from ptlab.widgets import payload, race_payload
from ptlab.widgets.graph_payload import Graph

_ABSENT: payload.Look = {
    "step": 0,
    "state": "absent",
    "number": None,
    "line": "",
    "strip": [],
}
_FIRST: payload.Segment = {
    "who": "",
    "fn": "",
    "calls": 0,
    "text": "The stage is set. Nobody has run yet.",
}


_FEW = 3


class Moments:
    """Plays schedules of a scene and notes what there is to see after each segment.

    What a task would do next, and the layout of the tree, are worked out once and kept.
    """

    def __init__(self, scene: Scene, variant: Variant) -> None:
        self.scene, self.variant = scene, variant
        self._ahead: dict[str, str] = {}
        self._room: payload.Pane | None = None
        self._graph: tuple[Graph, payload.Payload] | None = None
        self._too_large = False

    def play(
        self, schedule: str, code: Code | None = None
    ) -> tuple[list[race_payload.Moment], payload.Payload]:
        """The moments of `schedule`, the one before its first segment included, and its story.

        The functions of the story go into `code`, if it is given.
        """
        scheduler = self.scene.start(self.variant, record=True)
        journal = scheduler.process.journal
        assert journal is not None
        did = dict.fromkeys([task.letter for task in scheduler.tasks], "")
        segments, frames, moments = [_FIRST], [[len(journal)]], [self._moment(scheduler, did)]
        for letter in schedule:
            step = scheduler.go(letter).step
            did = did | {letter: in_words(scheduler, step)}
            segments.append(_segment(scheduler, letter, step))
            frames.append([len(journal)])
            moments.append(self._moment(scheduler, did))
        journal.settle()
        story = Story(scheduler.process, self.scene.title).payload(code)
        pane = story["panes"][0]
        for segment, (step_number,) in zip(segments, frames, strict=True):
            if segment["fn"]:
                segment["calls"] = pane["steps"][step_number]["calls"]
        pane = self._in_its_room(pane)
        pane["segments"] = segments
        story["panes"], story["frames"] = [pane], frames
        return moments, story

    def with_graph(self, race: race_payload.RacePayload) -> race_payload.RacePayload:
        """`race` with its graph and the story of its beginning, if the graph is small enough."""
        if self._graph is None and not self._too_large:
            self._graph = self._all_schedules()
            self._too_large = self._graph is None
        if self._graph is None:
            return race
        graph, story = self._graph
        still = race["story"]["panes"][0]["still"]
        begin: payload.Payload = {**story, "panes": [{**story["panes"][0], "still": still}]}
        return {**race, "graph": graph, "story": begin, "moments": []}

    def _all_schedules(self) -> tuple[Graph, payload.Payload] | None:
        code = Code()
        _, story = self.play("", code)
        graph = state_graph(self.scene, self.variant, code)
        if graph is None:
            return None
        places = story["panes"][0]["nodes"]
        moves = [move for state in graph["states"] for move in state["moves"].values()]
        if any(name not in places for move in moves for name in move["tracks"]["looks"]):
            return None  # a table has no place in the picture
        return graph, {**story, "functions": code.functions, "calls": code.calls}

    def _moment(self, scheduler: Scheduler, did: dict[str, str]) -> race_payload.Moment:
        return {
            "tasks": [self._column(scheduler, task, did[task.letter]) for task in scheduler.tasks],
            "enabled": scheduler.enabled(),
            "waiting": len(scheduler.machine.rcu),
            "verdict": scheduler.verdict.sentence if scheduler.verdict else None,
            "end": end_of(scheduler),
        }

    def _column(self, scheduler: Scheduler, task: Task, did: str) -> race_payload.Task:
        can_run = task.letter in scheduler.enabled()
        blocked = None if scheduler.verdict else scheduler.why_blocked(task)
        return {
            "did": did,
            "next": self._next(scheduler.schedule + task.letter) if can_run else "",
            "holds": list(holds(scheduler, ord(task.letter) - ord("A"))),
            "blocked": str(blocked) if blocked else None,
            "done": task.done,
        }

    def _next(self, schedule: str) -> str:
        """What the last segment of `schedule` will do: try it, on a machine of its own."""
        if schedule not in self._ahead:
            ahead = self.scene.run(schedule[:-1], self.variant)
            self._ahead[schedule] = in_words(ahead, ahead.go(schedule[-1]).step)
        return self._ahead[schedule]

    def _in_its_room(self, pane: payload.Pane) -> payload.Pane:
        """Give `pane` a layout with room for the tables of other schedules: what stays never moves.

        A layout serves until a schedule has a table that is not in it.
        """
        if self._room is None:
            self._room = max(self._rooms(), key=lambda room: len(room["nodes"]))
        if not _fits(pane, self._room):
            self._room = pane
        missing: dict[str, payload.Node] = {
            name: {**node, "track": [_ABSENT]}
            for name, node in self._room["nodes"].items()
            if name not in pane["nodes"]
        }
        placed: dict[str, payload.Node] = {
            name: {**node, "x": self._room["nodes"][name]["x"], "y": self._room["nodes"][name]["y"]}
            for name, node in pane["nodes"].items()
        }
        return {**pane, "height": self._room["height"], "nodes": placed | missing}

    def _rooms(self) -> Iterator[payload.Pane]:
        """The pictures of schedules in which one task after the other runs to its end.

        Of many tasks not every order is played, for there are too many, but each task comes first once.
        """
        letters = [task.letter for task in self.scene.start(self.variant).tasks]
        rotations = ([*letters[k:], *letters[:k]] for k in range(len(letters)))
        for order in permutations(letters) if len(letters) <= _FEW else rotations:
            scheduler = self.scene.start(self.variant, record=True)
            while able := scheduler.enabled():
                scheduler.go(next((letter for letter in order if letter in able), RCU))
            assert scheduler.process.journal is not None
            scheduler.process.journal.settle()
            yield Story(scheduler.process).pane(Code())


def _segment(scheduler: Scheduler, letter: str, step: Step | None) -> payload.Segment:
    text = predicate_of(scheduler, step)
    return {"who": letter, "fn": step.fn if step else "", "calls": 0, "text": text}


def _fits(pane: payload.Pane, room: payload.Pane) -> bool:
    """Whether every table of `pane` has its place in the picture of `room`."""
    return all(
        name in room["nodes"]
        and room["nodes"][name]["places"][0]["base"] == node["places"][0]["base"]
        for name, node in pane["nodes"].items()
    )
