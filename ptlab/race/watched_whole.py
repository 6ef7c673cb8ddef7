"""State that is watched as one object, and the counters of an mm."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ptlab.base.footprint import Access
from ptlab.race.watched_columns import Notes
from ptlab.race.whose_line import through_the_store


class WatchedTotals:
    """The counters of an mm: additions commute with each other, but not with one who only reads."""

    def __init__(self, sanitizer: Notes, mm: int, raw: list[int]) -> None:
        self.sanitizer, self.mm, self.raw = sanitizer, mm, raw

    def __getitem__(self, which: int) -> int:
        self.sanitizer.asked.add((self.mm, which))
        return self.raw[which]

    def __setitem__(self, which: int, value: int) -> None:
        through_the_store(self.sanitizer.machine.scheme, "mm.counters")
        self.sanitizer.asked.discard((self.mm, which))
        self.sanitizer.note(("total", self.mm, which, self.sanitizer.machine.task), Access.WRITE)
        self.raw[which] = value

    def __len__(self) -> int:
        return len(self.raw)


class WatchedWhole:
    """A column that is watched as one object."""

    def __init__(self, sanitizer: Notes, key: Hashable, raw: Any) -> None:
        self.sanitizer, self.key, self.raw = sanitizer, key, raw

    def __getitem__(self, where: Any) -> Any:
        self.sanitizer.note(self.key, Access.READ)
        return self.raw[where]

    def values(self) -> Any:
        """As of a dict."""
        self.sanitizer.note(self.key, Access.READ)
        return self.raw.values()

    def get(self, where: Any, other: Any = None) -> Any:
        """As of a dict."""
        self.sanitizer.note(self.key, Access.READ)
        return self.raw.get(where, other)

    def __setitem__(self, where: Any, value: Any) -> None:
        through_the_store(self.sanitizer.machine.scheme, str(self.key))
        self.sanitizer.note(self.key, Access.WRITE)
        self.raw[where] = value

    def __len__(self) -> int:
        return len(self.raw)
