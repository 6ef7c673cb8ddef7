"""The sandbox: an answer that is code runs in a process of its own, with limits, and is judged there.

`values` calls a function of the student's and hands its results back as plain data: whoever asked
compares them, so nothing that the process does can make a wrong result right. `judged` gives a
class to a judge, a function of ptlab, inside the process: a reclaim scheme has to run within the
engine. There the answer's text is read first (ptlab.classroom.code), and the process looks
afterwards whether ptlab is still what it was.

The limits: processor time, wall-clock time, memory, what it writes; no other processes, no files, no
network. What goes beyond is stopped, and the answer gives no points. This holds off accidents and
tricks. It is no wall against somebody who breaks into CPython: a class that you do not trust at all
is graded on a machine, or in a container, with nothing else on it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.classroom.student_code import Code, NotCode, code, object_to
from ptlab.classroom.wire_format import pack, unpack

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
    found = [
        Failed(entry["failed"]) if "failed" in entry else unpack(entry["value"]) for entry in raw
    ]
    if len(found) != len(calls):
        raise Stopped("its process did not answer as it should")
    return found


def judged(answer: object, judge: str, *about: Any, limits: Limits = LIMITS) -> Any:
    """What `judge` ("ptlab.module:function") says of the student's class.

    `about` is plain data that the judge gets as well; its verdict must be plain data too.
    """
    job = {"judge": judge, "about": pack(list(about))}
    return unpack(_run(_text(answer, "class"), job, limits))


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
    token = secrets.token_hex()  # who has not read it from the job cannot answer in its place
    payload = json.dumps({"answer": answer, "limits": limits, "token": token, **job}).encode()
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
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(child)

    timer = threading.Timer(2 * limits.seconds + 3, stop)
    timer.start()
    assert child.stdin is not None and child.stdout is not None
    try:
        with suppress(BrokenPipeError):
            child.stdin.write(payload)
            child.stdin.close()
        said = child.stdout.read(OUTPUT + 1)
    finally:
        timer.cancel()
        _kill(child)
        status = child.wait()
        child.stdout.close()
    if len(said) > OUTPUT:
        raise Stopped(f"it gives back more than {OUTPUT >> 20} MiB")
    if late.is_set():
        raise Stopped(f"it did not end within {2 * limits.seconds + 3} s and was stopped")
    return _verdict(said, status, token, limits)


def _verdict(said: bytes, status: int, token: str, limits: Limits) -> Any:
    try:
        said_token, reply = json.loads(said)
        if said_token != token:
            raise ValueError
    except (ValueError, TypeError):
        if -status == getattr(signal, "SIGXCPU", None):
            raise Stopped(
                f"it ran for {limits.seconds} s and was stopped. Is there a loop that does not end?"
            ) from None
        raise Stopped("its process ended before it had answered") from None
    if "stopped" in reply:
        raise Stopped(reply["stopped"])
    return reply["verdict"]


def _environment() -> dict[str, str]:
    """Nothing of the grader's: neither the secret nor a name. One thread, and a fixed hash seed."""
    kept = {k: os.environ[k] for k in ("HOME", "PATH", "SYSTEMROOT") if k in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_PACKAGE),
        "PYTHONHASHSEED": "0",
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
