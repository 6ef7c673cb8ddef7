"""The scheduler widget: the front end plays the moments of a race, Python runs the tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import anywidget
import traitlets

from ptlab.widgets.outputs import HasPage
from ptlab.widgets.page import SCHEDULER, STATIC, framed_story
from ptlab.widgets.race_payload import RacePayload


class Runner(Protocol):
    """What the widget needs of a race (ptlab.race.interactive.Race)."""

    position: int
    listeners: list[Callable[[], None]]

    def run(self, letters: str) -> None:
        """Run tasks from the present position on; ValueError if they cannot run."""

    def play(self, schedule: str) -> None:
        """Run a line from its beginning; ValueError if it cannot run."""

    def payload(self) -> RacePayload:
        """What the front end plays."""

    def page(self) -> RacePayload:
        """What a page without Python plays."""


class RaceScheduler(HasPage, anywidget.AnyWidget):
    """Columns for the tasks of a race: `race` is its payload.

    The front end asks by messages, one at a time: {"run": "A", "from": 3} runs a task from a moment
    on, {"play": "AAB"} a whole line. Why a task cannot run is in
    `race["refused"]`. {"seek": 3, "turn": 7} says which moment is shown; a `turn` that is not the
    latest is out of date, and the message is ignored.
    """

    _esm = STATIC / "scheduler.js"
    _css = SCHEDULER.css
    race = traitlets.Dict().tag(sync=True)

    def __init__(self, runner: Runner, **traits: Any) -> None:
        """Show `runner`, a Race."""
        self.runner, self._turn = runner, 0
        super().__init__(**traits)
        self.show()
        runner.listeners.append(self.show)
        self.on_msg(lambda widget, message, buffers: self._ask(message))

    def show(self, refused: str = "") -> None:
        """Show the race as it is now, and in `refused` why the last request failed."""
        self._turn += 1  # so that the front end gets an answer to every request
        self.race = {**self.runner.payload(), "refused": refused, "turn": self._turn}

    def _ask(self, message: dict[str, Any]) -> None:
        try:
            match message:
                case {"run": letter, "from": position}:
                    self.runner.position = position
                    self.runner.run(letter)
                case {"play": line}:
                    self.runner.play(line)
                case {"seek": position, "turn": turn} if turn == self._turn:
                    self.runner.position = position
        except ValueError as error:
            self.show(str(error))

    def __repr__(self) -> str:
        return f"<RaceScheduler {self.runner!r}>"

    def _page(self) -> str:
        """The page that plays by itself."""
        return framed_story(self.runner.page(), self.race["story"]["title"], SCHEDULER)
