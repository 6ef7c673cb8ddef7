"""The sandbox: code that is an answer runs in a process of its own, with limits. Its judge is here.

`values` calls a function of the student's and hands its results back as plain data. `scheme` gives a
class: what it does at each point of a design is asked of the process, call by call, and done here, on
the judge's own engine (remote_scheme.py). So whoever asked compares and counts, and nothing that the
process does to itself can make a wrong answer right.

The limits: processor time, wall-clock time, memory, what it writes; no other processes, no files, no
network. What goes beyond is stopped, and the answer gives no points. It is no wall against somebody who
breaks out of the process: a class that you do not trust at all is graded on a machine, or in a
container, with nothing else on it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ptlab.classroom.remote_class import Declared, remote_class
from ptlab.classroom.remote_scheme import Raised, Remote
from ptlab.classroom.student_code import Code, NotCode, code, object_to
from ptlab.classroom.wire_format import pack, unpack
from ptlab.schemes import ReclaimScheme

OUTPUT = 1 << 20
"""Bytes that may come back."""

_PACKAGE = Path(__file__).parents[2]


class Stopped(Exception):
    """The answer was not judged to its end; the message is for the student."""


class Limits(NamedTuple):
    """What the process may use: seconds of processor time (by the clock: twice as
    many, and 3 more), and MiB of memory."""

    seconds: int = 10
    mib: int = 1024


LIMITS = Limits()


class Failed(NamedTuple):
    """A call that raised: the error, with the line of the student's cell."""

    why: str


def values(
    function: object, calls: Sequence[tuple[Any, ...]], limits: Limits = LIMITS
) -> list[Any]:
    """What the student's function returns for each of `calls`: plain data, or a Failed."""
    raw = _run(_text(function, "function"), {"calls": pack([list(call) for call in calls])}, limits)
    try:
        found = [
            Failed(str(entry["failed"])) if "failed" in entry else unpack(entry["value"])
            for entry in raw
        ]
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError):
        found = []
    if len(found) != len(calls):
        raise Stopped("its process did not answer as it should")
    return found


@contextmanager
def scheme(answer: object, limits: Limits = LIMITS) -> Iterator[type[ReclaimScheme]]:
    """The student's class, as a design whose points are decided in the process.

    Stopped: the class cannot be made, or while it runs, the process ends or goes beyond a limit.
    """
    with _started(_text(answer, "class"), {}, limits) as process:
        try:
            remote = Remote(process)
            yield remote_class(remote, Declared.of(process.first()))
        except Raised as raised:
            raise Stopped(str(raised)) from None
        except Stopped:
            raise
        except Exception as error:  # whatever it makes of the engine, the next submission is graded
            why = f"it raised {type(error).__name__} in the engine: {error}"
            raise Stopped(why[:400]) from error


def _text(answer: object, kind: str) -> Code:
    try:
        found = code(answer, kind)
    except NotCode as error:
        raise Stopped(str(error)) from None
    if found.kind != kind:
        raise Stopped(f"a {kind} is wanted, and {found.name} is a {found.kind}")
    why = object_to(found.text)
    if why:
        raise Stopped(f"in the cell of {found.name}, {why}")
    return found


def _run(answer: Code, job: dict[str, Any], limits: Limits) -> Any:
    """Start the process, hand it the job, and read what it says."""
    with _started(answer, job, limits) as process:
        return process.first()


class _Process:
    """The student's process: lines to it and from it. Whatever ends it becomes a Stopped."""

    def __init__(self, child: subprocess.Popen[bytes], limits: Limits) -> None:
        self.child, self.limits = child, limits
        self.late = threading.Event()

    def send(self, line: bytes) -> None:
        """A line to it. If it has ended, the next `receive` says so."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):
            self.child.stdin.write(line)
            self.child.stdin.flush()

    def receive(self) -> bytes:
        """Its next line, of at most OUTPUT bytes."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline(OUTPUT + 1)
        if len(line) > OUTPUT:
            raise Stopped(f"it gives back more than {OUTPUT >> 20} MiB")
        if not line.endswith(b"\n"):
            self._ended()
        return line

    def first(self) -> Any:
        """What it says of the job: {"verdict": ...}, or why there is none."""
        try:
            reply = json.loads(self.receive())
            if "stopped" in reply:
                raise Stopped(str(reply["stopped"])[:500])
            return reply["verdict"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Stopped("its process did not answer as it should") from None

    def stop(self) -> None:
        """It has had its time."""
        self.late.set()
        _kill(self.child)

    def _ended(self) -> NoReturn:
        _kill(self.child)
        status, seconds = self.child.wait(), self.limits.seconds
        if self.late.is_set():
            raise Stopped(f"it did not end within {_clock(self.limits)} s and was stopped")
        if -status == getattr(signal, "SIGXCPU", None):
            raise Stopped(
                f"it ran for {seconds} s and was stopped. Is there a loop that does not end?"
            )
        raise Stopped("its process ended before it had answered")


def _clock(limits: Limits) -> int:
    return 2 * limits.seconds + 3


@contextmanager
def _started(answer: Code, job: dict[str, Any], limits: Limits) -> Iterator[_Process]:
    payload = json.dumps({"answer": answer, "limits": limits, **job}).encode()
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "ptlab.classroom.sandbox_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd=_PACKAGE,
            start_new_session=True,
        )
    except OSError as error:
        raise Stopped(f"this machine cannot start another Python to run it in: {error}") from None
    process = _Process(child, limits)
    timer = threading.Timer(_clock(limits), process.stop)
    timer.start()
    try:
        process.send(payload + b"\n")
        yield process
    finally:
        timer.cancel()
        _kill(child)
        child.wait()
        assert child.stdin is not None and child.stdout is not None
        child.stdout.close()
        with suppress(BrokenPipeError):
            child.stdin.close()


def _environment() -> dict[str, str]:
    """Nothing of the grader's: neither the secret nor a name. One thread, and a fixed hash seed."""
    kept = {k: os.environ[k] for k in ("HOME", "PATH", "SYSTEMROOT") if k in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_PACKAGE),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _kill(child: subprocess.Popen[bytes]) -> None:
    """The process and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
