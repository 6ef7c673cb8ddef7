"""What a design remembers while tasks race: read in view, written through the store, under a lock.

Each attribute of the design that can change is wrapped, so that every access to it is in the footprint
of its segment. A write past the store is refused, with the line: it could not be undone, and the
explorer would not see it.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Hashable, Iterator
from enum import Enum
from functools import cache
from types import FunctionType, MethodType
from typing import Any, Protocol

import numpy as np

from ptlab.base.errors import SchemeMistake
from ptlab.base.footprint import Access
from ptlab.race.atomicity import Atomicity
from ptlab.race.broken_rule import BrokenRule, LostUpdate, Unprotected
from ptlab.race.lock_table import OWN_STATE
from ptlab.race.whose_line import line_of
from ptlab.state.machine import SHARED, Machine

_STORE = "ptlab.base.store"
_KEEPS = (dict, list, set, deque, np.ndarray)
_PLAIN = (int, float, complex, str, bytes, tuple, frozenset, Enum, type(None), np.generic)
KEYS = "its keys"
"""Which keys a dict has."""
_CODE = (FunctionType, MethodType, type)
_READS = frozenset(
    {"get", "keys", "values", "items", "index", "count", "copy", "item", "any", "all", "sum", "min"}
    | {"max", "nonzero", "argmax", "argmin", "astype", "tolist", "shape", "dtype", "size", "ndim"}
    | {"mean", "issubset", "issuperset", "union", "intersection", "difference"}
)
"""What a dict, list, set or array can be asked without being changed."""


class Notes(Protocol):
    """The part of the sanitizer that is used here."""

    machine: Machine
    broken: list[BrokenRule]
    running: str
    now: int
    judging: bool

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`."""


class Own:
    """One attribute of a design: reads are noted, and only the store may write."""

    __slots__ = ("_book", "_name", "_raw")

    def __init__(self, book: OwnState, name: str, raw: Any) -> None:
        self._book, self._name, self._raw = book, name, raw

    def __getitem__(self, where: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") != _STORE:
            self._book.read(self._name, self._raw, where)
        return self._shown(self._raw[where])

    def __setitem__(self, where: Any, value: Any) -> None:
        if sys._getframe(1).f_globals.get("__name__") != _STORE:
            self._refuse(f"self.{self._name}[...] = ...")
        self._raw[where] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in _READS:
            self._refuse(f"self.{self._name}.{name}")
        if name == "item":
            return self._item
        if name == "get":
            return self._get
        self._whole()
        if name == "values":
            return lambda: [self._shown(one) for one in self._raw.values()]
        if name == "items":
            return lambda: [(key, self._shown(one)) for key, one in self._raw.items()]
        return getattr(self._raw, name)

    def __contains__(self, where: Any) -> bool:
        self._book.read(self._name, self._raw, where)
        return where in self._raw

    def __len__(self) -> int:
        self._whole()
        return len(self._raw)

    def __iter__(self) -> Iterator[Any]:
        self._whole()
        return iter([self._shown(one) for one in self._raw])

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._whole()
        return np.array(self._raw)

    def __eq__(self, other: object) -> Any:
        self._whole()
        return self._raw == other

    __hash__ = None  # type: ignore[assignment]

    def __delitem__(self, where: Any) -> None:
        self._refuse(f"del self.{self._name}[...]")

    def __iadd__(self, other: Any) -> Any:
        self._refuse(f"self.{self._name} += ...")

    __ior__ = __isub__ = __iand__ = __imul__ = __iadd__

    @property
    def column(self) -> Any:
        """What is wrapped."""
        return self._raw

    def grown(self, longer: Any) -> bool:
        """Whether `longer` is this column with more rows, which it is from now on."""
        have = len(self._raw) if isinstance(self._raw, np.ndarray) else 0
        if not have or not isinstance(longer, np.ndarray) or len(longer) < have:
            return False
        if np.any(longer[:have] != self._raw):
            return False
        self._raw = longer
        return True

    def _item(self, where: Any) -> Any:
        self._book.read(self._name, self._raw, where)
        return self._raw.item(where)

    def _get(self, where: Any, other: Any = None) -> Any:
        self._book.read(self._name, self._raw, where)
        return self._shown(self._raw.get(where, other))

    def _whole(self) -> None:
        self._book.read(self._name, self._raw, slice(None))

    def _shown(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.copy()
        return Own(self._book, self._name, value) if isinstance(value, _KEEPS) else value

    def _refuse(self, what: str) -> None:
        self._book.refuse(what, self._name)


class OwnState:
    """All that the design remembers: who may write it, and what has been read of it."""

    def __init__(self, notes: Notes) -> None:
        self.notes, self.scheme = notes, notes.machine.scheme
        self._version: dict[Hashable, tuple[str, int]] = {}
        """Who has written an object last, and in which step."""
        self._seen: dict[tuple[int, Hashable], tuple[str, int]] = {}
        """What the version was when a task read it."""
        self._locks: dict[Hashable, frozenset[tuple[str, Any]]] = {}
        """The locks that all writers so far have held."""
        for name, value in list(vars(self.scheme).items()):
            if isinstance(value, _KEEPS):
                setattr(self.scheme, name, Own(self, name, value))
            elif not isinstance(value, _PLAIN + _CODE):
                raise SchemeMistake(
                    f"{type(self.scheme).__name__}: self.{name} is a {type(value).__name__}, whose "
                    "changes nobody sees. What a design remembers is a dict, a list or a numpy array "
                    f"that is written with mm.machine.store.put(self, {name!r}, where, value)"
                )
        self.atomicity = Atomicity(notes)
        self._guard()

    def _guard(self) -> None:
        """From now on `self.x = ...` in the design is refused."""
        vars(self.scheme)["_book"] = self
        self.scheme.__class__ = _guarded(self.scheme.__class__)

    def refuse(self, what: str, name: str) -> None:
        """A write past the store."""
        where = line_of(self.scheme).strip(" ()") or type(self.scheme).__name__
        raise SchemeMistake(
            f"{where}: {what} writes past the store, so that no schedule sees it and nothing takes it "
            f"back. Let self.{name} be a dict, a list or a numpy array, made in __init__, and write "
            f"mm.machine.store.put(self, {name!r}, where, value)"
        )

    def read(self, name: str, raw: Any, where: Any) -> None:
        """A task reads an element, or all of them; who judges is no task."""
        if self.notes.judging:
            return
        for key in _keys(name, raw, where):
            self.notes.note(key, Access.READ)
            self._seen[self.notes.machine.task, key] = self._version.get(key, ("", 0))
            if not _several(where) and key[2] != KEYS:
                self.atomicity.used(key, write=False)

    def written(self, name: str, where: Any, atomically: bool) -> None:
        """A task writes through the store: with one atomic operation, or plainly."""
        own = vars(self.scheme).get(name)
        if isinstance(own, Own):
            raw = own.column
        else:
            raise SchemeMistake(
                f"{type(self.scheme).__name__}: store.put(self, {name!r}, ...) writes into "
                f"self.{name}, which is {own!r}: it must be a dict, a list or a numpy array"
            )
        plainly = not atomically and name not in self.scheme.written_atomically
        for key in _keys(name, raw, where):
            if plainly:
                self._look(name, key)
            self.notes.note(key, Access.READ | Access.WRITE)
            self._version[key] = self.notes.running, self.notes.now
            self._seen.pop((self.notes.machine.task, key), None)
            if not _several(where) and key[2] != KEYS:
                self.atomicity.used(key, write=True)

    def _look(self, name: str, key: Any) -> None:
        """Is a lock held, the same as other writers hold, and is what was read still true?"""
        task, where = self.notes.running, line_of(self.scheme)
        seen = self._seen.get((self.notes.machine.task, key))
        if seen is None:
            return  # it has not asked what is there: one store, and nothing is worked out from it
        last = self._version.get(key, ("", 0))
        if seen != last and last[0] != task:
            ago = self.notes.now - last[1]
            self.notes.broken.append(LostUpdate(task, f"self.{name}", last[0], ago, where))
            return
        held = self.notes.machine.held[self.notes.machine.task]
        locks = frozenset((k.name, k.of) for k in held if k.mode not in SHARED)
        common = self._locks.get(key, locks) & locks
        if not common:
            missing = "the lock of its other writers" if locks else "a lock"
            why = f"{OWN_STATE.written} needs {OWN_STATE.needs}, or {OWN_STATE.instead}"
            does = f"reads self.{name} and writes it"
            self.notes.broken.append(Unprotected(task, does, missing, why, where))
        self._locks[key] = common


def _several(where: Any) -> bool:
    """Whether `where` is more than one element."""
    return isinstance(where, (slice, np.ndarray, list))


def _keys(name: str, raw: Any, where: Any) -> list[tuple[str, str, Any]]:
    """The objects that `where` of an attribute is: elements, and the set of its keys."""
    if _several(where):
        rows = list(raw) if isinstance(raw, (dict, set)) else list(range(len(raw)))
        if isinstance(raw, np.ndarray) and isinstance(where, np.ndarray):
            rows = np.arange(len(raw), dtype=np.int64)[where].ravel().tolist()
        return [*(("own", name, row) for row in rows), ("own", name, KEYS)]
    plain = int(where) if isinstance(where, np.integer) else where
    one = [("own", name, plain)]
    if isinstance(raw, dict) and plain not in raw:
        one.append(("own", name, KEYS))
    return one


@cache
def _guarded(cls: Hashable) -> Any:
    """A class like `cls` that hands each `self.x = ...` to the book of its object."""

    def refuse(scheme: Any, name: str, value: Any) -> None:
        own = vars(scheme).get(name)
        if not (isinstance(own, Own) and own.grown(value)):
            vars(scheme)["_book"].refuse(f"self.{name} = ...", name)

    assert isinstance(cls, type)
    space = {"__setattr__": refuse, "__module__": cls.__module__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), space)
