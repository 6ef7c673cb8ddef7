"""The data pages while tasks race: what is read and written of them is noted, and what is given up."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptlab.base.footprint import Access
from ptlab.race.protection import Protection
from ptlab.state.data_pages import DataPages, Frames, Mask


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    protection: Protection

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""


class WatchedPages:
    """DataPages, each column watched as one object."""

    def __init__(self, notes: Notes, raw: DataPages) -> None:
        self._notes, self._raw = notes, raw

    def share(self, frames: Frames) -> None:
        """fork: one process more maps these pages."""
        self._notes.note("shares", Access.WRITE)
        self._notes.note("forked", Access.WRITE)
        self._raw.share(frames)

    def unshare(self, words: NDArray[np.uint64]) -> None:
        """These entries go, and with each a reference to its page."""
        self._notes.protection.pages.given_up(words)
        self._notes.note("shares", Access.WRITE if len(self._raw.shares) else Access.READ)
        self._raw.unshare(words)

    def shared(self, frames: Frames) -> Mask:
        """Which of these pages another process maps too."""
        self._notes.note("shares", Access.READ)
        return self._raw.shared(frames)

    def give_up(self, frames: Frames) -> None:
        """MADV_FREE of these pages."""
        self._notes.note("lazyfree", Access.WRITE)
        self._raw.give_up(frames)

    def given_up(self, frames: Frames) -> Mask:
        """Which of these pages MADV_FREE has given up."""
        self._notes.note("lazyfree", Access.READ)
        return self._raw.given_up(frames)

    def exclusive(self, frames: Frames) -> Mask:
        """Which of these pages are the process's own beyond doubt."""
        self._notes.note("forked", Access.READ)
        return self._raw.exclusive(frames)

    def reuse(self, frames: Frames) -> None:
        """A write fault has found nobody else at these pages."""
        self._notes.note("forked", Access.WRITE if len(self._raw.forked) else Access.READ)
        self._raw.reuse(frames)

    def new_huge(self, frames: Frames, blank: Mask | bool = True) -> None:
        """A huge page has been made."""
        self._notes.note("blank", Access.WRITE)
        self._raw.new_huge(frames, blank)

    def written(self, frames: Frames) -> None:
        """A program has written to these pages."""
        self._notes.note("blank", Access.WRITE if len(self._raw.blank) else Access.READ)
        self._raw.written(frames)

    def blank_parts(self, frames: Frames) -> Mask:
        """Which of these pages nobody has written to."""
        self._notes.note("blank", Access.READ)
        return self._raw.blank_parts(frames)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
