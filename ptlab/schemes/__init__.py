"""The reclaim schemes by name. A learner's own is a subclass of ReclaimScheme, given as a class."""

from __future__ import annotations

import difflib

from ptlab.schemes.base import NOTHING, ReclaimScheme
from ptlab.schemes.pt_reclaim import PtReclaim
from ptlab.schemes.pte_refcount import PteRefcount, TryGet
from ptlab.schemes.unmap_only import UnmapOnly

SCHEMES: dict[str, type[ReclaimScheme]] = {
    scheme.name: scheme for scheme in (UnmapOnly, PteRefcount, PtReclaim)
}

__all__ = ["NOTHING", "SCHEMES", "PtReclaim", "PteRefcount", "ReclaimScheme", "TryGet", "UnmapOnly"]


def scheme_class(scheme: str | type[ReclaimScheme]) -> type[ReclaimScheme]:
    """The class for a name, or the class itself; ValueError names the schemes there are."""
    if isinstance(scheme, type) and issubclass(scheme, ReclaimScheme):
        return scheme
    if isinstance(scheme, str) and scheme in SCHEMES:
        return SCHEMES[scheme]
    close = difflib.get_close_matches(str(scheme), SCHEMES, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    names = ", ".join(SCHEMES)
    raise ValueError(
        f"unknown scheme {scheme!r}{hint}: one of {names}, or a ReclaimScheme subclass"
    )
