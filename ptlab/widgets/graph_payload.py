"""What a page is given to play a race without Python: all its schedules, as a graph of states."""

from typing import TypedDict

from ptlab.widgets.payload import Cache, EntryChange, Locks, Look, Place, Process, Step


class Tracks(TypedDict):
    """What one segment adds to the tracks of a pane; its step is 0. Nodes go by their names."""

    looks: dict[str, list[Look]]
    places: dict[str, list[Place]]
    entries: dict[str, list[EntryChange]]
    locks: list[Locks]
    processes: list[Process]
    caches: list[Cache]


class Move(TypedDict):
    """A task runs one segment.

    to       the state that it leads to
    did      what the task does, in words
    step     what the pane shows of it
    verdict  what is broken then, if anything: texts, and between them how long ago a segment was, which
             is named as (letter of its task, which of its segments, from 1 on)
    """

    to: int
    did: str
    step: Step
    tracks: Tracks
    verdict: list[str | tuple[str, int]]


class State(TypedDict):
    """A state that several schedules can come to. moves: by the letter of a task that can run."""

    holds: list[list[str]]
    blocked: list[str | None]
    done: list[bool]
    waiting: int
    end: str
    moves: dict[str, Move]


class Graph(TypedDict):
    """All schedules of a race. State 0 is its beginning.

    switches  the fewest switches from one task to another after which a rule is broken; None if none is
    """

    states: list[State]
    switches: int | None
