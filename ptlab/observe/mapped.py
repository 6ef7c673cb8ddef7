"""One mapping of a process together with its pages that have an entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ptlab.base.geometry import PAGE_SHIFT
from ptlab.observe.mappings import Mapping
from ptlab.observe.tables import Tables, tables


@dataclass(frozen=True)
class Mapped:
    """A mapping, the runs of its pages that have an entry (pagemap.RUN), and each run's hugetlb size."""

    mapping: Mapping
    runs: NDArray[np.void]
    hugetlb: NDArray[np.int64]

    @cached_property
    def tables(self) -> Tables:
        """Its tables. If two neighbours share a PTE page, it is in the tables of both."""
        return tables(self.runs, self.hugetlb)

    @property
    def pte_pages(self) -> int:
        """PTE pages that serve it, the deposited ones included."""
        return len(self.tables.pte) + self.tables.deposited

    @property
    def pages(self) -> int:
        """Pages of 4 KiB that have an entry, those of huge pages included."""
        return int((self.runs["end"] - self.runs["start"]).sum()) >> PAGE_SHIFT
