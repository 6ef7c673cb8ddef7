"""The facts that are made most. A NamedTuple's own __new__ takes twice as long, and a fact that many
steps share takes no memory for each: a long journal says the same thousands of times.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ptlab.base.facts import EntriesCleared, EntriesSet, Lock, References
from ptlab.base.tables import Columns

_new: Any = tuple.__new__

lock_of: Callable[[tuple[str, Any, str]], Lock] = partial(_new, Lock)
"""A Lock of all its fields."""


_kept: Any = lru_cache(maxsize=1 << 13)(tuple.__new__)


def references_of(who: str, before: Any, after: Any, how: str, last: bool = False) -> References:
    """References of these; shared, where they are of one table."""
    if type(before) is int and type(after) is int:
        kept: References = _kept(References, (who, before, after, how, last))
        return kept
    return References(who, before, after, how, last)


def set_of(columns: Columns, maps: str) -> EntriesSet:
    """EntriesSet of these; shared, where it is one entry."""
    if isinstance(columns, int):
        kept: EntriesSet = _kept(EntriesSet, (columns, maps))
        return kept
    return EntriesSet(columns, maps)


def cleared_of(columns: Columns, zero: int) -> EntriesCleared:
    """EntriesCleared of these; shared, where it is one entry."""
    if isinstance(columns, int):
        kept: EntriesCleared = _kept(EntriesCleared, (columns, zero))
        return kept
    return EntriesCleared(columns, zero)
