"""The process in the box, from the grader's side: lines to it and from it, its clock and its end.

What is in the box says READY when it stands, before it runs a line of the student's. Whatever ends it
before that is a GraderFault; afterwards it is a Stopped, unless the machine was at fault.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn

from ptlab.classroom.box_ways import Limits, Way
from ptlab.classroom.grader_fault import GraderFault, oom_kills, usage

LINE = 1 << 20
"""Bytes of a line from the box."""
READY = b'{"ready": true}\n'
"""The first line of what is in the box, when nothing of the student's has run yet."""
START = 90
"""Seconds by the clock until then."""


class Stopped(Exception):
    """What ran in the box was not done to its end; the message is for the student."""


class Box:
    """The process in the box: lines to it and from it. Its end is a Stopped or a GraderFault."""

    def __init__(
        self, way: Way, child: subprocess.Popen[bytes], status: int | None, limits: Limits
    ) -> None:
        self.way, self.child, self.limits = way, child, limits
        self.ready = False
        self._late, self._starved = threading.Event(), False
        self._status, self._said = status, dict[str, Any]()
        self._killed = oom_kills()
        self._looked = usage(child.pid), monotonic()
        self._timer = threading.Timer(START, self._stop)

    def start_clock(self) -> None:
        """It has START seconds until it is ready. RuntimeError: there is no thread for the clock."""
        self._timer.start()

    def wait_until_ready(self) -> None:
        """Nothing of the student's has run yet. GraderFault: it does not come so far."""
        line = self.receive()
        if line != READY:
            raise GraderFault(f"the box did not start: {line[:300].decode(errors='replace')}")
        self.ready = True
        self._timer.cancel()
        self._timer = threading.Timer(self.limits.clock, self._stop)
        self._timer.start()
        self.look_at_clock()

    def look_at_clock(self) -> bool:
        """Whether it was starved of a processor since the last look; a new look begins."""
        before, since = self._looked
        had, now = self._looked = usage(self.child.pid), monotonic()
        return had.starved(before, now - since)

    def out_of_memory(self) -> bool:
        """Whether this system has ended a process meanwhile because it had no more memory."""
        return oom_kills() > self._killed

    def send(self, line: bytes) -> None:
        """A line to it. If it has ended, the next `receive` says so."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):
            self.child.stdin.write(line)
            self.child.stdin.flush()

    def receive(self) -> bytes:
        """Its next line, of at most LINE bytes."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline(LINE + 1)
        if len(line) > LINE:
            raise Stopped(f"it gives back more than {LINE >> 20} MiB")
        if not line.endswith(b"\n"):
            self._ended()
        return line

    def said(self) -> dict[str, Any]:
        """What confine.py has told of it: "left" are the names of processes that were still there."""
        while self._status is not None and select.select([self._status], [], [], 1)[0]:
            found = os.read(self._status, 1 << 16)
            for line in found.splitlines():
                with suppress(ValueError):
                    self._said |= json.loads(line)
            if not found:
                break
        return self._said

    def finish(self) -> None:
        """Nothing more comes: it has a moment to end by itself."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):
            self.child.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(3)
        self.kill()

    def _stop(self) -> None:
        """It has had its time."""
        self._starved = self.look_at_clock()
        self._late.set()
        self.kill()

    def close(self) -> None:
        """End it, whatever it does."""
        assert self.child.stdin is not None and self.child.stdout is not None
        self._timer.cancel()
        self.kill()
        self.child.wait()
        self.child.stdout.close()
        with suppress(BrokenPipeError):
            self.child.stdin.close()

    def kill(self) -> None:
        """End the process and all that it has started, as far as the way reaches."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.child.pid, signal.SIGKILL)
            else:
                self.child.kill()

    def _ended(self) -> NoReturn:
        if not self._late.is_set():
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(1)
        self.kill()
        status, said = self.child.wait(), self.said()
        if fault := self._fault(status, said):
            raise GraderFault(fault)
        if self._late.is_set():
            raise Stopped(f"it did not end within {self.limits.clock} s and was stopped")
        if -status == getattr(signal, "SIGXCPU", None):
            raise Stopped(
                f"it ran for {self.limits.seconds} s and was stopped. Is there a loop that does not end?"
            )
        if "memory" in said:
            raise Stopped(f"it needs more than {self.limits.mib} MiB of memory")
        raise Stopped("its process ended before it had answered")

    def _fault(self, status: int, said: dict[str, Any]) -> str:
        """What the grader's machine has done wrong; "" if it has not."""
        if "cannot" in said:
            return f"the box cannot be made: {said['cannot']}"
        if self._starved:
            return TOO_BUSY
        if self.out_of_memory() and -status == getattr(signal, "SIGKILL", None):
            return NO_MEMORY
        if self.ready:
            return ""
        if self._late.is_set():
            return f"the box did not start within {START} s: this machine has too much to do"
        return f"the box did not start: its process ended with status {status}"


TOO_BUSY = (
    "time ran out while this machine had too much to do for half a processor: grade again, fewer at "
    "once (ptlab autograde --jobs 1)"
)
NO_MEMORY = (
    "this machine has no more memory, and the system ended what was graded: grade fewer at once"
)
