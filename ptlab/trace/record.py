"""Recording a program that is started for it. attach.py records a process that runs."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ptlab.trace import calls, seccomp, tracing
from ptlab.trace.faults import Faults, NoTracefs
from ptlab.trace.notes import Notes
from ptlab.trace.recorder import Recorder
from ptlab.trace.rows import Trace


class CannotRecord(Exception):
    """The program cannot be recorded; the message says why, and what would help."""


def record(command: Sequence[str], faults: bool = False) -> Trace:
    """Run a program to its end, and record it with its threads and its children.

    A seccomp filter stops it at its memory calls only. It gets no new privileges meanwhile, so a
    program that is setuid runs without them. Ctrl-C goes to the program; the recording ends with it.
    `faults`: each page fault too, so that the trace says which pages of files were read, and which
    written. That needs root and tracefs.

    Raises CannotRecord: not Linux on x86-64, no such program, or ptrace or tracefs is closed here.
    """
    supported()
    with fault_log(faults) as log:
        return _record(command, log)


def _record(command: Sequence[str], log: Faults | None) -> Trace:
    pid, ready, failed = _start(command)
    try:
        tracing.seize(pid, tracing.OPTIONS | tracing.EXITKILL)
    except OSError as error:
        os.close(ready)
        os.waitpid(pid, 0)
        raise CannotRecord(f"{command[0]}: ptrace is not allowed here: {error.strerror}") from None
    if log is not None:
        log.follow([pid])
    os.write(ready, b"g")
    os.close(ready)
    notes = Notes()
    recorder = Recorder(notes, False, log)
    recorder.threads.add(pid)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        recorder.run()
    finally:
        signal.signal(signal.SIGINT, before)
    with os.fdopen(failed) as file:
        number = file.read()
    if number:
        raise CannotRecord(f"{command[0]}: {os.strerror(int(number))}")
    return Trace(notes.rows(), about(command, "ptrace with seccomp", log))


def supported() -> None:
    """CannotRecord, unless this is Linux on x86-64."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        here = f"{platform.system()} on {platform.machine()}"
        raise CannotRecord(
            f"only Linux on x86-64 can be recorded; this is {here}. Recordings replay everywhere"
        )


@contextmanager
def fault_log(wanted: bool) -> Iterator[Faults | None]:
    """The log of page faults, if it is wanted. CannotRecord: there is none here."""
    if not wanted:
        yield None
        return
    try:
        log = Faults()
    except NoTracefs as error:
        raise CannotRecord(str(error)) from None
    try:
        yield log
    finally:
        log.close()


def _start(command: Sequence[str]) -> tuple[int, int, int]:
    """A child that waits for a byte, then becomes the program. (pid, end to write, errno to read)"""
    wait, ready = os.pipe()
    failed, report = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(ready)
            if os.read(wait, 1):
                seccomp.install(calls.WATCHED)
                os.execvp(command[0], list(command))
        except OSError as error:
            os.write(report, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(wait)
    os.close(report)
    return pid, ready, failed


def about(command: Sequence[str], recorder: str, log: Faults | None) -> dict[str, Any]:
    """What a trace says about itself."""
    said: dict[str, Any] = {"kernel": platform.release(), "program": list(command)}
    if log is None:
        return {**said, "recorder": recorder}
    counts = {"faults": log.seen, "faults_lost": log.lost}
    return {**said, "recorder": f"{recorder}, page faults from tracefs", **counts}
