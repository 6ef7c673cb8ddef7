"""A story at a moment as one string that another reader's ptlab opens: a scenario and some numbers.

    ptlab:story?scheme=pte_refcount&kernel=6.1&step=41&table=3&entry=0&text=mmap+s0+2M%0Atouch+w+s0+4K

It is data only: a program in the scenario language, which can do nothing but move the simulator,
names of what ptlab carries, and whole numbers. Its length is limited, and what the program may build.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ptlab.base.kernel_versions import PROFILES
from ptlab.scenario import Operation, Scenario, parse
from ptlab.scenario.slots import SLOT_SIZE
from ptlab.schemes import SCHEMES
from ptlab.state.machine import GRAINS

_BEGIN = "ptlab:story?"
LONGEST_LINK = 12_000
"""Characters."""
MOST_TABLES = 20_000
"""PTE pages that the operations of a link may build, in all processes."""
_WHOLE = {"step": 0, "table": -1, "entry": 0}
_FIELDS = {"title", "scheme", "kernel", "levels", "grain", "text", *_WHOLE}


class Told(NamedTuple):
    """What a link holds: a program, how it is played, and a moment of its story."""

    scenario: Scenario
    scheme: str
    kernel: str | None
    levels: int
    grain: str
    title: str
    step: int
    table: int | None
    entry: int


def write_link(told: Told) -> str:
    """`told` as a string for read_link(). ValueError if it would be too long."""
    fields = told._asdict()
    fields["text"] = "\n".join(op.text for op in fields.pop("scenario").ops)
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
    (found,) = parse(fields["text"], "the link")[:1]
    processes = 1 + sum(getattr(op, "children", op.verb == "fork") for op in found.ops)
    tables = processes * sum(map(_tables, found.ops))
    if tables > MOST_TABLES:
        raise ValueError(f"the link: its program may build {tables} PTE pages, over {MOST_TABLES}")
    return Told(
        found,
        _one_of("scheme", fields.get("scheme", "pt_reclaim"), SCHEMES),
        _one_of("kernel", fields["kernel"], PROFILES) if "kernel" in fields else None,
        int(_one_of("levels", fields.get("levels", "4"), ("4", "5"))),
        _one_of("grain", fields.get("grain", "entry"), GRAINS),
        fields.get("title", found.description),
        numbers["step"],
        None if numbers["table"] < 0 else numbers["table"],
        numbers["entry"],
    )


_BUILD_NONE = {"madvise", "madvise_each", "munmap", "mprotect", "munlock", "mseal", "punch"}


def _tables(op: Operation) -> int:
    """No fewer PTE pages than an operation builds."""
    if op.verb in _BUILD_NONE or (op.verb == "mmap" and not getattr(op, "populate", False)):
        return 0
    sizes = [getattr(op, name, 0) for name in ("length", "new_length", "size")]
    if op.verb == "brk":
        sizes.append(getattr(op, "addr", 0) % SLOT_SIZE)
    return 1 + max(sizes) // max(2 << 20, getattr(op, "stride", 0))


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
    if unknown or len(fields) < len(pairs) or "text" not in fields:
        raise ValueError(
            f"the link has the fields {sorted(name for name, _ in pairs)}: it needs text, and of "
            f"{sorted(_FIELDS)} each at most once"
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
