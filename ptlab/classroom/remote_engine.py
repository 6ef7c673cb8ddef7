"""In the student's process: the engine as a scheme sees it. Each use of it is a message to the judge.

The student's class runs here, on stand-ins. A stand-in has no state: what it is asked, it asks the
judge; what it is told, it tells the judge. What the class remembers (self.x) is kept by the judge, too.
So nothing that happens in this process decides anything: the judge sees only what a class does.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from ptlab.base.steps import Step
from ptlab.classroom.remote_names import (
    COLUMN_READS,
    COLUMN_WRITES,
    OFFERED,
    Ref,
    decode,
    encode,
)
from ptlab.classroom.student_code import Refused
from ptlab.schemes import empty_tables
from ptlab.state.scheme import POINTS, ReclaimScheme

_ERRORS: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
}


class _Given(BaseException):
    """The judge has stopped this point; nothing more is asked."""


class _Operation:
    """What a stand-in's path yields: the judge runs the path itself."""

    def __init__(self, request: list[Any]) -> None:
        self.request = request


class Engine:
    """The connection, and the student's class."""

    def __init__(self, come: BinaryIO, go: BinaryIO) -> None:
        self.come, self.go = come, go
        self.given_up = False
        self.subject: Any = None
        self.running: dict[int, Iterator[Any]] = {}

    def say(self, message: list[Any]) -> None:
        """One line to the judge."""
        self.go.write(json.dumps(message).encode() + b"\n")
        self.go.flush()

    def hear(self) -> Any:
        """One line from the judge."""
        return json.loads(self.come.readline())

    def ask(self, *request: Any) -> Any:
        """A question to the judge, in the middle of a point."""
        if self.given_up:
            raise _Given
        self.say(["ask", *request])
        verb, *rest = self.hear()
        if verb == "error":
            raise _ERRORS[rest[0]](rest[1])
        if verb == "give up":
            self.given_up = True
            raise _Given
        return self.decode(rest[0])

    def decode(self, data: Any) -> Any:
        """A value from the judge."""
        return decode(data, lambda ref: StandIn(self, ref))

    def encode(self, value: Any) -> Any:
        """A value for the judge."""
        return encode(value, self._refer)

    def _refer(self, value: Any) -> Ref | None:
        if type(value) is StandIn:
            return object.__getattribute__(value, "_ref")  # type: ignore[no-any-return]
        return Ref("Own", 0) if value is self.subject else None

    def serve(self, cls: type, told: Callable[[BaseException], str]) -> None:
        """Do what the judge says, until it hangs up."""
        while line := self.come.readline():
            verb, *rest = json.loads(line)
            self.given_up = False
            try:
                outcome = self._new(cls) if verb == "new" else self._point(verb, *rest)
            except _Given:
                outcome = ["given up"]
            except BaseException as error:  # whatever the class raises ends here
                outcome = ["raised", told(error)[:400]]
            self.say(outcome)

    def _new(self, cls: type) -> list[Any]:
        self.given_up = True  # what old points do when they are closed concerns nobody
        self.running.clear()
        self.given_up = False
        self.subject = object.__new__(cls)  # it has to be known before __init__ asks
        type.__getattribute__(cls, "__init__")(self.subject)
        return ["return", self.encode(None)]

    def _point(self, verb: str, number: int, *rest: Any) -> list[Any]:
        value = None
        if verb == "value":
            name, args, kwargs = rest
            found = getattr(self.subject, name)(*self._all(args), **self._named(kwargs))
            return ["return", self.encode(found)]
        if verb == "point":
            name, args, kwargs = rest
            path = getattr(self.subject, name)(*self._all(args), **self._named(kwargs))
            self.running[number] = iter(path)
        else:
            value = self.decode(rest[0])
        return self._go_on(number, value)

    def _go_on(self, number: int, value: Any) -> list[Any]:
        path = self.running[number]
        try:
            step = next(path) if value is None else path.send(value)  # type: ignore[attr-defined]
        except StopIteration as end:
            del self.running[number]
            return ["return", self.encode(end.value)]
        if type(step) is _Operation:
            return step.request
        if isinstance(step, Step):
            found = getattr(step.fact, "found", 0)
            parts = [step.kind, step.fn, step.tables, step.n, step.times, found]
            return ["own step", *map(self.encode, parts)]
        return ["step", self.encode(step)]

    def _all(self, args: list[Any]) -> list[Any]:
        return [self.decode(arg) for arg in args]

    def _named(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: self.decode(arg) for name, arg in kwargs.items()}


class StandIn:
    """An object of the engine."""

    def __init__(self, engine: Engine, ref: Ref) -> None:
        object.__setattr__(self, "_engine", engine)
        object.__setattr__(self, "_ref", ref)

    def __getattr__(self, name: str) -> Any:
        engine, ref = self._engine, self._ref
        offer = OFFERED.get(ref.kind)
        if offer is None:
            raise AttributeError(f"a {ref.kind} has no {name}")
        if name in offer.columns:
            return Column(engine, ref, name)
        if name in offer.values or name in offer.parts:
            return engine.ask("get", list(ref), name)
        if name in offer.calls:
            return lambda *args, **kwargs: engine.ask(
                *_request(engine, "call", ref, name, args, kwargs)
            )
        if name in offer.paths:
            return lambda *args, **kwargs: _path(
                engine, _request(engine, "path", ref, name, args, kwargs)
            )
        offered = offer.values | offer.parts | offer.columns | offer.calls | offer.paths
        raise AttributeError(
            f"{ref.kind} has no {name} for a graded scheme; it has {', '.join(sorted(offered))}"
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is StandIn and other._ref == self._ref

    def __hash__(self) -> int:
        return hash(self._ref)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self._ref.kind}.{name}: an answer changes only itself")


def _request(
    engine: Engine, verb: str, ref: Ref, name: str, args: Any, kwargs: dict[str, Any]
) -> list[Any]:
    named = {key: engine.encode(value) for key, value in kwargs.items()}
    return [verb, list(ref), name, [engine.encode(arg) for arg in args], named]


def _path(engine: Engine, request: list[Any]) -> Iterator[Any]:
    return (yield _Operation(request))


class Column:
    """A column of the engine's, or one of the scheme's own."""

    def __init__(self, engine: Engine, ref: Ref, name: str) -> None:
        self._engine, self._at = engine, (list(ref), name)

    def _ask(self, method: str, *args: Any) -> Any:
        return self._engine.ask("column", *self._at, method, [self._engine.encode(a) for a in args])

    def __getitem__(self, where: Any) -> Any:
        return self._ask("[]", where)

    item = __getitem__

    def __setitem__(self, where: Any, value: Any) -> None:
        self._ask("[]=", where, value)

    def __contains__(self, where: Any) -> bool:
        return bool(self._ask("in", where))

    def __len__(self) -> int:
        return int(self._ask("len"))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("iter"))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.array(self._ask("iter"))

    def __getattr__(self, name: str) -> Any:
        if name not in COLUMN_READS | COLUMN_WRITES:
            raise AttributeError(f"{self._at[1]} has no {name} for a graded scheme")
        return lambda *args: self._ask(name, *args)


def declared(scheme: Any) -> list[Any]:
    """What the class says of itself, for remote_class.Declared."""
    if not (isinstance(scheme, type) and issubclass(scheme, ReclaimScheme)):
        raise Refused("a subclass of ReclaimScheme is wanted")
    kin = [base.__name__ for base in scheme.__mro__[1:] if issubclass(base, ReclaimScheme)]
    if kin != ["ReclaimScheme"]:
        raise Refused(f"it is derived from {kin[0]}; derive it from ReclaimScheme itself")
    if not isinstance(scheme.name, str):
        raise Refused('its name is not a string: write name = "my_scheme" (or any other) into it')
    points = [p for p in POINTS if getattr(scheme, p) is not getattr(ReclaimScheme, p)]
    atomically = sorted(scheme.written_atomically)
    stays, mode = scheme.stays_empty, scheme.zap_mode
    return [scheme.name, bool(scheme.counts_references), stays, atomically, mode, points]


def put_in_place(engine: Engine) -> None:
    """Schemes keep their attributes with the judge, and the engine's functions are the judge's."""
    kept: dict[str, bool] = {}

    def remember(scheme: Any, name: str, value: Any) -> None:
        columns = (dict, list, set, deque, np.ndarray)
        kept[name] = isinstance(value, columns)
        missing = engine.encode(value.default_factory()) if _has_default(value) else None
        engine.ask("keep", name, type(value).__name__, *_made_plain(engine, value), missing)

    def recall(scheme: Any, name: str) -> Any:
        if name not in kept:
            return object.__getattribute__(scheme, name)
        own = Ref("Own", 0)
        return Column(engine, own, name) if kept[name] else engine.ask("get", list(own), name)

    ReclaimScheme.__setattr__ = remember  # type: ignore[method-assign]
    ReclaimScheme.__getattribute__ = recall  # type: ignore[method-assign]
    functions = StandIn(engine, Ref("Functions", 0))
    for name in OFFERED["Functions"].calls | OFFERED["Functions"].paths:
        setattr(empty_tables, name, getattr(functions, name))


def _has_default(value: Any) -> bool:
    return isinstance(value, defaultdict) and value.default_factory is not None


def _made_plain(engine: Engine, value: Any) -> list[Any]:
    if isinstance(value, (deque, defaultdict)):
        value = list(value) if isinstance(value, deque) else dict(value)
    return [engine.encode(value)]
