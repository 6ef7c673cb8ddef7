"""The box: a process for code that is not ours, shut in as far as this system allows.

`started` runs a command in it and talks with it by lines. A notebook's kernel runs in one
(notebook_run.py), and so does each answer that is code (sandbox.py). What confine.py does before the
command starts depends on the system; `way()` tries once, and says in words what is in force.

The grader's environment is not handed on, nor are its open files. What is in the box can talk with
the grader by the two pipes only, and the grader reads a bounded number of bounded lines.
"""

from __future__ import annotations

import functools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from ptlab.classroom.box_ways import WAYS, Limits, Way, environment, spec, user_number

LINE = 1 << 20
"""Bytes of a line from the box."""


class Stopped(Exception):
    """What ran in the box was not done to its end; the message is for the student."""


@functools.cache
def way() -> Way:
    """The strongest way that works here; tried once."""
    return next(way for way in WAYS if _possible(way))


def _possible(way: Way) -> bool:
    if way.name == "nothing":
        return True
    if not hasattr(os, "fork") or (way.namespaces and sys.platform != "linux"):
        return False
    if way.user and (sys.platform != "linux" or os.geteuid() != 0):
        return False
    find = "from importlib.util import find_spec as f; print(bool(f('ptlab') and f('numpy')))"
    try:
        with _in_way(way, [sys.executable, "-P", "-c", find], Limits()) as box:
            return box.receive() == b"True\n"
    except Stopped:
        return False


class Box:
    """The process in the box: lines to it and from it. Whatever ends it becomes a Stopped."""

    def __init__(
        self, way: Way, child: subprocess.Popen[bytes], status: int | None, limits: Limits
    ) -> None:
        self.way, self.child, self.limits = way, child, limits
        self.late = threading.Event()
        self._status, self._said = status, dict[str, Any]()

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

    def stop(self) -> None:
        """It has had its time."""
        self.late.set()
        self.kill()

    def kill(self) -> None:
        """End the process and all that it has started, as far as the way reaches."""
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.child.pid, signal.SIGKILL)
            else:
                self.child.kill()

    def _ended(self) -> NoReturn:
        if not self.late.is_set():
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(1)
        self.kill()
        status, seconds = self.child.wait(), self.limits.seconds
        if self.late.is_set():
            raise Stopped(f"it did not end within {self.limits.clock} s and was stopped")
        if -status == getattr(signal, "SIGXCPU", None):
            raise Stopped(
                f"it ran for {seconds} s and was stopped. Is there a loop that does not end?"
            )
        if "memory" in self.said():
            raise Stopped(f"it needs more than {self.limits.mib} MiB of memory")
        raise Stopped("its process ended before it had answered")


@contextmanager
def started(
    command: Sequence[str], limits: Limits, folder: Path | None = None, hide: Sequence[Path] = ()
) -> Iterator[Box]:
    """A command in the box, in the strongest way. Python's arguments, without Python itself.

    folder  where it runs: it can be read in there. Without one, an empty folder
    hide    files and folders that the box must not show, wherever they are
    """
    with _in_way(way(), [sys.executable, "-P", *command], limits, folder, hide) as box:
        yield box


@contextmanager
def _in_way(
    way: Way,
    command: list[str],
    limits: Limits,
    folder: Path | None = None,
    hide: Sequence[Path] = (),
) -> Iterator[Box]:
    room = Path(tempfile.mkdtemp(prefix="ptlab-"))
    come, go = os.pipe() if way.name != "nothing" else (None, None)
    try:
        user = user_number() if way.user else None
        if user is not None:
            os.chown(room, user, user)
        if go is not None:
            told = spec(way, limits, user, room, folder, hide) | {"status": go}
            confine = str(Path(__file__).with_name("confine.py"))
            command = [sys.executable, "-I", "-S", confine, json.dumps(told), *command]
        child = _popen(command, room, () if go is None else (go,))
        if go is not None:
            os.close(go)
            go = None
        with _talking(Box(way, child, come, limits)) as box:
            yield box
    finally:
        for pipe in (come, go):
            if pipe is not None:
                os.close(pipe)
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _talking(box: Box) -> Iterator[Box]:
    timer = threading.Timer(box.limits.clock, box.stop)
    timer.start()
    try:
        yield box
    finally:
        timer.cancel()
        box.kill()
        box.child.wait()
        assert box.child.stdin is not None and box.child.stdout is not None
        box.child.stdout.close()
        with suppress(BrokenPipeError):
            box.child.stdin.close()


def _popen(command: list[str], room: Path, keep: tuple[int, ...]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(room),
            cwd=room,
            start_new_session=True,
            pass_fds=keep,
        )
    except OSError as error:
        raise Stopped(f"this machine cannot start another Python to run it in: {error}") from None
