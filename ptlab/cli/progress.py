"""Progress bars for loops that a person has to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from ptlab.scenario.player import Progress as OnProgress

_EVERY = 64 << 20


@contextmanager
def bars() -> Iterator[Callable[[str], OnProgress]]:
    """Call what this yields with a label to get a callback that moves a bar of that name.

    Bars go to stderr, and only to a terminal; they vanish at the end.
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def bar(label: str) -> OnProgress:
            task = progress.add_task(label, total=None, visible=False)

            def move(done: int, total: int) -> None:
                if done % _EVERY == 0:  # drawing at every step would cost more than the step
                    progress.update(task, completed=done, total=total, visible=True)

            return move

        yield bar
