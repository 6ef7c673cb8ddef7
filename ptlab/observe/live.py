"""An observation in a notebook that refreshes itself, while cells run too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from typing import Any

from ptlab.observe.observation import Observation


class Live:
    """A look at a process every `seconds`, shown in place of the one before. `stop()` ends it.

    A thread of this process looks, so a cell that computes without letting other threads run (one
    long call of a C library) delays it.
    """

    def __init__(self, look: Callable[[], Observation], seconds: float = 1.0) -> None:
        from ipywidgets import HTML  # type: ignore[import-untyped]  # 0.1 s, for notebooks only

        self._look, self._seconds = look, seconds
        self._ended = threading.Event()
        self.seen = look()
        self.widget = HTML(self._html())
        self._thread = threading.Thread(target=self._run, name="ptlab.observe", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self.seen = self._look()
            except Exception as reason:  # it has ended; the last picture stays, with the reason
                self.widget.value += f"<p>No further looks: {escape(str(reason))}</p>"
                return
            self.widget.value = self._html()

    def _html(self) -> str:
        """The observation; a widget's own lines are as high as a button."""
        return f"<div style='line-height:normal'>{self.seen.html(tree=False)}</div>"

    def stop(self) -> None:
        """The picture stays as it is now."""
        self._ended.set()
        self._thread.join()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)
