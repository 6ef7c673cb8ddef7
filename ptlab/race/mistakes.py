"""What the author of a design or a scene has got wrong, in a sentence that says where and what is right.

A corrupted page table is no mistake of the author's code: the kernel's own code fails then, and that
is a verdict.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path as FilePath
from traceback import walk_tb
from types import FrameType, GeneratorType
from typing import Any

from ptlab.base.errors import SchemeMistake
from ptlab.process.process import Process
from ptlab.state.journal import JournalFull
from ptlab.state.scheme import POINTS, ReclaimScheme

_PTLAB = str(FilePath(__file__).parents[1])
_CORRUPTED = (IndexError, AssertionError, TypeError, KeyError, RuntimeError, ValueError)
"""What reading a corrupted page table may end in."""
_STORES = ("store.py", "own_state.py")


def place(frame: FrameType, line: int, scheme: ReclaimScheme) -> str:
    """'SecondLook.zapped, line 12' for a method of the design, else the function and the line."""
    of = f"{type(scheme).__name__}." if frame.f_locals.get("self") is scheme else ""
    return f"{of}{frame.f_code.co_name}, line {line}"


def at_work(path: Any, scheme: ReclaimScheme) -> str:
    """Where a path that has yielded stands."""
    frame = _innermost(path).gi_frame
    return place(frame, frame.f_lineno, scheme)


def _innermost(path: Any) -> Any:
    """The generator that has yielded."""
    while isinstance(path.gi_yieldfrom, GeneratorType):
        path = path.gi_yieldfrom
    return path


def not_a_step(step: Any, path: Any, scheme: ReclaimScheme) -> SchemeMistake:
    """The innermost generator of `path` has yielded something that is no Step."""
    where = at_work(path, scheme)
    if isinstance(step, str) and _innermost(path).gi_yieldfrom is not None:  # a field of a Step
        return SchemeMistake(
            f"{_point_called_in(path, scheme)} returns a Step: let it yield the Step"
        )
    if isinstance(step, GeneratorType):
        called = step.gi_code.co_name.removeprefix("_")
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
    frame = _innermost(path).gi_frame
    return f"{type(scheme).__name__}.{_point_in(frame, frame.f_lineno)}"


_MOST = 20_000
"""Steps that set the stage of a scene. More are never needed."""


@contextmanager
def ends_soon(process: Process, scene: str) -> Iterator[None]:
    """SchemeMistake if setting the stage goes on and on, because a design makes a path wait for ever."""
    machine, journal = process.machine, process.journal

    def refuse(steps: Any) -> SchemeMistake:
        where = f": it is in {at_work(steps, machine.scheme)}" if steps is not None else ""
        return SchemeMistake(
            f"{type(machine.scheme).__name__}: the stage of scene {scene} is never set, with one task "
            f"alone{where} after {_MOST} steps. Does a path wait for what nobody does?"
        )

    def take(steps: Any) -> None:
        if sum(1 for _ in islice(steps, _MOST)) == _MOST:
            raise refuse(steps)

    before, machine.observe = machine.observe, take
    if journal is not None:
        journal.most = _MOST
    try:
        yield
    except JournalFull:
        raise refuse(None) from None
    finally:
        machine.observe = before
        if journal is not None:
            journal.most = None


def refuse_what_is_no_task(scene: str, paths: Any) -> None:
    """SchemeMistake unless the stage of a scene gives its tasks by what they do."""
    right = 'it returns the tasks by what they do: {"write page 1": touch(process.mm, True, at, 1)}'
    if not isinstance(paths, Mapping) or not paths:
        raise SchemeMistake(f"scene {scene}: prepare returns {paths!r}; {right}")
    for doing, path in paths.items():
        if not isinstance(path, GeneratorType):
            raise SchemeMistake(
                f"scene {scene}: task {doing!r} is a {type(path).__name__}, which has no steps. A task "
                "is a kernel path that has not begun: do_munmap(process.mm, ...), and not "
                "process.munmap(...), which has run to its end"
            )


def handed_on(error: Exception, scheme: ReclaimScheme) -> str:
    """The line of a design from which the kernel's code that has failed was called; "" for none."""
    own = [at for at in walk_tb(error.__traceback__) if at[0].f_locals.get("self") is scheme]
    return place(*own[-1], scheme) if own else ""


def _is_own(went: list[tuple[FrameType, int]], own: tuple[FrameType, int]) -> bool:
    """Whether the author's line has failed: itself, or the store that it has called."""
    called = went[went.index(own) + 1 :]
    return all(frame.f_code.co_filename.endswith(_STORES) for frame, _ in called)


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
    if isinstance(error, _CORRUPTED) and not (own and _is_own(went, own[-1])):
        return None
    return SchemeMistake(
        f"{where}: {type(error).__name__}: {error}. It is this line that fails, not the kernel"
    )
