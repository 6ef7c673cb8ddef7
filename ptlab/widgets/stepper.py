"""The stepper widget: the front end plays a story's payload; Python only holds the position."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from ptlab.widgets.outputs import HasPage
from ptlab.widgets.page import STATIC, STEPPER, framed_story
from ptlab.widgets.payload import Payload, check_schema


class Stepper(HasPage, anywidget.AnyWidget):
    """Step through a recorded story (the dict of `Story.payload`), forward, back and by slider.

    `position` counts from 0, before anything happened, to `last`. `picked` is the id of the table
    whose entries are shown ("" for none) and `entry` the selected one of its 512 entries.
    """

    _esm = STATIC / "stepper.js"
    _css = STEPPER.css
    payload: Payload = traitlets.Dict().tag(sync=True)  # type: ignore[assignment]
    position = traitlets.Int(0).tag(sync=True)
    picked = traitlets.Unicode("").tag(sync=True)
    entry = traitlets.Int(0).tag(sync=True)

    def __init__(self, payload: Payload, **traits: Any) -> None:
        """Show `payload`; other traits (position, picked, entry) may be given by name.

        ValueError if another version of ptlab has made it.
        """
        check_schema(payload)
        super().__init__(payload=payload, **traits)

    @property
    def last(self) -> int:
        """The highest position."""
        return len(self.payload["frames"]) - 1

    def seek(self, position: int) -> None:
        """Show `position`; ValueError when the story has no such position."""
        if not 0 <= position <= self.last:
            raise ValueError(f"position {position}: this story has positions 0 to {self.last}")
        self.position = position

    def step(self) -> None:
        """Show the next position; at the end, stay."""
        self.position = min(self.position + 1, self.last)

    def back(self) -> None:
        """Show the position before; at the start, stay."""
        self.position = max(self.position - 1, 0)

    def __repr__(self) -> str:
        """One line; the widget's own would print the whole payload."""
        return f"<Stepper {self.payload['title']!r}, position {self.position} of {self.last}>"

    def _page(self) -> str:
        """The page that plays by itself."""
        return framed_story(self.payload, self.payload["title"], STEPPER)
