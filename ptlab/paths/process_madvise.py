"""process_madvise: the same advice about several ranges in one call.

Kernel source: mm/madvise.c, process_madvise(), vector_madvise() (Linux 6.12). Simplified: a process
advises itself (its pidfd is its own). Before 6.13 only what may be said of another process is allowed.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from ptlab.base.errors import KernelError
from ptlab.base.geometry import page_align
from ptlab.base.steps import Path
from ptlab.paths.madvise import (
    ADVICE_NAMES,
    MADV_COLD,
    MADV_COLLAPSE,
    MADV_PAGEOUT,
    MADV_WILLNEED,
    do_madvise,
)
from ptlab.state.mm import Mm

REMOTE_VALID = (MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_COLLAPSE)
"""process_madvise_remote_valid()"""


def vector_madvise(mm: Mm, ranges: Sequence[tuple[int, int]], advice: int) -> Path[int]:
    """process_madvise(): the ranges (address, length) in turn, up to the first that fails.

    Returns the bytes advised. An error is raised only if the first range fails.
    """
    if advice not in REMOTE_VALID and not mm.machine.profile.advise_itself:
        name, kernel = ADVICE_NAMES.get(advice, str(advice)), mm.machine.profile.name
        why = f"Linux {kernel} allows COLD, PAGEOUT, WILLNEED and COLLAPSE here, not {name}"
        raise KernelError(errno.EINVAL, f"process_madvise: {why}; nothing was done")
    done = 0
    for start, length in ranges:
        try:
            yield from do_madvise(mm, start, length, advice)
        except KernelError:
            if not done:
                raise
            break
        done += page_align(length)
    return done
