"""Inside the sandbox's process: take the job from stdin, set the limits, run the answer, report.

The limits are set before the answer's text is touched. An audit hook (PEP 578), which cannot be taken
off again, refuses files, processes, networks and looks into the interpreter. That is a help for honest
students, who learn at once what an answer may not; what nobody gets round is the box (box.py).
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import traceback
import types
from collections.abc import Callable, Container
from contextlib import suppress
from typing import Any, BinaryIO

from ptlab.classroom.student_code import Code, Refused, no_memory, runnable
from ptlab.classroom.wire_format import pack, unpack

_FORBIDDEN = (
    *("os.", "subprocess.", "socket.", "ctypes.", "gc.", "shutil.", "pty.", "signal."),
    *("sqlite3.", "mmap.", "fcntl.", "syslog.", "tempfile.", "glob.", "webbrowser."),
)
_FORBIDDEN_TOO = frozenset(
    ("sys.setprofile", "sys.settrace", "sys._current_frames", "resource.setrlimit")
)
_ALLOWED = frozenset(("os.listdir", "os.scandir"))
"""The import system looks into folders."""
_READABLE = (".py", ".pyc", ".so", ".pyd", ".txt", ".gz")

_CELL = "your cell"


def main() -> None:
    """Do one job."""
    out, come = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    job = json.loads(come.readline())
    answer, (seconds, mib) = Code(*job["answer"]), job["limits"]

    def told(error: BaseException) -> str:
        over = isinstance(error, MemoryError)
        return no_memory(mib) if over else told_error(error)

    def say(what: dict[str, Any]) -> None:
        out.write(json.dumps(what).encode() + b"\n")
        out.flush()

    try:
        engine = _engine(come, out) if answer.kind == "class" else None
        _limit(seconds, mib)
    except Exception as error:  # nothing of the answer has run
        say({"cannot": f"{type(error).__name__}: {error}"[:300]})
        os._exit(1)
    sys.addaudithook(_guard())
    say({"ready": True})
    try:
        if engine is not None:
            _scheme(engine, answer, say, told)
        else:
            function = subject(answer)
            say({"verdict": "ready"})
            for line in come:
                say({"verdict": _call(function, unpack(json.loads(line)))})
    except BaseException as error:  # whatever the answer raises, SystemExit too, ends here
        say({"stopped": told(error)})
    os._exit(0)  # without whatever the answer wants to do at exit


def _engine(come: BinaryIO, out: BinaryIO) -> Any:
    """What a class is run on. A function's box has no engine."""
    from ptlab.classroom.remote_engine import Engine, put_in_place

    engine = Engine(come, out)
    put_in_place(engine)
    return engine


def _scheme(
    engine: Any,
    answer: Code,
    say: Callable[[dict[str, Any]], None],
    told: Callable[[BaseException], str],
) -> None:
    """A class is asked for its points as long as the judge wants."""
    from ptlab.classroom.remote_engine import declared

    found = subject(answer)
    say({"verdict": declared(found)})
    engine.serve(found, told)


def _limit(seconds: int, mib: int) -> None:
    """Processor time, memory, files. A system without rlimits has the clock only.

    OSError: this machine does not give what an answer may use.
    """
    try:
        import resource
    except ImportError:
        return
    own = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if own != resource.RLIM_INFINITY and own <= seconds:
        raise OSError(
            f"the grader's own limit (ulimit -t) is {own} s, and {seconds + 1} are needed"
        )
    _could_have(mib)
    for what, soft, hard in (
        # SIGXCPU comes a second before SIGKILL, so that the two can be distinguished.
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_AS, mib << 20, mib << 20),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),  # no other process and no thread from now on
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with suppress(ValueError, OSError):  # macOS does not know every limit
            resource.setrlimit(what, (soft, hard))


def _could_have(mib: int) -> None:
    """Ask for all the memory that an answer may use, and give it back untouched."""
    if sys.platform != "linux":
        return
    with open("/proc/self/statm") as file:
        has = int(file.read().split()[0]) * mmap.PAGESIZE
    left = (mib << 20) - has - (16 << 20)
    try:
        mmap.mmap(-1, left, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, ValueError):
        raise OSError(f"this machine does not give the {mib} MiB that an answer may use") from None


def _guard() -> Callable[[str, tuple[Any, ...]], None]:
    """The audit hook. It looks up no name that an answer could change: all it needs are its arguments.

    It takes exact types only, because the methods of a type that is derived from str may say anything.
    """

    def refuse(
        event: str,
        args: tuple[Any, ...],
        kind: Callable[[Any], type] = type,
        text: type = str,
        nothing: type = types.NoneType,
        number: type = int,
        begins: Callable[..., bool] = str.startswith,
        ends: Callable[..., bool] = str.endswith,
        forbidden: tuple[str, ...] = _FORBIDDEN,
        forbidden_too: Container[str] = _FORBIDDEN_TOO,
        allowed: Container[str] = _ALLOWED,
        readable: tuple[str, ...] = _READABLE,
        writes: int = os.O_WRONLY | os.O_RDWR,
        refused: type[Exception] = Refused,
    ) -> None:
        if event == "open":
            path, mode, flags = args
            plain = kind(path) is text and (kind(mode) is text or kind(mode) is nothing)
            known = kind(flags) is number or kind(flags) is nothing
            reads = plain and known and (mode is None or mode == "r" or mode == "rb")
            if not reads or (flags or 0) & writes or not ends(path, readable):
                raise refused("it opens a file: an answer may not")
        elif (begins(event, forbidden) and event not in allowed) or event in forbidden_too:
            raise refused(f"it calls {event}: an answer may not")

    return refuse


def subject(answer: Code) -> Any:
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


if __name__ == "__main__":
    main()
