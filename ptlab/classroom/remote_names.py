"""What a student's scheme may ask of the engine, which is in another process; and how values travel.

The table OFFERED is the whole of it. Each name in it is one that a design of the debate uses too. What
is not in it does not exist for the student's process: the judge looks a name up here, never by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ptlab.classroom.wire_format import NotCarried, pack, unpack
from ptlab.schemes import empty_tables


class Offer(NamedTuple):
    """What one class of the engine offers."""

    values: frozenset[str] = frozenset()
    """Attributes that are plain data."""
    parts: frozenset[str] = frozenset()
    """Attributes that are objects of this table."""
    columns: frozenset[str] = frozenset()
    """Attributes of which elements are read."""
    calls: frozenset[str] = frozenset()
    """Methods that answer at once."""
    paths: frozenset[str] = frozenset()
    """Methods that yield steps."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OFFERED: dict[str, Offer] = {
    "Mm": Offer(
        values=_names("id pgd vmpte_kb"),
        parts=_names("machine"),
        columns=_names("counters"),
        calls=_names("unhook_pte lookup is_huge"),
    ),
    "Machine": Offer(
        values=_names("task"),
        parts=_names("mem store others geometry"),
        calls=_names("unlock downgrade call_rcu"),
        paths=_names("lock flush"),
    ),
    "MemMap": Offer(
        columns=_names("level state mm parent slot nonnone refcount visitors entries"),
        calls=_names("live hooked empty filled parent_of slots_of at"),
    ),
    "Store": Offer(calls=_names("put add")),
    "Others": Offer(calls=_names("still_hooked")),
    "Geometry": Offer(calls=_names("index span")),
    "MmuGather": Offer(
        values=_names("pages dirty"), parts=_names("mm"), calls=_names("free_tables")
    ),
    "Own": Offer(),
    "Functions": Offer(paths=_names("unhook_if_empty"), calls=_names("scanned unhook_upper")),
}
"""By the name of the class; "Own" is the scheme itself, "Functions" are those of empty_tables.py."""

PEEKS = {"MemMap": _names("nonnone entries empty filled"), "Functions": _names("scanned")}
"""Where a scheme reads at no cost what the simulator knows and a kernel does not."""

COLUMN_READS = _names(
    "get keys values items copy tolist index count sum any all min max union difference intersection"
)
"""Methods of a column that change nothing."""
COLUMN_WRITES = _names(
    "append add discard remove pop clear update setdefault extend appendleft popleft"
)
"""Methods by which a scheme may change a column of its own."""


_NUMBERS = _names("|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f4 <f8")


class Ref(NamedTuple):
    """An object of the judge's: the class it has in OFFERED, and its number."""

    kind: str
    number: int


def encode(value: Any, refer: Callable[[Any], Ref | None]) -> Any:
    """`value` as JSON-able data. `refer` gives the Ref of what travels by number; else None."""
    if isinstance(value, np.ndarray):
        return {"array": pack(value), "type": value.dtype.str}
    if isinstance(value, slice):
        return {"slice": pack([value.start, value.stop, value.step])}
    if type(value) is tuple:
        return {"tuple": [encode(part, refer) for part in value]}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"plain": pack(int(value))}
    ref = refer(value)
    return {"plain": pack(value)} if ref is None else {"ref": list(ref)}


def decode(data: Any, resolve: Callable[[Ref], Any]) -> Any:
    """What `encode` was given. ValueError: it was nothing that travels."""
    ((kind, inner), *rest) = data.items()
    if kind == "array":
        if rest[0][1] not in _NUMBERS:
            raise ValueError(f"an array of type {rest[0][1]!r}; only numbers travel"[:99])
        return np.array(unpack(inner), rest[0][1])
    if kind == "slice":
        return slice(*(None if part is None else int(part) for part in unpack(inner)))
    if kind == "tuple":
        return tuple(decode(part, resolve) for part in inner)
    if kind == "ref":
        return resolve(Ref(str(inner[0]), int(inner[1])))
    value = unpack(inner)
    if isinstance(value, NotCarried):
        raise ValueError(
            f"{value.what} is no plain data: numbers, texts, lists, tuples, dicts, sets"
        )
    return value


def offered_kind(value: Any) -> str | None:
    """The name in OFFERED for an object of the engine's."""
    if value is empty_tables:
        return "Functions"
    if isinstance(value, (bool, int, float, str, tuple, list, dict, set, np.generic, type(None))):
        return None
    names = [base.__name__ for base in type(value).__mro__]
    if "Alone" in names or hasattr(value, "still_hooked"):
        return "Others"
    return next((name for name in names if name in OFFERED), None)
