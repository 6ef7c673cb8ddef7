"""In the judge: a scheme whose points are decided in the student's process. No line of it runs here.

The class that `remote_class` (remote_class.py) makes is an ordinary design for the engine. At each
point that the student's class overrides, Remote tells the student's process what the engine has called,
and does what comes back: operations of the table in remote_names.py, one by one, on the judge's own
engine. All state is here: what comes from there is plain data, bounded in size and number.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ptlab.base.errors import SchemeMistake
from ptlab.base.facts import Scan
from ptlab.base.steps import Kind, Step
from ptlab.classroom.remote_columns import MOST_KEPT, made, used
from ptlab.classroom.remote_names import (
    OFFERED,
    PEEKS,
    Ref,
    decode,
    encode,
    offered_kind,
)
from ptlab.schemes import empty_tables
from ptlab.state.scheme import POINTS, ReclaimScheme

MESSAGES = 400_000
"""Most lines that a student's process may send; the right answers need a tenth."""
BYTES = 1 << 26
"""Most that it may send in all; the right answers need a twentieth."""

_MOST_SCANNED = 1 << 31
"""Entries in one step."""

_ORDINARY = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""Errors of a call that the class is told, with its own line."""

_OF_THE_CLASS = POINTS | set(vars(ReclaimScheme)) | set(ReclaimScheme.__annotations__)
"""What a class says of itself it says once, before it is judged."""

_KEPT = frozenset({"refcount", "visitors"})
"""Columns of mem_map that are a design's to write."""


class Raised(Exception):
    """The student's class raised; the message is for the student."""


class Line(Protocol):
    """A connection to the student's process, line by line."""

    def send(self, line: bytes) -> None:
        """Send one line."""

    def receive(self) -> bytes:
        """The next line; an exception where there is none."""


class Remote:
    """The judge's end of the connection."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._left, self._room = MESSAGES, BYTES
        self.scheme: Any = None
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._points = 0
        self._owed: Step | None = None  # made, and not yielded yet
        self.peeked: set[str] = set()  # of PEEKS, what has been asked

    def begin(self, scheme: Any) -> None:
        """A new machine has a new scheme; the one before it is not called again."""
        self.scheme = scheme
        self._objects.clear()
        self._numbers.clear()
        self._exchange(["new"])

    def at_once(self, point: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """A point that yields no steps."""
        with _told():
            found = self._value(self._exchange(["value", 0, point, *self._packed(args, kwargs)]))
            self._settled()
        if point != "check":
            return None
        if type(found) is not list or any(type(words) is not str for words in found):
            raise Raised("its check() returns a list of texts, one for each thing that is broken")
        return found

    def path(self, point: str, args: Any, kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        """A point that yields steps."""
        with _told():
            return (yield from self._steps(point, args, kwargs))

    def _steps(self, point: str, args: Any, kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        self._points += 1
        number = self._points
        outcome = self._exchange(["point", number, point, *self._packed(args, kwargs)])
        while outcome[0] != "return":
            result = None
            if outcome[0] == "path":
                self._settled()
                _, ref, name, *given = outcome
                args, kwargs = self._given(*given)
                result = yield from self._offered(ref, name, "paths")(*args, **kwargs)
            else:
                yield self._step(outcome)
            outcome = self._exchange(["resume", number, self._encode(result)])
        self._settled()
        return self._value(outcome)

    def _packed(self, args: Any, kwargs: dict[str, Any]) -> list[Any]:
        named = {name: self._encode(value) for name, value in kwargs.items()}
        return [[self._encode(arg) for arg in args], named]

    def _exchange(self, message: list[Any]) -> list[Any]:
        """Send a message, answer what is asked meanwhile, and return what came of it."""
        self._send(message)
        stop: BaseException | None = None
        while (heard := self._hear())[0] == "ask":
            try:
                reply = ["give up"] if stop else ["value", self._encode(self._answer(*heard[1:]))]
            except _ORDINARY as error:
                text = str(error.args[0]) if error.args else ""
                reply = ["error", _plain_name(error), text[:300]]
            except Exception as error:  # the engine's verdict, which is not the class's to catch
                stop, reply = error, ["give up"]
            self._send(reply)
        if stop:
            raise stop
        if heard[0] == "raised":
            raise Raised(str(heard[1])[:400])
        return heard

    def _answer(self, verb: str, *rest: Any) -> Any:
        if verb == "keep":
            return self._keep(*rest)
        ref, name, *more = rest
        self.peeked |= PEEKS.get(ref[0], frozenset()) & {name}
        if verb == "get":
            if ref == ["Own", 0]:
                return vars(self.scheme)[name]
            return self._offered(ref, name, "values", "parts")
        if verb == "column":
            return self._column(ref, name, *more)
        args, kwargs = self._given(*more)
        if ref[0] == "Store":
            self._may_write(*args[:2])
        found = self._offered(ref, name, "calls")(*args, **kwargs)
        if type(found) is Step:
            self._settled()
            self._owed = found
        return found

    def _settled(self) -> None:
        """No other CPU could come between two steps of which the first is not yielded."""
        owed, self._owed = self._owed, None
        if owed is not None:
            raise Raised(
                f"it made a step and did not yield it ({owed.kind} in {owed.fn}): `yield` stands before "
                "each call that makes one"
            )

    def _column(self, ref: list[Any], name: str, method: str, args: list[Any]) -> Any:
        own = ref == ["Own", 0]
        column = vars(self.scheme)[name] if own else self._offered(ref, name, "columns")
        return used(column, own, name, method, [self._decode(arg) for arg in args])

    def _may_write(self, owner: Any, name: str) -> None:
        own = owner is self.scheme and name in vars(self.scheme)
        if not own and not (type(owner).__name__ == "MemMap" and name in _KEPT):
            raise SchemeMistake(
                f"the store writes what a design made in __init__, and {name} is not"
            )

    def _keep(self, name: str, kind: str, value: Any, missing: Any) -> None:
        """self.NAME = value, in the student's class."""
        default = [] if missing is None else [self._decode(missing)]
        found = made(name, kind, self._decode(value), default)
        if name.startswith("__") or name in _OF_THE_CLASS:
            raise AttributeError(f"self.{name} is not for a scheme to set")
        setattr(self.scheme, name, found)
        if len(vars(self.scheme)) > MOST_KEPT:
            raise SchemeMistake(f"it remembers more than {MOST_KEPT} things")

    def _step(self, outcome: list[Any]) -> Step:
        if outcome[0] == "step":
            step = self._decode(outcome[1])
            if type(step) is not Step:
                raise Raised(
                    "it yields something that is no step. Is there a `yield from` missing?"
                )
            if step is not self._owed:
                raise Raised(f"it yields a step twice ({step.kind} in {step.fn})")
            self._owed = None
            return step
        kind, fn, tables, n, times, found = map(self._decode, outcome[1:])
        counts = (n, times, found)
        if kind != Kind.SCAN or any(
            type(k) is not int or not 0 <= k < _MOST_SCANNED for k in counts
        ):
            raise SchemeMistake(
                "a step of its own can only be a scan; all others come with what they do"
            )
        return Step(Kind.SCAN, str(fn)[:40], tables, n, times, Scan(found))

    def _offered(self, ref: list[Any], name: str, *ways: str) -> Any:
        target = self._resolve(Ref(str(ref[0]), int(ref[1])))
        offer = OFFERED[offered_kind(target) or ""]
        if not any(name in getattr(offer, way) for way in ways):
            raise AttributeError(f"{ref[0]} has no {name} for a graded scheme")
        return getattr(target, name)

    def _given(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        return [self._decode(arg) for arg in args], {k: self._decode(v) for k, v in kwargs.items()}

    def _value(self, outcome: list[Any]) -> Any:
        return self._decode(outcome[1])

    def _encode(self, value: Any) -> Any:
        return encode(value, self._refer)

    def _decode(self, data: Any) -> Any:
        return decode(data, self._resolve)

    def _refer(self, value: Any) -> Ref | None:
        kind = offered_kind(value)
        if kind is None and type(value) is not Step:
            return None
        number = self._numbers.setdefault(id(value), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)
        return Ref(kind or "Step", number)

    def _resolve(self, ref: Ref) -> Any:
        if ref == ("Own", 0):
            return self.scheme
        found = empty_tables if ref.kind == "Functions" else self._objects[ref.number]
        if ref.kind != (offered_kind(found) or "Step"):  # what may be done depends on it
            raise SchemeMistake(f"object {ref.number} is no {ref.kind}"[:99])
        return found

    def _send(self, message: list[Any]) -> None:
        self.line.send(json.dumps(message).encode() + b"\n")

    def _hear(self) -> list[Any]:
        self._left -= 1
        if self._left < 0:
            raise Raised(f"it asks and does more than {MESSAGES} things. Is there an endless loop?")
        try:
            line = self.line.receive()
            self._room -= len(line)
            heard = json.loads(line) if self._room > 0 else None
        except (ValueError, RecursionError):
            heard = None
        if not isinstance(heard, list) or not heard:
            raise Raised("its process did not answer as it should")
        return heard


@contextmanager
def _told() -> Iterator[None]:
    """What the student's process sent was nothing that can be done: its error is the class's."""
    try:
        yield
    except _ORDINARY as error:
        why = f"what it asks for cannot be done: {_plain_name(error)}: {error}"
        raise Raised(why[:400]) from None


def _plain_name(error: Exception) -> str:
    return next(kind.__name__ for kind in _ORDINARY if isinstance(error, kind))
