"""Plain data over a pipe or through a notebook: answers as JSON, and back.

`pack` reads exact types only, so no code of the answer's runs, and what it cannot carry becomes a
NotCarried, which says what it was. Tuples, sets and dicts with any keys survive.

>>> unpack(pack({(1, 2): [3.0, None], "x": {4}}))
{(1, 2): [3.0, None], 'x': {4}}
>>> unpack(pack(object()))
NotCarried(what='something of type object')
"""

from __future__ import annotations

import types
from typing import Any, NamedTuple

import numpy as np

from ptlab.classroom.student_code import Code, NotCode, class_name, code, kind_of

VERSION = 1
"""Of this format. It goes up when an older `unpack` would misread what `pack` makes."""

DEEPEST, MOST = 12, 20_000
"""Levels of nesting, and values in all, of what is carried."""

_LONGEST_TEXT, _MOST_BITS = 60_000, 4096
_MOST_BYTES = 1 << 20
"""Of a numpy array; a broadcast one has more than it takes."""
_NUMPY = frozenset({np.ndarray, *np.sctypeDict.values()})


class NotCarried(NamedTuple):
    """What could not be carried, in words: "something of type generator"."""

    what: str


class _Full(Exception):
    pass


def pack(value: object) -> Any:
    """`value` as JSON-able data. Never raises and never runs code of the value's."""
    try:
        return _pack(value, DEEPEST, [MOST])
    except _Full:
        return {"not_carried": "something very large or deeply nested"}


def from_numpy(value: object) -> object:
    """Numpy's arrays and scalars as lists and numbers, unless they are very large; all else as it is."""
    if kind_of(value) in _NUMPY and value.nbytes <= _MOST_BYTES:  # type: ignore[attr-defined]
        return value.tolist()  # type: ignore[attr-defined]
    return value


def _pack(value: object, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        raise _Full
    value = from_numpy(value)
    kind = kind_of(value)
    if value is None or kind in (bool, float):
        return value
    if kind is int:
        bits = value.bit_length()  # type: ignore[attr-defined]
        return value if bits <= _MOST_BITS else {"not_carried": f"a number with {bits} bits"}
    if kind is str:
        longest = len(value)  # type: ignore[arg-type]
        return (
            value
            if longest <= _LONGEST_TEXT
            else {"not_carried": f"a text of {longest} characters"}
        )
    if kind is list:
        return [_pack(item, depth - 1, left) for item in value]  # type: ignore[attr-defined]
    if kind in (tuple, set, frozenset):
        name = "tuple" if kind is tuple else "set"
        return {name: [_pack(item, depth - 1, left) for item in value]}  # type: ignore[attr-defined]
    if kind is dict:
        pairs = value.items()  # type: ignore[attr-defined]
        return {"dict": [[_pack(k, depth - 1, left), _pack(v, depth - 1, left)] for k, v in pairs]}
    try:
        return {"code": list(code(value))}
    except NotCode:
        no_text = "a function that no cell defines with `def`"
        other = f"something of type {class_name(type(value))}"
        return {"not_carried": no_text if kind is types.FunctionType else other}


def unpack(data: Any) -> Any:
    """What `pack` was given. ValueError: it is more than `pack` makes."""
    return _unpack(data, DEEPEST, [MOST])


def _unpack(data: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        raise ValueError("this is larger or deeper than what `pack` makes")

    def inside(items: Any) -> list[Any]:
        return [_unpack(item, depth - 1, left) for item in items]

    if isinstance(data, list):
        return inside(data)
    if not isinstance(data, dict):
        return data
    ((kind, inner),) = data.items()
    if kind == "tuple":
        return tuple(inside(inner))
    if kind == "set":
        return set(inside(inner))
    if kind == "dict":
        return dict(map(inside, inner))
    return Code(*inner) if kind == "code" else NotCarried(str(inner))
