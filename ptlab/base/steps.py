"""A Step: what one kernel path did between two points where another CPU could run.

Every kernel operation is a generator that yields a Step right after the change that it describes, so the
state that a viewer finds at that moment is the state the Step describes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from types import NoneType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ptlab.base import facts
from ptlab.base.facts import Fact
from ptlab.base.tables import Tables


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
    UNCOUNT = "uncount"
    FLUSH = "flush"
    RCU = "rcu"
    FREE = "free"
    SWITCH = "switch"
    FAIL = "fail"
    DEPOSIT = "deposit"
    SPLIT = "split"
    MOVE = "move"
    FILE = "file"
    VISIBLE = "visible"
    SHARE = "share"


FACTS: dict[str, Any] = {
    Kind.LOCK: facts.Lock,
    Kind.UNLOCK: facts.Lock,
    Kind.WAIT: facts.Lock,
    Kind.DOWNGRADE: facts.Lock,
    Kind.VMA: facts.VmaFact,
    Kind.LOOK: NoneType,
    Kind.HIT: facts.Access,
    Kind.REFUSED: facts.Refusal,
    Kind.ALLOC: NoneType,
    Kind.INSTALL: NoneType,
    Kind.GET: facts.References,
    Kind.PUT: facts.References,
    Kind.SET: facts.EntriesSet,
    Kind.CLEAR: facts.EntriesCleared,
    Kind.CHANGE: facts.EntriesChanged | facts.EntriesProtected,
    Kind.SCAN: facts.Scan,
    Kind.UNHOOK: facts.Unhooked,
    Kind.UNCOUNT: NoneType,
    Kind.FLUSH: NoneType,
    Kind.RCU: NoneType,
    Kind.FREE: facts.Freed,
    Kind.SWITCH: facts.CountMode,
    Kind.FAIL: facts.Lock | facts.Dying,
    Kind.DEPOSIT: NoneType,
    Kind.SPLIT: NoneType,
    Kind.MOVE: facts.Moved,
    Kind.FILE: facts.FileFact,
    Kind.VISIBLE: NoneType,
    Kind.SHARE: facts.Sharing,
}
"""The type of a step's fact, by the step's kind."""


TABLE_EVENTS = frozenset(
    {Kind.INSTALL, Kind.UNHOOK, Kind.FREE, Kind.DEPOSIT, Kind.SPLIT, Kind.MOVE, Kind.SHARE}
)
"""The steps that a learner looks for: a table was built, unhooked or freed."""


class _Fields(NamedTuple):
    kind: str
    fn: str
    tables: Tables | None = None
    n: int = 0
    times: int = 1
    fact: Fact | None = None


class Step(_Fields):
    """One step of a kernel path.

    kind    what happened
    fn      the kernel function that did it
    tables  the page-table page or run of pages concerned, or None
    n       how many entries, references or pages; for a run the sum over its tables
    times   how often it happened: more than one where a coarse grain makes one step of many faults
    fact    what there is to say besides, of the type in FACTS; None where the kind has none
    """

    __slots__ = ()

    def __new__(  # a NamedTuple's own __new__ takes 1.5 times as long, and a run has millions of steps
        cls,
        kind: str,
        fn: str,
        tables: Tables | None = None,
        n: int = 0,
        times: int = 1,
        fact: Fact | None = None,
    ) -> Step:
        """Positions and names as above."""
        return _new(cls, (kind, fn, tables, n, times, fact))


_new: Callable[[type[Step], tuple[Any, ...]], Step] = tuple.__new__

step_of: Callable[[tuple[Any, ...]], Step] = partial(_new, Step)
"""A Step of all its six fields, in half the time: half of all steps take or drop a lock."""


T = TypeVar("T")
Path: TypeAlias = Generator[Step, None, T]
"""A kernel path: yields Steps, returns what the kernel function returns."""
