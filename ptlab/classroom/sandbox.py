"""The sandbox: code that is an answer runs in a process of its own, with limits. Its judge is here.

`values` calls a function of the student's and hands its results back as plain data. `scheme` gives a
class: what it does at each point of a design is asked of the process, call by call, and done here, on
the judge's own engine (remote_scheme.py). So whoever asked compares and counts, and nothing that the
process does to itself can make a wrong answer right.

The limits: processor time, wall-clock time, memory, what it writes; no other processes, no files, no
network. What goes beyond is stopped, and the answer gives no points. box.py says what holds even
somebody who breaks out of Python, and on which systems.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ptlab.base.workers import starts_processes
from ptlab.classroom import in_this_process, seeds
from ptlab.classroom.box import started
from ptlab.classroom.box_process import Box, Stopped
from ptlab.classroom.box_ways import PACKAGE, Limits
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.of_ptlab import object_to_use
from ptlab.classroom.remote_class import Answered, Declared, remote_class
from ptlab.classroom.remote_scheme import Raised, Remote
from ptlab.classroom.solution import instructors_part
from ptlab.classroom.student_code import Code, NotCode, code, no_memory, object_to, runnable
from ptlab.classroom.wire_format import NotCarried, pack, unpack

LIMITS = Limits()

_OURS = PACKAGE / "classroom"
_FOR_A_FUNCTION = ("sandbox_child.py", "student_code.py", "wire_format.py")
_HIDDEN = {
    "class": [
        *(path for path in (_OURS / "sets").iterdir() if path.name != "__init__.py"),
        _OURS / "practice",
        *instructors_part(),
    ],
    "function": [
        *(path for path in PACKAGE.iterdir() if path != _OURS),
        *(path for path in _OURS.iterdir() if path.name not in _FOR_A_FUNCTION),
        *instructors_part(),
    ],
}
"""What the box of an answer does not show: what makes the problems and solves them; and to a function
nothing of ptlab but what calls it."""

_ALONE = f"""
import runpy, sys, types
for name, path in (("ptlab", {str(PACKAGE)!r}), ("ptlab.classroom", {str(_OURS)!r})):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
runpy.run_module("ptlab.classroom.sandbox_child", run_name="__main__")
"""
_COMMANDS = {"class": ["-m", "ptlab.classroom.sandbox_child"], "function": ["-c", _ALONE]}
"""A function is called where ptlab has no engine; that also starts in a third of the time."""


class Told(Stopped):
    """In words of the process, which may be anything."""


class Failed(NamedTuple):
    """A call that raised: the error, with the line of the student's cell."""

    why: str


def values(
    function: object, calls: Sequence[tuple[Any, ...]], limits: Limits = LIMITS
) -> list[Any]:
    """What the student's function returns for each of `calls`: plain data, or a Failed."""
    raw = _called(_text(function, "function"), calls, limits)
    try:
        found = [
            Failed(str(entry["failed"])[:500]) if "failed" in entry else unpack(entry["value"])
            for entry in raw
        ]
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError):
        found = []
    if len(found) != len(calls):
        raise Stopped("its process did not answer as it should")
    return found


@contextmanager
def scheme(answer: object, limits: Limits = LIMITS) -> Iterator[type[Answered]]:
    """The student's class, as a design whose points are decided in the process.

    Stopped: the class cannot be made, or while it runs, the process ends or goes beyond a limit.
    GraderFault: its process cannot be made, or the judge fails.
    """
    text = _text(answer, "class")
    if not starts_processes():
        with in_this_process.scheme(text) as design:
            yield design
        return
    with _started(text, limits) as box:
        try:
            remote = Remote(box)
            yield remote_class(remote, Declared.of(_first(box)))
        except Raised as raised:
            raise Stopped(str(raised)) from None
        except (Stopped, GraderFault):
            raise
        except (MemoryError, OSError) as error:
            raise GraderFault(f"the judge itself has failed: {error!r}"[:400]) from error
        except Exception as error:  # whatever it makes of the engine, the next submission is graded
            why = f"it raised {type(error).__name__} in the engine: {error}"
            raise Stopped(why[:400]) from error


def _text(answer: object, kind: str) -> Code:
    if type(answer) is NotCarried:
        raise Stopped(
            f"a {kind} is wanted, defined with `def` or `class` in a cell; this is {answer.what}"
        )
    try:
        found = code(answer, kind)
    except NotCode as error:
        raise Stopped(str(error)) from None
    if found.kind != kind:
        raise Stopped(f"a {kind} is wanted, and {found.name} is a {found.kind}")
    why = object_to(found.text) or object_to_use(runnable(found.text), kind)
    if why:
        raise Stopped(f"in the cell of {found.name}, {why}")
    return found


def not_runnable(answer: object, kind: str) -> str:
    """Why an answer would be refused before it runs; "" if it would run."""
    try:
        _text(answer, kind)
    except Stopped as stopped:
        return str(stopped)
    return ""


def _called(answer: Code, calls: Sequence[tuple[Any, ...]], limits: Limits) -> Any:
    """What its process says of each call. It sees one when it has answered the one before.

    The first is the student's own. At grading the others are secret, and so is what a process says
    that has seen one.
    """
    if not starts_processes():
        return in_this_process.called(answer, calls)
    found = []
    with _started(answer, limits) as box:
        _first(box)
        for number, call in enumerate(calls):
            box.send(json.dumps(pack(list(call))).encode() + b"\n")
            try:
                found.append(_first(box))
            except Told as told:
                if number and seeds.grading() and str(told) != no_memory(limits.mib):
                    says = "it ends in a way of its own on a list, which is secret"
                    raise Stopped(says) from None
                raise
    return found


@contextmanager
def _started(answer: Code, limits: Limits) -> Iterator[Box]:
    payload = json.dumps({"answer": answer, "limits": [limits.seconds, limits.mib]})
    with started(_COMMANDS[answer.kind], limits, hide=_HIDDEN[answer.kind]) as box:
        box.send(payload.encode() + b"\n")
        box.wait_until_ready()
        yield box


def _first(box: Box) -> Any:
    """What its process says of the job: {"verdict": ...}, or why there is none."""
    try:
        reply = json.loads(box.receive())
        if "stopped" in reply:
            raise Told(str(reply["stopped"])[:500])
        return reply["verdict"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Stopped("its process did not answer as it should") from None
