"""Practice where no process can be started, as in a browser: an answer that is code runs in this one.

Nothing shuts it in. A loop that does not end has to be interrupted, and what a class reads of the
simulator's own numbers is not seen. So this is for practice alone: graded work never comes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ptlab.classroom import seeds
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.sandbox_child import subject, told_error
from ptlab.classroom.student_code import Code
from ptlab.classroom.wire_format import pack, unpack


def called(answer: Code, calls: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What a function gives for each of `calls`, as its process would say it.

    Stopped: its cell fails. GraderFault: this is not practice.
    """
    function = _run(answer)
    return [_called(function, unpack(pack(list(call)))) for call in calls]


def _called(function: Any, arguments: list[Any]) -> dict[str, Any]:
    try:
        return {"value": pack(function(*arguments))}
    except Exception as error:
        return {"failed": told_error(error)}


@contextmanager
def scheme(answer: Code) -> Iterator[type[Any]]:
    """A class, as the design that it is. Errors as for `called`, and where one of its points fails."""
    design = type(answer.name, (_run(answer),), {"peeked": None})
    try:
        yield design
    except (Stopped, GraderFault):
        raise
    except Exception as error:
        raise Stopped(told_error(error)) from error


def _run(answer: Code) -> Any:
    if seeds.grading() or not seeds.is_practice(seeds.claimed()):
        raise GraderFault(
            "an answer that is code runs in a process of its own, and this system starts none. "
            "Practice does without: ptlab.practice(0)"
        )
    try:
        return subject(answer)
    except Exception as error:
        raise Stopped(told_error(error)) from error
