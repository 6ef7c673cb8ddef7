"""What the author of a design or a scene has got wrong, in a sentence that says where and what is right.

A corrupted page table is no mistake of the author's code: the kernel's own code fails then, and that
is a verdict.
"""

from __future__ import annotations

import linecache
import re
from copy import deepcopy
from pathlib import Path as FilePath
from traceback import walk_tb
from types import FrameType, GeneratorType
from typing import Any

import numpy as np

from ptlab.base.errors import SchemeMistake
from ptlab.state.scheme import POINTS, ReclaimScheme

_PTLAB = str(FilePath(__file__).parents[1])
_CORRUPTED = (IndexError, AssertionError, TypeError, KeyError, RuntimeError, ValueError)
"""What reading a corrupted page table may end in."""


def place(frame: FrameType, line: int, scheme: ReclaimScheme) -> str:
    """'SecondLook.zapped, line 12' for a method of the design, else the function and the line."""
    of = f"{type(scheme).__name__}." if frame.f_locals.get("self") is scheme else ""
    return f"{of}{frame.f_code.co_name}, line {line}"


def at_work(path: Any, scheme: ReclaimScheme) -> str:
    """Where a path that has yielded stands."""
    while isinstance(path.gi_yieldfrom, GeneratorType):
        path = path.gi_yieldfrom
    return place(path.gi_frame, path.gi_frame.f_lineno, scheme)


def not_a_step(step: Any, path: Any, scheme: ReclaimScheme) -> SchemeMistake:
    """The innermost generator of `path` has yielded something that is no Step."""
    where = at_work(path, scheme)
    if isinstance(step, str):  # the first field of a Step that was returned
        return SchemeMistake(
            f"{_point_called_in(path, scheme)} returns a Step: let it yield the Step"
        )
    if isinstance(step, GeneratorType):
        called = step.gi_code.co_name
        return SchemeMistake(
            f"{where}: it yields what {called}() has begun. Write `yield from {called}(...)`, so that "
            "its steps are taken"
        )
    return SchemeMistake(
        f"{where}: it yields {step!r}, where a Step belongs: what mm.unhook_pte(), machine.unlock() "
        "and the like return"
    )


def _point_in(frame: FrameType, line: int) -> str:
    """The point of a design that is called in this line."""
    names = re.findall(r"scheme[.](\w+)", linecache.getline(frame.f_code.co_filename, line))
    return next((name for name in names if name in POINTS), "a point")


def _point_called_in(path: Any, scheme: ReclaimScheme) -> str:
    while isinstance(path.gi_yieldfrom, GeneratorType):
        path = path.gi_yieldfrom
    return f"{type(scheme).__name__}.{_point_in(path.gi_frame, path.gi_frame.f_lineno)}"


def class_state(scheme: ReclaimScheme) -> dict[tuple[type, str], Any]:
    """What the classes of a design hold themselves, and can change: all schedules share it."""
    return {
        (cls, name): deepcopy(value)
        for cls in type(scheme).__mro__
        if issubclass(cls, ReclaimScheme) and cls is not ReclaimScheme
        for name, value in vars(cls).items()
        if isinstance(value, (dict, list, set, np.ndarray, int, float))
    }


def refuse_class_state(was: dict[tuple[type, str], Any], path: Any, scheme: ReclaimScheme) -> None:
    """SchemeMistake if what the classes hold is no longer what it `was`."""
    for (cls, name), value in was.items():
        now = vars(cls)[name]
        if now is not value and not np.array_equal(now, value):
            where = f"{at_work(path, scheme)}: " if path.gi_frame else ""
            raise SchemeMistake(
                f"{where}{cls.__name__}.{name} has changed. It belongs to the class, so that one "
                f"schedule leaves it to the next. Make it in __init__: self.{name} = ..., and write it "
                f"with mm.machine.store.put(self, {name!r}, where, value)"
            )


def explain(error: Exception, scheme: ReclaimScheme) -> SchemeMistake | None:
    """The mistake behind `error`; None if the kernel's own code has followed a corrupted table."""
    went = list(walk_tb(error.__traceback__))
    own = [at for at in went if not at[0].f_code.co_filename.startswith(_PTLAB)]
    where = place(*own[-1], scheme) if own else type(scheme).__name__
    if (
        isinstance(error, TypeError)
        and str(error) == "'NoneType' object is not iterable"
        and not own
    ):
        point = _point_in(*went[-1])
        return SchemeMistake(
            f"{type(scheme).__name__}.{point} returns None. A point gives its steps: it yields, or it "
            "returns () where there is nothing to do"
        )
    if isinstance(error, SchemeMistake):
        return error if ", line " in str(error) else SchemeMistake(f"{where}: {error}")
    if isinstance(error, _CORRUPTED) and not (own and went[-1] is own[-1]):
        return None
    return SchemeMistake(
        f"{where}: {type(error).__name__}: {error}. It is this line that fails, not the kernel"
    )
