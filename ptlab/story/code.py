"""The code that runs at each step of a story: every function once, and where each step is in it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from textwrap import dedent
from types import CodeType

from ptlab.base.kernel_files import origin
from ptlab.state.journal import Call
from ptlab.widgets import payload

_PTLAB = Path(__file__).parents[1]


class Code:
    """Numbers the functions of one or several stories, and the call paths through them.

    functions  what the payload says of each function
    calls      each call path once: (function, line of it) from the outermost to the innermost
    """

    def __init__(self) -> None:
        self.functions: list[payload.Function] = []
        self.calls: list[list[tuple[int, int]]] = [[]]
        self._function: dict[CodeType, int] = {}
        self._path: dict[tuple[Call, ...], int] = {(): 0}
        self._known: dict[int, tuple[Sequence[Call], int]] = {}

    def path(self, calls: Sequence[Call]) -> int:
        """The index of a call path in `calls`; it is entered when it is new."""
        if id(calls) not in self._known:  # code is slow to hash, and a journal gives a path once
            self._known[id(calls)] = calls, self._entered(calls)
        return self._known[id(calls)][1]

    def _entered(self, calls: Sequence[Call]) -> int:
        key = tuple(call for call in calls if not _is_in(call, "process"))
        # Every path takes locks: the one that asks for it is worth reading, not Machine.lock().
        while len(key) > 1 and not key[-1].of_the_kernel and _is_in(key[-1], "state"):
            key = key[:-1]
        if key not in self._path:
            self._path[key] = len(self.calls)
            self.calls.append([self._place(call) for call in key])
        return self._path[key]

    def _place(self, call: Call) -> tuple[int, int]:
        if call.code not in self._function:
            self._function[call.code] = len(self.functions)
            self.functions.append(_function(call.code, call.of_the_kernel))
        return self._function[call.code], call.line - call.code.co_firstlineno


def _is_in(call: Call, folder: str) -> bool:
    return call.code.co_filename.startswith(f"{_PTLAB / folder}{os.sep}")


@lru_cache(maxsize=4096)  # to find the end of a function takes long, and a race asks at every step
def _function(code: CodeType, of_the_kernel: bool) -> payload.Function:
    file = Path(code.co_filename)
    try:
        source = dedent("".join(inspect.getsourcelines(code)[0])).splitlines()
    except OSError:  # it was typed where nothing keeps it
        source = []
    ours = f"ptlab/{file.relative_to(_PTLAB).as_posix()}" if file.is_relative_to(_PTLAB) else ""
    follows = origin(code.co_name, ours) if ours else None
    return {
        "name": code.co_name,
        "title": code.co_qualname,
        "kernel": of_the_kernel,
        "file": ours,
        "first": code.co_firstlineno,
        "lines": source,
        "origin": follows._asdict() if follows else None,  # type: ignore[typeddict-item]
    }
