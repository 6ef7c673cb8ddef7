"""The class that stands in the judge for a student's: what it declares, and points that ask Remote."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from ptlab.classroom.remote_scheme import Raised, Remote
from ptlab.schemes import ReclaimScheme
from ptlab.state.scheme import POINTS

_AT_ONCE = frozenset({"table_withdrawn", "table_emptied", "entries_changed", "check"})
"""Points that yield no steps."""


class Declared(NamedTuple):
    """What a class says of itself."""

    name: str
    counts_references: bool
    stays_empty: str
    written_atomically: tuple[str, ...]
    zap_mode: str
    points: tuple[str, ...]

    @classmethod
    def of(cls, plain: Any) -> Declared:
        """From what the student's process sent. Raised: it is not of these types."""
        try:
            name, counts, stays, atomically, mode, points = plain
            found = cls(name, counts, stays, tuple(atomically), mode, tuple(points))
        except (TypeError, ValueError):
            raise Raised("its attributes cannot be read") from None
        texts = (found.name, found.stays_empty, *found.written_atomically, *found.points)
        if any(type(text) is not str for text in texts) or found.zap_mode not in ("read", "write"):
            raise Raised("name and stays_empty are texts, zap_mode is 'read' or 'write'")
        return found


class Answered(ReclaimScheme):
    """The class that stands for a student's."""

    peeked: ClassVar[set[str] | None]
    """What of the simulator's own numbers the student's class has asked for; None: nobody saw."""


def remote_class(remote: Remote, declared: Declared) -> type[Answered]:
    """A design that does at each point what the student's process says."""
    space: dict[str, Any] = {
        "name": declared.name[:60],
        "counts_references": bool(declared.counts_references),
        "stays_empty": declared.stays_empty,
        "written_atomically": frozenset(declared.written_atomically),
        "zap_mode": declared.zap_mode,
        "peeked": remote.peeked,
        "__init__": lambda scheme: remote.begin(scheme),
    }
    for point in POINTS & set(declared.points):
        space[point] = _at_once(remote, point) if point in _AT_ONCE else _path(remote, point)
    return type("Answer", (Answered,), space)


def _at_once(remote: Remote, point: str) -> Any:
    def called(scheme: Any, *args: Any, **kwargs: Any) -> Any:
        return remote.at_once(point, args, kwargs)

    return called


def _path(remote: Remote, point: str) -> Any:
    def called(scheme: Any, *args: Any, **kwargs: Any) -> Any:
        return remote.path(point, args, kwargs)

    return called
