"""Plain data over a pipe or through a notebook: answers as JSON, and back.

`pack` reads exact types only, so no code of the answer's runs, and what it cannot carry becomes an
Unplain, which says what it was. Tuples, sets and dicts with any keys survive.

>>> unpack(pack({(1, 2): [3.0, None], "x": {4}}))
{(1, 2): [3.0, None], 'x': {4}}
>>> unpack(pack(object()))
Unplain(what='a object')
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ptlab.classroom.code import Code, NotCode, class_name, code

DEEPEST, MOST = 12, 20_000
"""Levels of nesting, and values in all, of what is carried."""

_LONGEST_TEXT, _MOST_BITS = 60_000, 4096
_NUMPY = frozenset({np.ndarray, *np.sctypeDict.values()})


class Unplain(NamedTuple):
    """What could not be carried, in words: "a generator"."""

    what: str


class _Full(Exception):
    pass


def pack(value: object) -> Any:
    """`value` as JSON-able data. Never raises and never runs code of the value's."""
    try:
        return _pack(value, DEEPEST, [MOST])
    except _Full:
        return {"unplain": "something very large or deeply nested"}


def _pack(value: object, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        raise _Full
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind in _NUMPY:
        if value.size > MOST:  # type: ignore[attr-defined]
            raise _Full
        return _pack(value.tolist(), depth, left)  # type: ignore[attr-defined]
    if kind is int:
        bits = value.bit_length()  # type: ignore[attr-defined]
        return value if bits <= _MOST_BITS else {"unplain": f"a number with {bits} bits"}
    if kind is str:
        longest = len(value)  # type: ignore[arg-type]
        return value if longest <= _LONGEST_TEXT else {"unplain": f"a text of {longest} characters"}
    if kind is list:
        return [_pack(item, depth - 1, left) for item in value]  # type: ignore[attr-defined]
    if kind is Code:
        return {"code": list(value)}  # type: ignore[call-overload]
    if kind in (tuple, set, frozenset):
        name = "tuple" if kind is tuple else "set"
        return {name: [_pack(item, depth - 1, left) for item in value]}  # type: ignore[attr-defined]
    if kind is dict:
        pairs = value.items()  # type: ignore[attr-defined]
        return {"dict": [[_pack(k, depth - 1, left), _pack(v, depth - 1, left)] for k, v in pairs]}
    try:
        return {"code": list(code(value))}
    except NotCode:
        return {"unplain": f"a {class_name(kind)}"}


def unpack(data: Any) -> Any:
    """What `pack` was given."""
    if isinstance(data, list):
        return [unpack(item) for item in data]
    if not isinstance(data, dict):
        return data
    ((kind, inner),) = data.items()
    if kind == "tuple":
        return tuple(map(unpack, inner))
    if kind == "set":
        return set(map(unpack, inner))
    if kind == "dict":
        return {unpack(key): unpack(value) for key, value in inner}
    return Code(*inner) if kind == "code" else Unplain(inner)
