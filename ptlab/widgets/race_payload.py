"""What the front end is given for a race: the moments of one schedule, and its story."""

from typing import NotRequired, TypedDict

from ptlab.widgets.graph_payload import Graph
from ptlab.widgets.payload import Payload


class Task(TypedDict):
    """What the column of a task shows at one moment. blocked: why it cannot run, in words."""

    did: str
    next: str
    holds: list[str]
    blocked: str | None
    done: bool


class Moment(TypedDict):
    """A race after some segments.

    enabled  letters of the tasks that can run, "R" if a grace period can end
    waiting  tables that wait for a grace period
    end      "broken", "done" or "open"
    """

    tasks: list[Task]
    enabled: str
    waiting: int
    verdict: str | None
    end: str


class Left(TypedDict):
    """A schedule that was left for another one, and how it ended."""

    schedule: str
    end: str


class RaceTask(TypedDict):
    """A task of a race: its letter, and what it does, in words."""

    letter: str
    doing: str


class RacePayload(TypedDict):
    """A race: the moments of one schedule, and its story (whose pane has `segments`).

    graph  for a page without Python: all schedules. Then `moments` is empty, `story` is that of the
           empty schedule, with a place for every table, and the front end makes those of a schedule
    """

    scene: str
    variant: str
    tasks: list[RaceTask]
    schedule: str
    position: int
    kept: list[Left]
    moments: list[Moment]
    story: Payload
    graph: NotRequired[Graph]
