"""In the judge: what a student's scheme does with a column, the engine's or one that it remembers.

What it remembers is bounded, so that no class fills the judge's memory.
"""

from __future__ import annotations

import copy
import math
from collections import defaultdict, deque
from typing import Any

import numpy as np

from ptlab.base.errors import SchemeMistake
from ptlab.classroom.remote_names import COLUMN_READS, COLUMN_WRITES
from ptlab.classroom.wire_format import MOST

MOST_KEPT = 50_000
"""Elements in what a scheme remembers under one name; and names."""

_LARGEST_DEFAULT = 1000
"""Characters of what a defaultdict makes for each new key."""


def made(name: str, kind: str, value: Any, default: list[Any]) -> Any:
    """What self.NAME is from now on. `default` holds what a defaultdict has for a new key.

    SchemeMistake: it is too large.
    """
    if kind == "deque":
        return deque(value)
    if kind != "defaultdict" or not default:
        return value
    if len(repr(default)) > _LARGEST_DEFAULT:
        raise SchemeMistake(f"what self.{name} has for a new key is too large")
    return defaultdict(lambda: copy.deepcopy(default[0]), value)


def used(column: Any, own: bool, name: str, method: str, given: list[Any]) -> Any:
    """What `method` of a column gives. SchemeMistake: it is not the scheme's to change, or too large."""
    if method in ("[]", "[]="):
        _only_few(given[0])
    if method == "[]":
        found = column[given[0]]
    elif method == "in":
        found = given[0] in column
    elif method == "len":
        found = len(column)
    elif method == "iter":
        found = list(column)
    elif method in COLUMN_READS:
        found = getattr(column, method)(*given)
        found = list(found) if method in ("keys", "values", "items") else found
    elif own and method in {*COLUMN_WRITES, "[]="}:
        found = getattr(column, "__setitem__" if method == "[]=" else method)(*given)
    else:
        raise SchemeMistake(f"{name}: an answer changes only what it remembers itself")
    if own and len(column) > MOST_KEPT:  # a look at a defaultdict makes an element, too
        raise SchemeMistake(f"self.{name} has more than {MOST_KEPT} elements")
    return found


def _only_few(where: Any) -> None:
    """SchemeMistake: an index of more elements than travel."""
    parts = where if type(where) is tuple else (where,)
    if math.prod(map(np.size, parts)) > MOST:
        raise SchemeMistake(f"it asks for more than {MOST} elements at once")
