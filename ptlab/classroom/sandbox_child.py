"""Inside the sandbox's process: take the job from stdin, set the limits, run the answer, report.

The limits are set before the answer's text is touched. An audit hook (PEP 578), which cannot be taken
off again, refuses files, processes, networks and looks into the interpreter.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ptlab.classroom.student_code import Code, runnable
from ptlab.classroom.wire_format import pack, unpack

_FORBIDDEN = ("os.", "subprocess.", "socket.", "ctypes.", "gc.", "shutil.", "pty.", "signal.")
_FORBIDDEN_TOO = ("sys.setprofile", "sys.settrace", "sys._current_frames", "resource.setrlimit")
_ALLOWED = ("os.listdir", "os.scandir")
"""The import system looks into folders."""

_CELL = "your cell"


class Refused(Exception):
    """The answer tried what it may not."""


def main() -> None:
    """Do one job."""
    job = json.loads(sys.stdin.buffer.read())
    answer, (seconds, mib) = Code(*job["answer"]), job["limits"]
    out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    judge = _judge(job["judge"]) if "judge" in job else None
    before = dict(_fingerprint())
    _limit(seconds, mib)
    sys.addaudithook(_refuse)
    try:
        subject = _subject(answer)
        if judge:
            result: Any = pack(judge(subject, *unpack(job["about"])))
        else:
            result = [_call(subject, call) for call in unpack(job["calls"])]
        verdict = {"verdict": result}
    except MemoryError:
        verdict = {"stopped": f"it needs more than {mib} MiB of memory"}
    except BaseException as error:  # whatever the answer raises, SystemExit too, ends here
        verdict = {"stopped": told_error(error)}
    changed = [name for name, was in _fingerprint() if before.get(name, was) != was]
    if changed:
        verdict = {"stopped": f"it has changed {changed[0]}: an answer changes only itself"}
    out.write(json.dumps([job["token"], verdict]).encode())
    out.flush()
    os._exit(0)  # without whatever the answer wants to do at exit


def _judge(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _limit(seconds: int, mib: int) -> None:
    """Processor time, memory, files. A system without rlimits has the clock only."""
    try:
        import resource
    except ImportError:
        return
    for what, soft, hard in (
        # SIGXCPU comes a second before SIGKILL, so that the two can be distinguished.
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_AS, mib << 20, mib << 20),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with suppress(ValueError, OSError):  # macOS does not know every limit
            resource.setrlimit(what, (soft, hard))


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        mode, flags = args[1], args[2]
        reads = mode in (None, "r", "rb") and not (flags or 0) & (os.O_WRONLY | os.O_RDWR)
        if not reads or not str(args[0]).endswith((".py", ".pyc", ".so", ".pyd", ".txt", ".gz")):
            raise Refused("it opens a file: an answer may not")
    elif (event.startswith(_FORBIDDEN) and event not in _ALLOWED) or event in _FORBIDDEN_TOO:
        raise Refused(f"it calls {event}: an answer may not")


def _subject(answer: Code) -> Any:
    """Run the cell and take the function or class out of it."""
    module = types.ModuleType("answer")
    sys.modules["answer"] = module  # dataclasses look there
    exec(compile(runnable(answer.text), _CELL, "exec"), module.__dict__)
    return module.__dict__[answer.name]


def _call(function: Callable[..., Any], arguments: list[Any]) -> dict[str, Any]:
    try:
        return {"value": pack(function(*arguments))}
    except MemoryError:
        raise
    except BaseException as error:
        return {"failed": told_error(error)}


def told_error(error: BaseException) -> str:
    """The error for the student, with the line of the cell it comes from."""
    if isinstance(error, Refused):
        return str(error)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == _CELL]
    try:
        text = str(error)[:200]
    except BaseException:
        text = "(its message cannot be read)"
    where = f" in line {lines[-1]} of the cell" if lines else ""
    return f"it raised {type(error).__name__[:60]}{where}: {text}"


def _fingerprint() -> Iterator[tuple[str, Any]]:
    """Everything of ptlab that is loaded, by name: functions, classes, constants, what is in them."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "ptlab":
            continue
        for key, value in list(vars(module).items()):
            yield f"{name}.{key}", _mark(value)
            if isinstance(value, type) and value.__module__ == name:
                for part, inside in list(vars(value).items()):
                    yield f"{name}.{key}.{part}", _mark(inside)


def _mark(value: Any) -> Any:
    """What tells a changed value from the old one."""
    if isinstance(value, types.FunctionType):
        return (
            id(value),
            id(value.__code__),
            value.__defaults__ and tuple(map(id, value.__defaults__)),
        )
    if isinstance(value, dict):
        return [(id(k), id(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(map(id, value))
    return value.tobytes() if isinstance(value, np.ndarray) else id(value)


if __name__ == "__main__":
    main()
