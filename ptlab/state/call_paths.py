"""Where a path is: which functions are under way, and how far each of them has come.

A long run is in few different places, so each is kept once. The generators that wait for an inner one
stand still until that has ended: from one step to the next only the innermost are looked at.
"""

from __future__ import annotations

from types import CodeType
from typing import Any, NamedTuple, TypeAlias

Place: TypeAlias = tuple[CodeType | int, ...]
"""Code and offset of the bytecode that it has come to, in turns, of each function, outermost first."""


Generator: TypeAlias = Any
"""A generator; the type that Python has for them does not tell that it can be looked into."""


class _Call(NamedTuple):
    """A function, called from one place; `stops` are the places that it has been at, by offset."""

    code: CodeType
    prefix: Place
    stops: dict[int, tuple[Place, dict[int, _Call]]]


class CallPaths:
    """Reads the places of paths off their generators, and keeps each place once."""

    def __init__(self) -> None:
        self._roots: dict[int, _Call] = {}
        self._under_way: list[tuple[Generator, _Call]] = []

    def of(self, path: Generator) -> Place:
        """The place of `path`, which has just yielded. O(calls that began or ended since)."""
        stack = self._under_way
        if not stack or stack[0][0] is not path:
            stack[:] = [(path, _called(self._roots, path, ()))]
        while stack[-1][0].gi_frame is None:  # it has ended
            stack.pop()
        running, call = stack[-1]
        while True:
            at = running.gi_frame.f_lasti
            stop = call.stops.get(at)
            if stop is None:
                stop = call.stops[at] = ((*call.prefix, call.code, at), {})
            inner = running.gi_yieldfrom
            if inner is None:
                return stop[0]
            running, call = inner, _called(stop[1], inner, stop[0])
            stack.append((running, call))


def _called(calls: dict[int, _Call], path: Generator, prefix: Place) -> _Call:
    """The call of `path` among `calls`: by its code's id, for code is slow to hash."""
    code = path.gi_code
    call = calls.get(id(code))
    if call is None:
        call = calls[id(code)] = _Call(code, prefix, {})
    return call
