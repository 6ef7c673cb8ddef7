"""A story at a moment as one string that another reader's ptlab opens: a program and some numbers.

    ptlab:story?scheme=pte_refcount&kernel=6.1&step=41&table=3&entry=0&text=mmap+s0+2M%0Atouch+w+s0+4K

It is data only: a program in the scenario language, or the calls of a Process (process/calls.py), which
can do nothing but move the simulator; names of what ptlab carries; and whole numbers. Its length is
limited, and what the program may build.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ptlab.base.kernel_versions import PROFILES
from ptlab.process.calls import Asked, again, asked
from ptlab.process.process import Process
from ptlab.scenario import Scenario, parse
from ptlab.scenario.operations.files import MakeFile
from ptlab.scenario.operations.processes import Fork, ForkInBackground
from ptlab.schemes import SCHEMES
from ptlab.state.machine import GRAINS

_BEGIN = "ptlab:story?"
LONGEST_LINK = 12_000
"""Characters."""
MOST_TABLES = 20_000
"""Tables that the program of a link may build, in all processes."""
MOST_CALLS = 20_000
MOST_FORKS = 50
MOST_FILLED = 4 << 30
"""Bytes of files that are in the page cache from the beginning."""
_WHOLE = {"step": 0, "table": -1, "entry": 0}
_PROGRAM = {"text", "calls"}
_FIELDS = {"title", "scheme", "kernel", "levels", "grain", "swap", *_PROGRAM, *_WHOLE}


class Told(NamedTuple):
    """What a link holds: a program, how it is played, and a moment of its story.

    program  a scenario, or the calls of a Process as text
    """

    program: Scenario | str
    scheme: str
    kernel: str | None
    levels: int
    grain: str
    swap: bool
    title: str
    step: int
    table: int | None
    entry: int


def write_link(told: Told) -> str:
    """`told` as a string for read_link(). ValueError if it would be too long."""
    fields = told._asdict()
    program, swap = fields.pop("program"), fields.pop("swap")
    if isinstance(program, str):
        fields["calls"] = program
    else:
        fields["text"] = "\n".join(op.text for op in program.ops)
    if swap:
        fields["swap"] = 1
    if told.table is None:
        del fields["table"], fields["entry"]
    made = _BEGIN + urlencode(fields)
    if len(made) > LONGEST_LINK:
        raise ValueError(f"the link would have {len(made)} characters, more than {LONGEST_LINK}")
    return made


def read_link(text: str) -> Told:
    """What a link holds, checked. ValueError if it is no link, or may build too much."""
    fields = _fields(text)
    numbers = {name: _whole(name, fields.get(name, str(value))) for name, value in _WHOLE.items()}
    program: Scenario | str
    if "calls" in fields:
        program, title = fields["calls"], ""
        _bound_calls(asked(program))
    else:
        (program,) = parse(fields["text"], "the link")[:1]
        title = program.description
        _bound(program)
    return Told(
        program,
        _one_of("scheme", fields.get("scheme", "pt_reclaim"), SCHEMES),
        _one_of("kernel", fields["kernel"], PROFILES) if "kernel" in fields else None,
        int(_one_of("levels", fields.get("levels", "4"), ("4", "5"))),
        _one_of("grain", fields.get("grain", "entry"), GRAINS),
        _one_of("swap", fields.get("swap", "0"), ("0", "1")) == "1",
        fields.get("title", title),
        numbers["step"],
        None if numbers["table"] < 0 else numbers["table"],
        numbers["entry"],
    )


def call_again(told: Told, longest: int) -> Process:
    """The process after the calls that a link holds, which take at most `longest` steps."""
    process = Process(told.scheme, told.kernel, told.levels, told.grain, swap=told.swap)
    assert process.journal is not None
    process.journal.most, process.machine.mem.most = longest, MOST_TABLES
    again(process, asked(str(told.program)))
    return process


def _bound(program: Scenario) -> None:
    """ValueError if it could run for long without building tables or taking steps."""
    rounds = [op.repeats() for op in program.ops]
    _at_most("calls", sum((each.stop - each.start) // each.step for each in rounds), MOST_CALLS)
    forks = sum(isinstance(op, Fork | ForkInBackground) for op in program.ops)
    _at_most("lines with a fork", forks, MOST_FORKS)
    files = [op.size for op in program.ops if isinstance(op, MakeFile) and op.filled]
    _at_most("bytes in files", sum(files), MOST_FILLED)


def _bound_calls(calls: list[Asked]) -> None:
    sizes = (call.given.get("size", 0) for call in calls if call.given.get("filled"))
    _at_most("bytes in files", sum(size for size in sizes if isinstance(size, int)), MOST_FILLED)


def _at_most(what: str, number: int, most: int) -> None:
    if number > most:
        raise ValueError(f"the link: its program has {number} {what}, over {most}")


def _fields(text: str) -> dict[str, str]:
    if not isinstance(text, str):
        raise TypeError(f"open_link takes the string that story.link() gave, not {text!r}")
    text = text.strip()
    if len(text) > LONGEST_LINK:
        raise ValueError(f"the link has {len(text)} characters, more than {LONGEST_LINK}")
    if not text.startswith(_BEGIN):
        raise ValueError(f"this is no link to a story: such a link begins with {_BEGIN!r}")
    pairs = parse_qsl(text.removeprefix(_BEGIN), max_num_fields=len(_FIELDS), errors="strict")
    fields = dict(pairs)
    unknown = fields.keys() - _FIELDS
    if unknown or len(fields) < len(pairs) or len(fields.keys() & _PROGRAM) != 1:
        raise ValueError(
            f"the link has the fields {sorted(name for name, _ in pairs)}: it needs text or calls, "
            f"and of {sorted(_FIELDS)} each at most once"
        )
    return fields


def _whole(name: str, text: str) -> int:
    if text == "-1" or (text.isascii() and text.isdigit() and len(text) < 10):
        return int(text)
    raise ValueError(f"the link: {name} is {text[:20]!r}, and has to be a whole number")


def _one_of(name: str, text: str, known: object) -> str:
    names = [str(one) for one in known]  # type: ignore[attr-defined]
    if text in names:
        return text
    raise ValueError(f"the link: {name} is {text[:40]!r}, and has to be one of {', '.join(names)}")
