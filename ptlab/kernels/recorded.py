"""The recordings of real kernels that ptlab carries (data/README.md says how they were made)."""

from __future__ import annotations

import gzip
import json
from importlib import resources
from typing import Any, NamedTuple

Step = dict[str, Any]
"""What one kernel said after one op, field by field."""


class Trace(NamedTuple):
    """What one kernel did in one scenario.

    kernel   the name of the recording: "6.18", or "6.1-la57" for 6.1 with five levels
    release  what `uname -r` said
    """

    scenario: str
    group: str
    description: str
    kernel: str
    release: str
    steps: list[Step]


_DATA = resources.files("ptlab.kernels") / "data"
_SERIES = ("curated", "public", "programs", "hugetlb", "random", "surprises")

KERNELS = ("6.1", "6.1-la57", "6.12", "6.18", "6.19", "7.3")
"""The recorded kernels, oldest first."""

ON_A_MACHINE = "6.18"
"""The one that was not recorded in QEMU."""


def recorded(kernel: str) -> list[Trace]:
    """Every recording of one kernel; ValueError names the kernels that were recorded."""
    if kernel not in KERNELS:
        raise ValueError(f"kernel {kernel!r} was not recorded: there are {', '.join(KERNELS)}")
    files = [_DATA / f"{series}-{kernel}.json.gz" for series in _SERIES]
    return [
        Trace(**trace)
        for file in files
        if file.is_file()  # only the curated scenarios were played on every kernel
        for trace in json.loads(gzip.decompress(file.read_bytes()))
    ]
