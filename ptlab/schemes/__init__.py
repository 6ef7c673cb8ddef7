"""The reclaim schemes by name. A learner's own is a subclass of ReclaimScheme, given as a class."""

from __future__ import annotations

from ptlab.errors import unknown
from ptlab.schemes.async_scan import AsyncScan
from ptlab.schemes.base import NOTHING, ReclaimScheme
from ptlab.schemes.every_level import EveryLevel
from ptlab.schemes.mapped_count import MappedCount
from ptlab.schemes.percpu_ref import PercpuRef
from ptlab.schemes.pt_reclaim import PtReclaim, PtReclaimUnfixed
from ptlab.schemes.pt_rwsem import PtRwsem
from ptlab.schemes.pte_refcount import PteRefcount, TryGet
from ptlab.schemes.unmap_only import UnmapOnly
from ptlab.schemes.write_scan import WriteScan

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
"""The designs of the debate. Not among them, but known by name: pt_reclaim_unfixed, a bug."""

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
