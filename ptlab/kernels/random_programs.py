"""Random programs in the scenario language, for a search with hypothesis.

A program works around a few corners: the borders where PTE, PMD, PUD and PGD entries meet, a few
pages to the left or right of them. There VMAs share tables, and tables are split, moved and freed.
Hypothesis shrinks towards the first of each list below.

A third of the programs make only the calls that build and free tables, so that these calls meet
more often (the idea of swarm testing: Groce et al., ISSTA 2012, doi 10.1145/2338965.2336763), and a
third work on a file in memory as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4 * KIB

Line = st.SearchStrategy[str]
Lines = st.SearchStrategy[list[str]]

# Slot 1, so that there is a slot on either side.
CORNERS = {
    "s1": SLOT_BASE + SLOT_SIZE,
    "s1+2M": SLOT_BASE + SLOT_SIZE + 2 * MIB,
    "s1+4M": SLOT_BASE + SLOT_SIZE + 4 * MIB,
    "s1+1G": SLOT_BASE + SLOT_SIZE + GIB,
    "s2": SLOT_BASE + 2 * SLOT_SIZE,
}
NEAR = (0, PAGE, -PAGE, 2 * PAGE, -2 * PAGE, 3 * PAGE, MIB, -MIB)
SIZES = (PAGE, 2 * PAGE, 3 * PAGE, MIB, 2 * MIB, 4 * MIB, 2 * MIB - PAGE, 2 * MIB + PAGE, 5000, 0)
STRIDES = (PAGE, 2 * PAGE, 1000, 5000, MIB, 2 * MIB - PAGE, 2 * MIB, 2 * MIB + PAGE, GIB)
PROTS = ("rw", "rw", "rw", "r", "none")
ZAPS = ("DONTNEED", "DONTNEED", "DONTNEED", "DONTNEED_LOCKED", "FREE")
FILE = "m"
OFFSETS = (0, 3 * PAGE, 2 * MIB, 2 * MIB - 2 * PAGE, 4 * MIB, 5000)
# Advice that leaves entries alone. PAGEOUT is not here: with swap its result is a matter of chance.
QUIET = ("NORMAL", "NOHUGEPAGE", "SEQUENTIAL", "COLD", "DONTFORK", "DOFORK", "WIPEONFORK")
# These touch every page of their range.
FILLING = ("POPULATE_READ", "POPULATE_WRITE", "GUARD_INSTALL", "GUARD_REMOVE")

_ALWAYS_NORESERVE = 64 * MIB  # a machine refuses a large mapping that it would have to account for


class Place(NamedTuple):
    """An address and how it is written."""

    corner: str
    offset: int

    @property
    def address(self) -> int:
        """The number."""
        return CORNERS[self.corner] + self.offset

    def __str__(self) -> str:
        if not self.offset:
            return self.corner
        return f"{self.corner}{'-' if self.offset < 0 else '+'}{size(abs(self.offset))}"


def size(number: int) -> str:
    """A number of bytes as a person would write it: 2M+4K."""
    terms = []
    for unit, suffix in ((GIB, "G"), (MIB, "M"), (KIB, "K"), (1, "")):
        count, number = divmod(number, unit)
        if count:
            terms.append(f"{count}{suffix}")
    return "+".join(terms) or "0"


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A few mappings, then calls of any kind: ten on average."""
    corners = draw(st.lists(st.sampled_from(list(CORNERS)), min_size=1, max_size=3, unique=True))
    first, some = _around(tuple(corners), draw(st.sampled_from(THEMES)))
    return "\n".join(draw(first) + draw(some) + draw(some))


THEMES = ("tables", "all kinds", "files")


@functools.cache  # building strategies takes longer than drawing from them
def _around(corners: tuple[str, ...], theme: str) -> tuple[Lines, Lines]:
    """The first lines of a program around these corners, and a few calls."""
    calls = Calls(st.builds(Place, st.sampled_from(corners), st.sampled_from(NEAR)))
    kinds = calls.of_tables() if theme == "tables" else calls.of_all_kinds()
    mappings = st.lists(calls.mmap(), min_size=1, max_size=3)
    if theme == "files":
        kinds += calls.of_files()
        mappings = st.tuples(st.just(f"file {FILE} 6M"), calls.mmap_file(), calls.mmap()).map(list)
    return mappings, st.lists(calls.any(kinds), max_size=10)


def _in_another_program(lines: list[str], *then: str) -> str:
    """A child that goes on in another program: there is no file there."""
    ops = "\n".join([*lines, "exec", *then])  # a call may be several ops
    return f"fork {ops.count(chr(10)) + 1}\n{ops}"


class Calls:
    """Strategies for the lines of one program, around its own places."""

    def __init__(self, places: st.SearchStrategy[Place]) -> None:
        self.places = places
        self.short = st.tuples(places, st.sampled_from(SIZES))
        between = st.tuples(places, places).filter(lambda two: two[0].address < two[1].address)
        self.spans = self.short | between.map(lambda two: (two[0], two[1].address - two[0].address))

    def any(self, kinds: list[Line]) -> Line:
        """A call of one of these kinds, or a fork with such calls of its child."""
        simple = st.one_of(*kinds)
        child = st.lists(simple, min_size=1, max_size=4)
        return st.one_of(
            *[simple] * 4,
            child.map(lambda lines: "\n".join([f"fork {len(lines)}", *lines])),
            child.map(lambda lines: "\n".join(["forkbg", *lines, "endfork"])),
            child.map(lambda lines: "\n".join([f"vfork {len(lines)}", *lines])),
            st.builds(_in_another_program, child, Calls.mmap(self), self.touch()),
        )

    def of_tables(self) -> list[Line]:
        """Calls of one process that build and free tables, and little else."""
        return [
            self.touch(),
            self.touch(),
            self.advice(("DONTNEED",), self.spans),
            self.line("munmap {}", self.range(self.spans)),
            self.mmap(),
        ]

    def of_all_kinds(self) -> list[Line]:
        """All calls of one process."""
        prots = st.sampled_from(PROTS)
        return [
            self.touch(),
            self.touch(),
            self.touch(),
            self.line("touch {} {}", st.sampled_from("wr"), self.spot(st.just(2 * MIB))),
            self.advice(ZAPS, self.spans),
            self.advice(ZAPS, self.spans),
            self.line("munmap {}", self.range(self.spans)),
            self.line("mprotect {} {}", self.range(self.spans), prots),
            self.mmap(),
            self.advice(QUIET, self.spans),
            self.advice(FILLING, self.short),
            self.line("mmap {} {} populate over", self.range(self.short), prots),
            self.line("mlock {}", self.spot(st.sampled_from([PAGE, 3 * PAGE, MIB]))),
            self.line("munlock {}", self.range(self.spans)),
            self.mremap(),
        ]

    def of_files(self) -> list[Line]:
        """Calls on the file, or on a mapping of it."""
        offsets, lengths = st.sampled_from(OFFSETS).map(size), st.sampled_from(SIZES).map(size)
        return [
            *[self.mmap_file()] * 3,
            self.line("truncate {} {}", st.just(FILE), offsets),
            self.line("punch {} {} {}", st.just(FILE), offsets, lengths),
            self.line("alloc {} {} {}", st.just(FILE), offsets, lengths),
            self.advice(("REMOVE",), self.spans),
        ]

    def mmap_file(self) -> Line:
        """A mapping of a part of the file, or beyond its end."""

        def line(place: Place, length: int, prot: str, kind: str, offset: int, fill: str) -> str:
            where = f"{kind}:{FILE}:{size(offset)}"
            return f"mmap {place} {size(length)} {prot} {where}{fill} over"

        lengths = st.sampled_from([4 * MIB, 2 * MIB, MIB, 3 * PAGE])
        kinds = st.sampled_from(["file", "pfile"])
        fills = st.sampled_from(["", "", "", " populate"])
        offsets = st.sampled_from(OFFSETS[:-1])
        return st.builds(line, self.places, lengths, st.sampled_from(PROTS), kinds, offsets, fills)

    def mmap(self) -> Line:
        """A mapping of any size."""

        def line(span: tuple[Place, int], prot: str, kind: str, noreserve: bool, over: bool) -> str:
            place, length = span
            words = ["mmap", str(place), size(length), prot, kind]
            words += ["noreserve"] if noreserve or length > _ALWAYS_NORESERVE else []
            return " ".join([*words, "over"] if over else words)

        kinds = st.sampled_from(["anon", "anon", "anon", "anon", "shared"])
        flags = st.booleans()
        return st.builds(line, self.spans, st.sampled_from(PROTS), kinds, flags, flags)

    def touch(self) -> Line:
        """A few accesses, near each other or far apart, at the start of a page or inside."""

        def line(write: str, place: Place, inside: str, stride: int, count: int) -> str:
            return f"touch {write} {place}{inside} {size(stride * count)} {size(stride)}"

        inside = st.sampled_from(["", "", "+100"])
        strides, counts = st.sampled_from(STRIDES), st.integers(1, 6)
        return st.builds(line, st.sampled_from("wr"), self.places, inside, strides, counts)

    def advice(self, advice: tuple[str, ...], spans: st.SearchStrategy[tuple[Place, int]]) -> Line:
        """Madvise; an address inside a page now and then, which Linux refuses."""
        return self.line("madvise {} {}", st.sampled_from(advice), self.range(spans))

    def mremap(self) -> Line:
        """A shrink or growth in place, or a move to another place; the kernel never chooses it.

        Linux 6.18 accounts for the difference in length when it moves, even if that is a shrink.
        """

        def line(span: tuple[Place, int], new: int | None, to: Place | None, keep: bool) -> str:
            place, old = span
            words = ["mremap", str(place), size(old), size(old if new is None else new)]
            if to is None or old > _ALWAYS_NORESERVE:
                return " ".join(words)
            return " ".join([*words, "to", str(to), *(["dontunmap"] if keep else [])])

        new, to = st.none() | st.sampled_from(SIZES), st.none() | self.places
        return st.builds(line, self.spans, new, to, st.booleans())

    def range(self, spans: st.SearchStrategy[tuple[Place, int]]) -> Line:
        """ADDR LEN."""
        inside = st.sampled_from(["", "", "", "", "", "", "", "+100"])
        return st.builds(lambda span, odd: f"{span[0]}{odd} {size(span[1])}", spans, inside)

    def spot(self, lengths: st.SearchStrategy[int]) -> Line:
        """ADDR LEN with a length that is cheap to fill."""
        return st.builds(lambda place, length: f"{place} {size(length)}", self.places, lengths)

    def line(self, form: str, *words: Line) -> Line:
        """The words, put into the places of a form."""
        put: Callable[..., str] = form.format
        return st.builds(put, *words)
