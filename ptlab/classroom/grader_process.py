"""What a notebook leaves running is ended, where it had no namespace of its own that ends with it.

On Linux this finds processes that are in a session of their own (prctl(2)); elsewhere only children.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped]

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 200
"""A process that starts others while it is ended needs more than one."""


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
