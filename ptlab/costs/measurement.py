"""The record of one workload under one design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ptlab.costs.meter import Costs


@dataclass(frozen=True)
class Measurement:
    """One workload under one design.

    `end_kb` and the numbers of tables are those after `Process.background()`, when the workload is
    done and before its last munmaps; `before_background_kb` is VmPTE before that call. `track` is
    (page faults so far, VmPTE in kB) at every change.
    """

    scheme: str
    fate: str
    workload: str
    kernel: str
    peak_kb: int
    end_kb: int
    before_background_kb: int
    mean_kb: float
    held_kb_ms: float
    pud: int
    pmd: int
    pte: int
    costs: Costs
    track: tuple[tuple[int, int], ...]
    unsupported: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: the fields above, and the costs beside them. No track."""
        fields = {k: v for k, v in vars(self).items() if k not in ("costs", "track", "unsupported")}
        return {**fields, **self.costs.as_dict(), "unsupported": self.unsupported}

    def per_fault(self, count: str) -> float:
        """One of the counts of `costs`, for each page fault."""
        return self.costs.per_fault(count)
