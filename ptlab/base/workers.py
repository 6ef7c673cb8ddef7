"""How many processes may compute at once; a Python in a browser cannot start any."""

from __future__ import annotations

import os
import sys


def workers(jobs: int) -> int:
    """For so many jobs: as many as there are processors; 1, which is this process, in a browser."""
    return 1 if sys.platform in ("emscripten", "wasi") else min(jobs, os.cpu_count() or 1)
