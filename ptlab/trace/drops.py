"""How large the pieces are in which a program gives memory back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PMD_SHIFT, PMD_SIZE
from ptlab.paths.madvise import MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE
from ptlab.trace.rows import Op, Trace

DROP = np.dtype([("at", "<i8"), ("length", "<i8"), ("whole", "<i8")])
"""One call of madvise; `whole`: how many aligned pieces of 2 MiB it covers, each a PTE page's."""

_ADVICE = (MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE)


def dropped(trace: Trace) -> NDArray[np.void]:
    """Every MADV_DONTNEED, MADV_DONTNEED_LOCKED and MADV_FREE of a trace, as an array of DROP."""
    rows = trace.rows
    rows = rows[(rows["op"] == Op.ADVISE) & np.isin(rows["x"], _ADVICE)]
    found = np.zeros(len(rows), DROP)
    found["at"], found["length"] = rows["at"], rows["length"]
    first = (rows["at"] + PMD_SIZE - 1) >> PMD_SHIFT
    found["whole"] = np.maximum(0, ((rows["at"] + rows["length"]) >> PMD_SHIFT) - first)
    return found
