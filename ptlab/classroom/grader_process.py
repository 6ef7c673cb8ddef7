"""The grader's own process, while it runs the notebook of a student: what it hides, and what it ends.

Linux only: prctl(2), proc(5). Elsewhere the secret is taken out of the environment and no more.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped]

_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
_ROUNDS = 200
"""A process that starts others while it is ended needs more than one."""


@contextmanager
def secret_hidden(name: str) -> Iterator[str | None]:
    """The variable `name` is out of the environment meanwhile; gives its value.

    /proc/PID/environ shows the bytes that the process was started with, whatever `os.environ` holds
    now. So they are written over.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # nobody but root looks into its memory, either
        libc.getenv.restype = ctypes.c_void_p
        place = libc.getenv(name.encode())
        if place:
            ctypes.memset(place, ord("x"), len(os.fsencode(os.environ[name])))
    secret = os.environ.pop(name, None)
    try:
        yield secret
    finally:
        if secret is not None:
            os.environ[name] = secret


@contextmanager
def nothing_left_behind() -> Iterator[list[str]]:
    """Whatever was started meanwhile is ended; the list then has the names of what still ran.

    The grader is the parent of all that lose theirs (PR_SET_CHILD_SUBREAPER), so that a process in a
    session of its own is found too.
    """
    me, ended = psutil.Process(), list[str]()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = set(me.children())  # what these start meanwhile is theirs, such as a teacher's kernel
    try:
        yield ended
    finally:
        for _ in range(_ROUNDS):
            new = [child for child in me.children() if child not in before]
            if not new:
                break
            left = list[psutil.Process]()
            for child in new:
                with suppress(psutil.Error):
                    left += [child, *child.children(recursive=True)]
            for child in left:
                with suppress(psutil.Error):
                    if child.status() != psutil.STATUS_ZOMBIE:
                        ended.append(child.name())
                    child.kill()
            psutil.wait_procs(left, timeout=1)
