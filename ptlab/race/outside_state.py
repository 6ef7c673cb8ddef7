"""What the code of a design can reach and change besides `self`: its class, its module, its closures.

All schedules share such state, and no footprint has it in it, so the explorer would leave orders out
in which a change is lost. It must not change while tasks race. After each segment it is compared.
"""

from __future__ import annotations

import dis
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from itertools import count
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from ptlab.base.errors import SchemeMistake
from ptlab.state.scheme import ReclaimScheme

_OURS = ("ptlab.", "numpy")
_DEPTH = 4
"""So deep into containers and objects is looked."""


class Held(NamedTuple):
    """Something that the code finds under `name`: where it is, and how it is read now."""

    where: str
    name: str
    value: Callable[[], Any]


class OutsideState:
    """What a design may not change: compared after each segment of a race."""

    def __init__(self, scheme: ReclaimScheme, owners: tuple[Any, ...]) -> None:
        self.scheme = scheme
        self._classes = {
            cls: _class_state(cls)
            for cls in type(scheme).__mro__
            if issubclass(cls, ReclaimScheme) and not cls.__module__.startswith(_OURS)
        }
        self._functions = list(_functions(type(scheme)))
        self._held = [(held, freeze(held.value())) for held in _reached(self._functions)]
        self._owners = [(owner, set(vars(owner))) for owner in owners]

    def look(self) -> None:
        """SchemeMistake if something has changed since the race began."""
        for cls, was in self._classes.items():
            now = _class_state(cls)
            if now != was:
                name = next(n for n in now if n not in was or now[n] != was[n])
                self._refuse(f"{cls.__name__}.{name}", "It belongs to the class", name)
        for held, frozen in self._held:
            if freeze(held.value()) != frozen:
                what = f"{held.where} {held.name}"
                self._refuse(what, "It is not the design's own", held.name)
        for owner, names in self._owners:
            if len(vars(owner)) != len(names):
                (new, *_) = set(vars(owner)) - names
                kind = type(owner).__name__
                self._refuse(f"the {kind}'s {new}", f"A {kind} has no such field", new)

    def _refuse(self, what: str, why: str, name: str) -> None:
        line = _line_with(self._functions, name)
        raise SchemeMistake(
            f"{line}{what} has changed. {why}, so that one schedule leaves it to the next, and no "
            f"schedule shows a lost update. Make it in __init__: self.{name} = ..., and write it with "
            f"mm.machine.store.put(self, {name!r}, where, value)"
        )


def _class_state(cls: type) -> dict[str, Hashable]:
    """What a class holds itself and can change."""
    held = (dict, list, set, deque, np.ndarray, int, float)
    return {name: freeze(value) for name, value in vars(cls).items() if isinstance(value, held)}


def _functions(cls: type) -> Iterator[FunctionType]:
    """The methods of a design's own classes."""
    for base in cls.__mro__:
        if not str(base.__module__).startswith(_OURS):
            yield from (one for one in vars(base).values() if isinstance(one, FunctionType))


def _reached(functions: list[FunctionType]) -> Iterator[Held]:
    """What functions find in their modules, closures and defaults; functions found there are added."""
    seen: set[int] = set()
    for function in functions:  # it grows
        if id(function) in seen or str(function.__module__).startswith(_OURS):
            continue
        seen.add(id(function))
        for held in _held(function):
            value = held.value()
            if isinstance(value, FunctionType):
                functions.append(value)
            elif not isinstance(value, type):
                yield held


def _held(function: FunctionType) -> Iterator[Held]:
    code, space = function.__code__, function.__globals__
    for name in _names(code):
        if name in space:
            yield Held("the module's", name, partial(space.get, name))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__":
            read = partial(getattr, cell, "cell_contents", None)
            yield Held("the enclosing function's", name, read)
    arguments, defaults = code.co_varnames[: code.co_argcount], function.__defaults__ or ()
    for name, value in zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True):
        yield Held("the default of", name, partial(_same, value))
    yield Held("an attribute of", code.co_name, partial(_attributes, function))


def _attributes(function: FunctionType) -> dict[str, Any]:
    return dict(vars(function))


def _same(value: Any) -> Any:
    return value


def _line_with(functions: list[FunctionType], name: str) -> str:
    """'Counts.zapped, line 12: ', the last place that writes `name`, or uses it; '' for none."""
    found: dict[bool, str] = {}
    for function in functions:
        for instruction in dis.get_instructions(function.__code__):
            if instruction.argval == name and instruction.positions:
                line = instruction.positions.lineno
                called = ".".join(function.__qualname__.split(".")[-2:])
                found[instruction.opname.startswith("STORE")] = f"{called}, line {line}: "
    return found.get(True) or found.get(False, "")


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def freeze(value: Any, depth: int = _DEPTH) -> Hashable:
    """Something that is equal to the same of another moment exactly if nothing has changed."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if not depth:
        return id(value)
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return tuple((freeze(key), freeze(one, depth - 1)) for key, one in value.items())
    if isinstance(value, (list, tuple, deque)):
        return tuple(freeze(one, depth - 1) for one in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(freeze(one, depth - 1) for one in value)
    if isinstance(value, count):
        return repr(value)
    mine = not isinstance(value, type) and not type(value).__module__.startswith(
        (*_OURS, "builtins")
    )
    if mine and hasattr(value, "__dict__"):
        return id(value), freeze(vars(value), depth - 1)
    return id(value)
