"""How many processes may compute at once; a Python in a browser cannot start any."""

from __future__ import annotations

import os
import sys


def starts_processes() -> bool:
    """Whether this system can start a process at all."""
    return sys.platform not in ("emscripten", "wasi")


def workers(jobs: int) -> int:
    """For so many jobs: as many as there are processors; 1, which is this process, in a browser."""
    return min(jobs, os.cpu_count() or 1) if starts_processes() else 1
