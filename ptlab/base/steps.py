"""A Step: what one kernel path did between two points where another CPU could run.

Every kernel operation is a generator that yields a Step right after the change it tells of, so the
state that a viewer finds at that moment is the state the Step describes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Tables: TypeAlias = int | NDArray[np.int64]
"""One page-table page (its row in mem_map, which is its pfn), or an array of them: a run."""


class Kind:
    """What happened in a step. (Plain strings: they are fast, and every step names one.)"""

    LOCK = "lock"
    UNLOCK = "unlock"
    WAIT = "wait"
    DOWNGRADE = "downgrade"
    VMA = "vma"
    LOOK = "look"
    HIT = "hit"
    REFUSED = "refused"
    ALLOC = "alloc"
    INSTALL = "install"
    GET = "get"
    PUT = "put"
    SET = "set"
    CLEAR = "clear"
    CHANGE = "change"
    SCAN = "scan"
    UNHOOK = "unhook"
    FLUSH = "flush"
    RCU = "rcu"
    FREE = "free"
    SWITCH = "switch"
    FAIL = "fail"
    DEPOSIT = "deposit"
    SPLIT = "split"
    MOVE = "move"
    FILE = "file"


TABLE_EVENTS = frozenset(
    {Kind.INSTALL, Kind.UNHOOK, Kind.FREE, Kind.DEPOSIT, Kind.SPLIT, Kind.MOVE}
)
"""The steps a learner waits for: a table was built, unhooked or freed."""


class _Fields(NamedTuple):
    kind: str
    fn: str
    tables: Tables | None = None
    n: int = 0
    times: int = 1
    note: Any = None


class Step(_Fields):
    """One step of a kernel path.

    kind    what happened
    fn      the kernel function that did it
    tables  the page-table page or run of pages concerned, or None
    n       how many entries, references or pages; for a run the sum over its tables
    times   how often it happened: more than one where a coarse grain tells many faults as one
    note    what the sentence needs besides, by kind (see draw/sentences.py)
    """

    __slots__ = ()

    def __new__(  # a NamedTuple's own takes half as long again, and a run is millions of steps
        cls,
        kind: str,
        fn: str,
        tables: Tables | None = None,
        n: int = 0,
        times: int = 1,
        note: Any = None,
    ) -> Step:
        """Positions and names as above."""
        return _new(cls, (kind, fn, tables, n, times, note))


_new: Callable[[type[Step], tuple[Any, ...]], Step] = tuple.__new__

step_of: Callable[[tuple[Any, ...]], Step] = partial(_new, Step)
"""A Step of all its six fields, in half the time: half of all steps take or drop a lock."""


T = TypeVar("T")
Path: TypeAlias = Generator[Step, None, T]
"""A kernel path: yields Steps, returns what the kernel function returns."""
