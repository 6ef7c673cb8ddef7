"""Who frees a page-table page, and when: one design in a file, with its source and its fate.

Read unmap_only (nobody does), pte_refcount (the series of 2021), pt_reclaim (in Linux since 6.14).
Then the alternatives of the debate: percpu_ref, mapped_count, pt_rwsem, every_level, write_scan and
async_scan. empty_tables is what several of them share: it checks whether a table is empty, and
unhooks it.

The one idea: a design is a subclass of ReclaimScheme (ptlab.state.scheme) that overrides the points
at which it acts, and nothing else. A learner's own design is one more of these.

A design may use state and paths. It knows nothing of the program that is run under it.
"""

from __future__ import annotations

from ptlab.base.errors import unknown
from ptlab.schemes.async_scan import AsyncScan
from ptlab.schemes.every_level import EveryLevel
from ptlab.schemes.mapped_count import MappedCount
from ptlab.schemes.percpu_ref import PercpuRef
from ptlab.schemes.pt_reclaim import PtReclaim, PtReclaimUnfixed
from ptlab.schemes.pt_rwsem import PtRwsem
from ptlab.schemes.pte_refcount import PteRefcount, TryGet
from ptlab.schemes.unmap_only import UnmapOnly
from ptlab.schemes.write_scan import WriteScan
from ptlab.state.scheme import NOTHING, ReclaimScheme

SCHEMES: dict[str, type[ReclaimScheme]] = {
    scheme.name: scheme
    for scheme in (
        UnmapOnly,
        PteRefcount,
        PercpuRef,
        MappedCount,
        PtRwsem,
        EveryLevel,
        WriteScan,
        AsyncScan,
        PtReclaim,
    )
}
"""The designs of the debate. Known by name, but not one of them: pt_reclaim_unfixed, which has a bug."""

_KNOWN = {**SCHEMES, PtReclaimUnfixed.name: PtReclaimUnfixed}

__all__ = [
    "NOTHING",
    "SCHEMES",
    "AsyncScan",
    "EveryLevel",
    "MappedCount",
    "PercpuRef",
    "PtReclaim",
    "PtReclaimUnfixed",
    "PtRwsem",
    "PteRefcount",
    "ReclaimScheme",
    "TryGet",
    "UnmapOnly",
    "WriteScan",
]


def scheme_class(scheme: str | type[ReclaimScheme]) -> type[ReclaimScheme]:
    """The class for a name, or the class itself; ValueError names the schemes there are."""
    if isinstance(scheme, type) and issubclass(scheme, ReclaimScheme):
        return scheme
    if isinstance(scheme, str) and scheme in _KNOWN:
        return _KNOWN[scheme]
    raise unknown("scheme", scheme, SCHEMES, ", or a ReclaimScheme subclass")
