"""Where a path is: which functions are under way, and how far each of them has come.

A long run is in few different places, so each is kept once. The generators that wait for an inner one
stand still until that has ended: from one step to the next only the innermost are looked at.
"""

from __future__ import annotations

from types import CodeType, GeneratorType
from typing import Any, TypeAlias

Place: TypeAlias = tuple[CodeType | int, ...]
"""Code and offset of the bytecode that it has come to, in turns, of each function, outermost first."""


Generator: TypeAlias = Any
"""A generator; the type that Python has for them does not tell that it can be looked into."""


_Stops: TypeAlias = dict[int, tuple[Place, dict[int, "_Call"]]]
"""The places that a call has been at, by offset, and the calls made from each, by the id of the code."""

_Call: TypeAlias = tuple[_Stops, Place]
"""A function called from one place: where it has been, and how its places begin."""


class CallPaths:
    """Reads the places of paths off their generators, and keeps each place once."""

    def __init__(self) -> None:
        self._roots: dict[int, _Call] = {}
        self._under_way: list[tuple[Generator, _Call]] = []

    def of(self, path: Generator) -> Place:
        """The place of `path`, which has just yielded. O(calls that began or ended since).

        What yields and is no generator, such as the tuple of Machine.lock(), is no place of its own.
        """
        stack = self._under_way
        if not stack or stack[0][0] is not path:
            stack[:] = [(path, _called(self._roots, path, ()))]
        running, call = stack[-1]
        frame = running.gi_frame
        while frame is None:  # it has ended
            stack.pop()
            running, call = stack[-1]
            frame = running.gi_frame
        while True:
            stops, begins = call
            at = frame.f_lasti
            stop = stops.get(at)
            if stop is None:
                stop = stops[at] = ((*begins, at), {})
            place, calls = stop
            running = running.gi_yieldfrom
            if type(running) is not GeneratorType:
                return place
            call = calls.get(id(running.gi_code)) or _called(calls, running, place)
            stack.append((running, call))
            frame = running.gi_frame

    def forget(self) -> None:
        """Hold no generator of a path that has ended, or was broken off."""
        self._under_way.clear()


def _called(calls: dict[int, _Call], path: Generator, place: Place) -> _Call:
    """The call of `path` among `calls`, which were made from `place`."""
    code = path.gi_code
    return calls.setdefault(id(code), ({}, (*place, code)))
