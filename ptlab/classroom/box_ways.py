"""The ways of shutting in, from the strongest to the weakest, and what confine.py is told for each."""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.classroom.system_calls import program

PACKAGE = Path(__file__).parents[1]


class Limits(NamedTuple):
    """What the box may use.

    seconds    of processor time, where the command counts it; by the clock twice as many, and 3 more
    mib        of memory, for each process; of all together too, where there is a namespace of its own
    processes  and threads, where they can be counted
    """

    seconds: int = 10
    mib: int = 1024
    processes: int = 8

    @property
    def clock(self) -> int:
        """Seconds by the clock."""
        return 2 * self.seconds + 3


class Way(NamedTuple):
    """A way of shutting in."""

    name: str
    user: bool
    """Whether root becomes a user that owns nothing."""
    namespaces: bool
    says: str
    """What is in force, in words."""


_LIMITS = "limits on memory, open files and what is written; the environment is empty; " + (
    "system calls that attacks on a kernel begin with are refused"
    if program()
    else "NO filter of system calls"
)
_APART = (
    "no other process, no network and no file but Python's own can be seen; no file can be changed; all "
    "processes end with it"
)
_OTHER = "it runs as a user that owns nothing, and sees what all users may see"
WAYS = (
    Way(
        "user and namespaces",
        True,
        True,
        f"{_APART}; it runs as a user that owns nothing; {_LIMITS}",
    ),
    Way("namespaces", False, True, f"{_APART}; {_LIMITS}"),
    Way("user", True, False, f"NO namespaces; {_OTHER}; {_LIMITS}"),
    Way("limits", False, False, f"NO namespaces: it sees your files and processes; {_LIMITS}"),
    Way("nothing", False, False, "NOTHING but a limit of time: this system has no such means"),
)
"""From the strongest to the weakest."""


def spec(
    way: Way,
    limits: Limits,
    user: int | None,
    room: Path,
    folder: Path | None,
    hide: Sequence[Path],
) -> dict[str, Any]:
    """What confine.py is told. It sees Python, its packages, and of ptlab's folder ptlab alone."""
    site = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    python = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site]
    shown = [*map(os.path.realpath, python), *python, str(PACKAGE)]
    counted = way.user or (way.namespaces and _release() >= (5, 14))
    return {
        "way": way.name,
        "user": user,
        "namespaces": way.namespaces,
        "show": [*shown, *([str(folder)] if folder else [])],
        "hide": [str(path) for path in hide],
        "room": str(room),
        "folder": str(folder or room),
        "mib_together": limits.mib,
        "limits": _limits(limits, counted),
        "filter": program().hex(),
    }


def _limits(limits: Limits, counted: bool) -> list[tuple[str, int, int]]:
    """For setrlimit(2): the name, the most, and what has to be possible for an honest answer."""
    found = [
        ("RLIMIT_AS", max(limits.mib, _LEAST_MIB) << 20, limits.mib << 20),
        ("RLIMIT_FSIZE", 16 << 20, 1 << 20),
        ("RLIMIT_NOFILE", 256, 64),
        ("RLIMIT_CORE", 0, 0),
    ]
    processes = ("RLIMIT_NPROC", limits.processes, limits.processes)
    return [*found, processes] if counted else found


_LEAST_MIB = 4096
"""Of address space, for each process. Threads and libraries reserve far more than they use."""


def _release() -> tuple[int, ...]:
    """The version of the kernel. Since 5.14 a user namespace counts its processes for itself."""
    numbers = platform.release().split("-")[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())


def user_number() -> int:
    """A user number that nobody else has: systemd gives these to services for a moment."""
    return 61184 + (os.getpid() * 7 + threading.get_ident()) % 4000


def environment(room: Path) -> dict[str, str]:
    """Nothing of the grader's: neither the secret nor a name. One thread, and a fixed hash seed."""
    kept = {k: os.environ[k] for k in ("PATH", "SYSTEMROOT") if k in os.environ}
    folders = ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    return {
        **kept,
        **dict.fromkeys(folders, str(room)),
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
