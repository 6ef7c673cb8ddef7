"""The text of `strace -f -ttt -e trace=memory,process` as a trace.

It holds the calls but not what was touched. So there are two ways to read it, and the truth lies
between them as long as no page is used again after it was given back: nothing is touched, or every
page is touched once, as soon as it may be. Left out: what is mapped when the text begins, the
program's own image and its stack among it; which file a descriptor is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.paths.madvise import ADVICE
from ptlab.paths.mmap import MAP
from ptlab.trace import calls
from ptlab.trace.calls import Fields
from ptlab.trace.rows import MAP_ANONYMOUS, MAP_SHARED, PROT_READ, PROT_WRITE, ROW, Op, Trace

_LINE = re.compile(r"(?:\[pid +(\d+)\] |(\d+) +)?(\d{1,12}\.\d{1,9}) (.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (0x[0-9a-f]+|-?\d+|\?)( E\w+)?.*")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_UNFINISHED = " <unfinished ...>"
_ENDS = re.compile(r"\+\+\+ (exited|killed)")
_NUMBER = re.compile(r"-?\d{1,20}|0x[0-9a-f]{1,16}")
_NUMBERS = {name: number for number, name in calls.WATCHED.items()}
_SIGNS = {
    **{"NULL": 0, "PROT_NONE": 0, "PROT_READ": 1, "PROT_WRITE": 2, "PROT_EXEC": 4},
    **{"MREMAP_MAYMOVE": 1, "MREMAP_FIXED": 2, "MREMAP_DONTUNMAP": 4},
    **{f"MADV_{name}": number for name, number in ADVICE.items()},
    **{f"MAP_{name}": flag for name, flag in vars(MAP).items() if isinstance(flag, int)},
    **{"FALLOC_FL_KEEP_SIZE": 1, "FALLOC_FL_PUNCH_HOLE": 2},
}
_MOST = 1 << 40  # bytes: a larger mapping is a reservation, and is not touched
_FILE = 4  # PAGE_IS_FILE


class _Line(NamedTuple):
    """A line: the thread (0 if it is not named), the time in nanoseconds, the rest."""

    thread: int
    clock: int
    text: str


def is_strace(text: str) -> bool:
    """Whether the first line looks like one of `strace -f -ttt`."""
    return bool(_LINE.match(text.partition("\n")[0]))


def read_strace(text: str) -> Trace:
    """The trace in the text, with every page touched once. Lines of other calls are left out."""
    reader = _Reader()
    for line in _whole(text.splitlines()):
        reader.line(line)
    return Trace(reader.rows(), {"recorder": "strace", "program": [reader.program or "strace"]})


def _whole(lines: Iterable[str]) -> Iterable[_Line]:
    """The lines, those that strace has taken in two put together."""
    begun: dict[int, str] = {}
    for text in lines:
        match = _LINE.fullmatch(text.strip())
        if not match:
            continue
        thread, rest = int(match[1] or match[2] or 0), match[4]
        clock = int(float(match[3]) * 1e9)
        if _UNFINISHED in rest:
            begun[thread] = rest.partition(_UNFINISHED)[0]
        elif resumed := _RESUMED.fullmatch(rest):
            yield _Line(thread, clock, begun.pop(thread, "") + resumed[1])
        else:
            yield _Line(thread, clock, rest)


class _Reader:
    """Lines become rows."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._who: dict[int, int] = {}
        self._brk: dict[int, int] = {}
        self._count = self._files = 0
        self._began = -1
        self.program = ""

    def rows(self) -> NDArray[np.void]:
        """All rows, as an array of ROW."""
        return np.array(self._rows, ROW)

    def line(self, line: _Line) -> None:
        """One whole line."""
        if self._began < 0:
            self._began = line.clock
        clock = max(0, line.clock - self._began)
        if _ENDS.match(line.text):
            self._ends(line.thread, clock)
        elif match := _CALL.fullmatch(line.text):
            name, arguments, result, failed = match.groups()
            if not failed and result != "?":
                self._call(line.thread, clock, name, arguments, _number(result))

    def _add(self, clock: int, who: int, fields: Fields) -> None:
        self._rows.append((clock, 0, who, *fields, 0))

    def _new(self, clock: int) -> int:
        """A process with an empty address space."""
        self._count += 1
        self._add(clock, self._count - 1, Fields(Op.EXEC))
        return self._count - 1

    def _ends(self, thread: int, clock: int) -> None:
        who = self._who.pop(thread, None)
        if who is not None and who not in self._who.values():
            self._add(clock, who, Fields(Op.EXIT))

    def _call(self, thread: int, clock: int, name: str, text: str, result: int) -> None:
        if name == "execve":
            self._ends(thread, clock)
            self._who[thread] = self._new(clock)
            self.program = self.program or text.partition(",")[0].strip('"')
            return
        if thread not in self._who:  # the first thread is not named until there is a second
            first = next(iter(self._who.values()), None) if 0 in self._who else None
            self._who[thread] = self._new(clock) if first is None else self._who.pop(0)
        who, number = self._who[thread], _NUMBERS.get(name)
        if name in ("clone", "clone3", "fork", "vfork"):
            self._born(clock, who, name, text, result)
        elif name == "brk":
            self._heap(clock, who, result)
        elif number is not None:
            self._memory(clock, who, number, _numbers(text), result)

    def _born(self, clock: int, parent: int, name: str, text: str, child: int) -> None:
        """A thread, or a child with a copy of the address space."""
        if "CLONE_VM" in text or name == "vfork":
            self._who[child] = parent
            return
        self._who[child] = self._count
        self._brk[self._count] = self._brk.get(parent, 0)
        self._count += 1
        self._add(clock, parent, Fields(Op.FORK, x=self._who[child]))

    def _heap(self, clock: int, who: int, end: int) -> None:
        if end > calls.MAX_ADDRESS:
            return
        new, old = calls.page_up(end), self._brk.get(who)
        self._brk[who] = new
        if old is not None and new > old:
            self._add(clock, who, Fields(Op.MAP, old, new - old, 3, MAP_ANONYMOUS))
            self._touch(clock, who, old, new - old, 3, 0)
        elif old is not None and new < old:
            self._add(clock, who, Fields(Op.UNMAP, new, old - new))

    def _memory(
        self, clock: int, who: int, number: int, arguments: tuple[int, ...] | None, result: int
    ) -> None:
        if arguments is None or len(arguments) < _LEAST.get(number, 2):
            self._add(clock, who, Fields(Op.UNKNOWN, x=number))
            return
        file = 0
        if number == calls.MMAP and not arguments[3] & MAP_ANONYMOUS:
            self._files += 1
            file = self._files
        padded = (*arguments, *(0,) * 6)[:6]
        row = calls.fields(number, padded, result, file)
        if row is None:
            return
        self._add(clock, who, row)
        if row.op == Op.MAP:
            self._touch(
                clock, who, row.at, row.length, row.x, _FILE if file else row.y & MAP_SHARED
            )
        elif row.op == Op.PROTECT and row.x & PROT_WRITE:
            self._touch(clock, who, row.at, row.length, row.x, 0)

    def _touch(self, clock: int, who: int, at: int, length: int, rights: int, of_file: int) -> None:
        """Every page that may be used from here on."""
        if rights & (PROT_READ | PROT_WRITE) and length <= _MOST:
            self._add(clock, who, Fields(Op.TOUCH, at, length, _FILE if of_file else 0))


_LEAST = {calls.MMAP: 6, calls.MREMAP: 4, calls.MADVISE: 3, calls.MPROTECT: 3}


def _number(text: str) -> int:
    """A number as strace prints it, in the 64 bits of a register."""
    return int(text, 16 if text.startswith("0x") else 10) & (1 << 64) - 1


def _numbers(text: str) -> tuple[int, ...] | None:
    """The arguments as numbers; None if one of them is not understood."""
    found = []
    for argument in text.split(", "):
        value = 0
        for sign in re.sub(r"/\*.*?\*/|<[^>]*>", "", argument).split("|"):
            if _NUMBER.fullmatch(sign.strip()):
                value |= _number(sign.strip())
            elif sign.strip() in _SIGNS or sign.strip().startswith("MAP_"):
                value |= _SIGNS.get(sign.strip(), 0)
            else:
                return None
        found.append(value)
    return tuple(found)
