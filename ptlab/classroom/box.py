"""The box: a process for code that is not ours, shut in as far as this system allows.

`started` runs a command in it and talks with it by lines. A notebook's kernel runs in one
(notebook_run.py), and so does each answer that is code (sandbox.py). What confine.py does before the
command starts depends on the system; `way()` tries once, and says in words what is in force.

The grader's environment is not handed on, nor are its open files. What is in the box can talk with
the grader by the two pipes only, and the grader reads a bounded number of bounded lines
(box_process.py).
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ptlab.classroom.box_process import Box
from ptlab.classroom.box_ways import WAYS, Limits, Way, environment, spec, user_number
from ptlab.classroom.grader_fault import GraderFault

_CONFINE = Path(__file__).with_name("confine.py")


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
    except GraderFault:
        return False


@contextmanager
def started(
    command: Sequence[str], limits: Limits, folder: Path | None = None, hide: Sequence[Path] = ()
) -> Iterator[Box]:
    """A command in the box, in the strongest way. Python's arguments, without Python itself.

    GraderFault: it cannot be made.

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
    with _room() as room, _started(way, command, limits, room, folder, hide) as box:
        try:
            yield box
        finally:
            box.close()
            _close(box)


@contextmanager
def _room() -> Iterator[Path]:
    """An empty folder, for as long as the box is there."""
    try:
        room = Path(tempfile.mkdtemp(prefix="ptlab-"))
    except OSError as error:
        raise GraderFault(f"a folder for the box cannot be made: {error}") from None
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _started(
    way: Way,
    command: list[str],
    limits: Limits,
    room: Path,
    folder: Path | None,
    hide: Sequence[Path],
) -> Iterator[Box]:
    pipes = list[int]()
    try:
        try:
            box = _box(way, command, limits, room, folder, hide, pipes)
        except (OSError, RuntimeError, MemoryError) as error:  # no pipe, process, thread or memory
            why = f"this machine cannot start another Python to run it in: {error}"
            raise GraderFault(why) from None
        yield box
    finally:
        for pipe in pipes:
            os.close(pipe)


def _box(
    way: Way,
    command: list[str],
    limits: Limits,
    room: Path,
    folder: Path | None,
    hide: Sequence[Path],
    pipes: list[int],
) -> Box:
    """Start it. `pipes` are left for the caller to close."""
    if way.name == "nothing":
        return _watched(way, _popen(command, room, ()), None, limits)
    user = user_number() if way.user else None
    if user is not None:
        os.chown(room, user, user)
    pipes += os.pipe()
    come, go = pipes
    told = spec(way, limits, user, room, folder, hide) | {"status": go}
    confine = [sys.executable, "-I", "-S", str(_CONFINE), json.dumps(told)]
    child = _popen([*confine, *command], room, (go,))
    os.close(pipes.pop())
    return _watched(way, child, come, limits)


def _watched(way: Way, child: subprocess.Popen[bytes], status: int | None, limits: Limits) -> Box:
    try:
        return Box(way, child, status, limits)
    except RuntimeError:  # there is no thread for its clock
        child.kill()
        child.wait()
        raise


def _close(box: Box) -> None:
    assert box.child.stdin is not None and box.child.stdout is not None
    box.child.stdout.close()
    with suppress(BrokenPipeError):
        box.child.stdin.close()


def _popen(command: list[str], room: Path, keep: tuple[int, ...]) -> subprocess.Popen[bytes]:
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
