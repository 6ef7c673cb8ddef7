"""The calls of a process as data: they are noted as they are made, and can be made again from text.

    0 mmap length=4194304
    as the first loop
     0 touch where=0x7ffff7a00000 length=8192
     0 madvise where=0x7ffff7a00000 advice=DONTNEED length=8192
    0 fork
    1 munmap where=0x7ffff7a00000+4194304

A line is one call: the number of the process (0 is the first, a child has the next one), the method,
and what it was given. Lines with a blank before them belong to the operation that is named above.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial, wraps
from inspect import Signature, signature
from itertools import groupby
from operator import attrgetter
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from ptlab.base.errors import KernelError, NotModelled
from ptlab.process.arguments import Region
from ptlab.state.journal import Journal, Operation
from ptlab.state.page_cache import File

P = ParamSpec("P")
R = TypeVar("R")

FORMS: dict[str, Signature] = {}
"""The methods that are noted, and what each takes."""


class Noted(NamedTuple):
    """A call that was made: by which process, of which method, with what, and what it returned.

    operation  the journal's operation that it was, or that came before it
    inside     that operation was opened by somebody else, for several calls
    """

    who: object
    name: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    result: object
    operation: Operation | None
    inside: bool


def noted(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """The same method, which notes each call; one that Linux refuses too."""
    form, name = signature(method), method.__name__
    FORMS[name] = form.replace(parameters=list(form.parameters.values())[1:])

    @wraps(method)
    def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        journal: Journal | None = self.journal
        if journal is None:
            return method(self, *args, **kwargs)
        made = partial(Noted, self, name, args, kwargs, inside=journal.under_way)
        try:
            result = method(self, *args, **kwargs)
        except KernelError:
            self.noted.append(made(None, journal.last))
            raise
        self.noted.append(made(result, journal.last))
        return result

    return call


def written(process: Any) -> str:
    """The calls of a process and its family that are still in its journal, as text for asked()."""
    there = {id(operation) for operation in process.journal.operations}
    lines: list[str] = []
    processes: dict[int, int] = {}
    opened: Operation | None = None
    for call in process.noted:
        if call.operation is not None and id(call.operation) not in there:
            continue  # time went back, and something else was done
        if call.inside and call.operation is not None and call.operation is not opened:
            lines.append(f"as {call.operation.text}")
        opened = call.operation if call.inside else None
        who = processes.setdefault(id(call.who), len(processes))
        if isinstance(call.result, type(call.who)):
            processes[id(call.result)] = len(processes)
        arguments = FORMS[call.name].bind(*call.args, **call.kwargs).arguments
        given = (f"{name}={_word(value)}" for name, value in arguments.items())
        lines.append(" ".join([f"{' ' * call.inside}{who}", call.name, *given]))
    return "\n".join(lines)


def _word(value: object) -> str:
    """A value that a call was given, in one word."""
    if isinstance(value, File):
        return f"file:{value.number}"
    if value is None or isinstance(value, bool | str):
        return str(value)
    if isinstance(value, Sequence):
        return ",".join(f"{_word(int(start))}+{_word(int(length))}" for start, length in value)
    if isinstance(value, Region):
        return f"{int(value):#x}+{value.length}"
    number = int(value)  # type: ignore[call-overload]
    return f"{number:#x}" if abs(number) >= 1 << 32 else str(number)


class Asked(NamedTuple):
    """A call that a text asks for, in its `line`.

    operation  the line that opens the operation that it belongs to, and its name; (0, "") if none does
    """

    line: int
    who: int
    name: str
    given: dict[str, Any]
    operation: tuple[int, str]


_NUMBER = "-?(?:0x[0-9a-f]{1,16}|[0-9]{1,20})"
_RANGE = re.compile(rf"({_NUMBER})\+({_NUMBER})")
_CONSTANTS: dict[str, object] = {"None": None, "True": True, "False": False}


class _File(int):
    """Stands for the file with this number."""


def asked(text: str) -> list[Asked]:
    """The calls that `text` asks for. ValueError at the first line that asks for none."""
    found: list[Asked] = []
    operation = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("as "):
            operation = number, line[3:]
            continue
        if not line.startswith(" "):
            operation = 0, ""
        who, name, *given = line.split() if len(line.split()) > 1 else ("", "")
        if not re.fullmatch("[0-9]{1,4}", who) or name not in FORMS:
            raise ValueError(f"calls, line {number}: {line[:60]!r} is no call of a Process")
        values = dict(_value(number, name, word) for word in given)
        found.append(Asked(number, int(who), name, values, operation))
    return found


def _value(line: int, method: str, word: str) -> tuple[str, Any]:
    """The name and the value of 'length=4096'."""
    name, _, text = word.partition("=")
    if name not in FORMS[method].parameters:
        raise ValueError(f"calls, line {line}: {method}() takes {FORMS[method]}, not {word[:40]!r}")
    if text in _CONSTANTS:
        return name, _CONSTANTS[text]
    if re.fullmatch(_NUMBER, text):
        return name, _whole(text)
    if re.fullmatch("file:[0-9]{1,4}", text):
        return name, _File(text.removeprefix("file:"))
    found = [_RANGE.fullmatch(part) for part in text.split(",")]
    ranges = [Region(_whole(one[1]), _whole(one[2])) for one in found if one]
    if len(ranges) < len(found):
        return name, text
    return name, [(one, one.length) for one in ranges] if name == "ranges" else ranges[0]


def _whole(text: str) -> int:
    return int(text, 16 if "x" in text else 10)


def again(first: Any, calls: Sequence[Asked]) -> None:
    """Make these calls, of the process `first` and its children. ValueError if one makes no sense.

    What Linux refuses is refused again, and the next call follows.
    """
    processes = [first]
    for (opened, text), group in groupby(calls, attrgetter("operation")):
        for alone in [list(group)] if opened else [[one] for one in group]:
            at = alone[0]
            try:
                with processes[at.who].operation(text) if opened else nullcontext():
                    for at in alone:
                        _make(processes, at)
            except (ValueError, TypeError, IndexError, NotModelled) as error:
                raise ValueError(f"calls, line {at.line}: {at.name}: {error}") from error


def _make(processes: list[Any], call: Asked) -> None:
    """Make one call; a child is added to `processes`."""
    if call.who >= len(processes):
        raise ValueError(f"there is no such process: {call.who}")
    process = processes[call.who]
    files = process.machine.files
    given = {
        name: files[one] if isinstance(one, _File) else one for name, one in call.given.items()
    }
    try:
        made = getattr(process, call.name)(**given)
    except KernelError:
        return
    if isinstance(made, type(process)):
        processes.append(made)
