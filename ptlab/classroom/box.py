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
from contextlib import ExitStack, contextmanager
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
    with ExitStack() as after:
        try:
            box = _begun(after, way, command, limits, folder, hide)
        except (OSError, RuntimeError, MemoryError) as error:  # no pipe, process, thread or memory
            why = f"this machine cannot start another Python to run it in: {error}"
            raise GraderFault(why) from None
        yield box


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


def _begun(
    after: ExitStack,
    way: Way,
    command: list[str],
    limits: Limits,
    folder: Path | None,
    hide: Sequence[Path],
) -> Box:
    """Start it. `after` undoes what was done for it, the last thing first, however far this comes."""
    room, come = after.enter_context(_room()), None
    if way.name == "nothing":
        child = _popen(command, room, ())
    else:
        user = user_number() if way.user else None
        if user is not None:
            os.chown(room, user, user)
        come, go = os.pipe()
        after.callback(os.close, come)
        with open(go, "wb"):  # the box has an end of its own afterwards
            told = spec(way, limits, user, room, folder, hide) | {"status": go}
            confine = [sys.executable, "-I", "-S", str(_CONFINE), json.dumps(told)]
            child = _popen([*confine, *command], room, (go,))
    box = Box(way, child, come, limits)
    after.callback(box.close)
    box.start_clock()
    return box


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
