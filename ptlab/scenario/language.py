"""The scenario language: `parse` turns text into `Scenario` objects.

One op a line; `#` starts a comment. A `scenario NAME` line begins a scenario, `group TEXT` and
`desc TEXT` describe it; a text without such a line is one scenario, named after its source.
The ops and what they take are the usage lines of `_VERBS` at the end of this file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from ptlab.base.geometry import PAGE_SIZE
from ptlab.paths.madvise import ADVICE
from ptlab.paths.mmap import PROTECTIONS
from ptlab.scenario import ops
from ptlab.scenario.line import ScenarioError, Words

_CHUNK = 2 << 20


def parse(text: str, source: str = "scenario") -> list[ops.Scenario]:
    """Read every scenario of a text; raises `ScenarioError` at the first word that is wrong.

    >>> [op.verb for op in parse("mmap s0 2M\\ntouch w s0 4K")[0].ops]
    ['mmap', 'touch']
    """
    reader = _Reader(source)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = Words(source, number, raw)
        if line.more:
            reader.read(line)
    reader.finish()
    if not reader.scenarios:
        raise ScenarioError(source, 1, 1, "no op", "a 'scenario NAME' line or an op")
    return reader.scenarios


class _Reader:
    """Gathers lines into scenarios."""

    def __init__(self, source: str) -> None:
        self.scenarios: list[ops.Scenario] = []
        self._source = source
        self._first_lines: dict[str, int] = {}
        self._begin()

    def _begin(self, name: str | None = None) -> None:
        self._name = name
        self._texts = {"group": "", "desc": ""}
        self._ops: list[ops.Op] = []
        self._forks: list[tuple[int, int, Words]] = []

    def read(self, line: Words) -> None:
        """Read one line that is not empty."""
        verb = line.choice(["scenario", *self._texts, *_VERBS])
        if verb == "scenario":
            self._scenario(line)
        elif verb in self._texts:
            self._texts[verb] = line.rest(f"the text of the {verb}")
        else:
            self._op(verb, line)

    def _scenario(self, line: Words) -> None:
        line.usage = "scenario NAME"
        if self._name is None and (self._ops or any(self._texts.values())):
            raise line.error(
                "more ops: the lines above are in no scenario (put a scenario line before them)",
                back=1,
            )
        name = line.take("NAME")
        if name in self._first_lines:
            raise line.error(f"a new name (line {self._first_lines[name]} has this one)", back=1)
        line.end()
        self.finish()
        self._first_lines[name] = line.line
        self._begin(name)

    def _op(self, verb: str, line: Words) -> None:
        line.usage, build = _VERBS[verb]
        op = build(line)
        line.end()
        self._ops.append(op)
        if isinstance(op, ops.Fork):
            self._forks.append((len(self._ops), op.count, line))

    def finish(self) -> None:
        """Close the scenario that was being read, if there is one."""
        if self._name is None and not self._ops:
            return
        for position, count, line in self._forks:
            follow = len(self._ops) - position
            if count > follow:
                raise line.error(f"N of at most {follow}, the ops that follow", back=1)
        name = self._name or PurePath(self._source).stem
        self.scenarios.append(
            ops.Scenario(name, self._texts["group"], self._texts["desc"], tuple(self._ops))
        )


def _mmap(line: Words) -> ops.Op:
    addr, length = line.number("ADDR"), line.number("LEN")
    prot, backing, offset = "rw", "anon", 0
    file: str | None = None
    given: dict[str, str] = {}  # what each option decides -> the word that decided it
    while line.more:
        word = line.take("an option")
        backing_of_file = word.split(":")[0] if ":" in word else None
        if word in PROTECTIONS:
            decides, prot = "protection", word
        elif word in ("anon", "shared"):
            decides, backing = "backing", word
        elif backing_of_file in ("file", "pfile"):
            decides, backing = "backing", backing_of_file
            file, offset = _file_and_offset(line, word)
        elif word in ("thp", "keepthp"):
            decides = "huge pages"
        elif word in ("noreserve", "populate", "over"):
            decides = word
        else:
            raise line.error("an option of mmap or the end of the line", back=1)
        if decides in given:
            raise line.error(f"no second word for {decides} after {given[decides]!r}", back=1)
        given[decides] = word
    # The recorder kept huge pages out of every region that does not ask for them.
    advice = {"thp": "HUGEPAGE", "keepthp": None, "": "NOHUGEPAGE"}[given.get("huge pages", "")]
    return ops.Mmap(
        *line.place,
        addr,
        length,
        prot,
        shared=backing in ("shared", "file"),
        file=file,
        offset=offset,
        noreserve="noreserve" in given,
        populate="populate" in given,
        advice=advice,
        over="over" in given,
    )


def _file_and_offset(line: Words, word: str) -> tuple[str, int]:
    _, name, *offset = word.split(":", maxsplit=2)
    if not name:
        raise line.error("the name of a file after the colon", back=1, skip=len(word))
    if not offset:
        return name, 0
    return name, line.value(offset[0], "OFF", skip=len(word) - len(offset[0]))


def _touch(line: Words) -> ops.Op:
    write = line.choice(("r", "w")) == "w"
    addr, length = line.number("ADDR"), line.number("LEN")
    stride = line.number("STRIDE", least=1) if line.more else PAGE_SIZE
    return ops.Touch(*line.place, write, addr, length, stride)


def _cover(line: Words) -> ops.Op:
    addr, length = line.number("ADDR"), line.number("LEN")
    chunk = line.number("CHUNK", least=1) if line.more else _CHUNK
    return ops.Cover(*line.place, addr, length, chunk)


def _mremap(line: Words) -> ops.Op:
    addr, old, new = line.number("ADDR"), line.number("OLDLEN"), line.number("NEWLEN")
    to, flags = None, set[str]()
    while line.more:
        word = line.choice(("to", "dontunmap", "maymove"))
        if word in flags:
            raise line.error(f"no second {word!r}", back=1)
        flags.add(word)
        if word == "to":
            to = line.number("NEWADDR")
    return ops.Mremap(*line.place, addr, old, new, to, "dontunmap" in flags, "maymove" in flags)


def _file(line: Words) -> ops.Op:
    name, size = line.take("F, the name of the file"), line.number("SIZE")
    words = set[str]()
    while line.more:
        word = line.choice(("memfd", "disk", "filled"))
        if word in words or {word, *words} >= {"memfd", "disk"}:
            raise line.error(f"nothing that contradicts or repeats {' '.join(words)!r}", back=1)
        words.add(word)
    return ops.File(*line.place, name, size, "disk" in words, "filled" in words)


def _range(kind: Callable[[str, int, int, int, int], ops.Op]) -> Callable[[Words], ops.Op]:
    """The ops that take ADDR LEN and nothing else."""
    return lambda line: kind(*line.place, line.number("ADDR"), line.number("LEN"))


# Python evaluates arguments from left to right, so each line below takes its words in the order
# in which they stand in the usage.
_VERBS: dict[str, tuple[str, Callable[[Words], ops.Op]]] = {
    "mmap": (
        "mmap ADDR LEN [r|rw|none] [anon|shared|file:F[:OFF]|pfile:F[:OFF]] "
        "[noreserve] [populate] [thp|keepthp] [over]",
        _mmap,
    ),
    "touch": ("touch r|w ADDR LEN [STRIDE]", _touch),
    "madvise": (
        "madvise ADVICE ADDR LEN",
        lambda line: ops.Madvise(
            *line.place, line.choice(ADVICE), line.number("ADDR"), line.number("LEN")
        ),
    ),
    "madvise_each": (
        "madvise_each ADVICE ADDR LEN CHUNK",
        lambda line: ops.MadviseEach(
            *line.place,
            line.choice(ADVICE),
            line.number("ADDR"),
            line.number("LEN"),
            line.number("CHUNK", least=1),
        ),
    ),
    "munmap": ("munmap ADDR LEN", _range(ops.Munmap)),
    "mprotect": (
        "mprotect ADDR LEN r|rw|none",
        lambda line: ops.Mprotect(
            *line.place, line.number("ADDR"), line.number("LEN"), line.choice(PROTECTIONS)
        ),
    ),
    "mlock": ("mlock ADDR LEN", _range(ops.Mlock)),
    "munlock": ("munlock ADDR LEN", _range(ops.Munlock)),
    "mremap": ("mremap ADDR OLDLEN NEWLEN [to NEWADDR] [dontunmap] [maymove]", _mremap),
    "file": ("file F SIZE [memfd|disk] [filled]", _file),
    "truncate": (
        "truncate F SIZE",
        lambda line: ops.Truncate(*line.place, line.take("F, a file"), line.number("SIZE")),
    ),
    "punch": (
        "punch F OFF LEN",
        lambda line: ops.Punch(
            *line.place, line.take("F, a file"), line.number("OFF"), line.number("LEN")
        ),
    ),
    "alloc": (
        "alloc F OFF LEN",
        lambda line: ops.Alloc(
            *line.place, line.take("F, a file"), line.number("OFF"), line.number("LEN")
        ),
    ),
    "fork": ("fork N", lambda line: ops.Fork(*line.place, line.number("N", least=1))),
    "forkbg": ("forkbg", lambda line: ops.Forkbg(*line.place)),
    "endfork": ("endfork", lambda line: ops.Endfork(*line.place)),
    "cover": ("cover ADDR LEN [CHUNK]", _cover),
    "nop": ("nop", lambda line: ops.Nop(*line.place)),
}
