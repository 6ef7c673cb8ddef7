"""Random programs with huge pages: what makes them, splits them, and what fork leaves behind."""

from __future__ import annotations

import functools

from hypothesis import strategies as st

from ptlab.kernels.random_programs import FILE, KIB, MIB, PAGE, Calls, Line, Lines, Place, size
from ptlab.process.process import SHMEM_MODES, THP_MODES

# Advice that a range of whole huge pages takes in one way, and a part of one in another.
ADVICE = ("COLLAPSE", "COLLAPSE", "COLD", "FREE", "PAGEOUT", "DONTNEED", "HUGEPAGE", "NOHUGEPAGE")
FILLING = ("POPULATE_READ", "POPULATE_WRITE", "GUARD_INSTALL", "GUARD_REMOVE")
PLACES = ("s1", "s1+2M", "s2")
NEAR_HUGE = (0, 0, 0, 0, 0, 0, 0, PAGE, MIB)
SIZES = (2 * MIB, 4 * MIB, PAGE, MIB, 64 * KIB, 2 * MIB + PAGE)
PROTS = ("rw", "rw", "r", "none")

_HUGE_FILE = [f"mmap s1 2M file:{FILE} keepthp", "madvise COLLAPSE s1 2M"]
_SMALL = ["mmap s1 4M keepthp", "touch w s1 4K", "touch w s1+2M 4K"]
OPENINGS = (
    ["mmap s1 2M thp", "touch w s1 2M", "madvise COLD s1 64K"],
    ["mmap s1 2M thp", "touch w s1 2M", "madvise FREE s1 2M", "madvise PAGEOUT s1 2M"],
    ["mmap s1 2M thp", "touch w s1 4K", "mlock s1+1M 4K onfault", "madvise COLD s1 4K"],
    ["mmap s1 2M", "touch w s1 64K", "fork 1", "nop"],
    ["mmap s1 2M thp", "touch w s1 2M", "fork 1", "touch w s1 4K"],
    [*_HUGE_FILE, f"mmap s2 2M pfile:{FILE} keepthp", "touch r s2 4K", "touch w s2+4K 4K"],
    [*_HUGE_FILE, f"mmap s2 1M file:{FILE} keepthp", "touch r s2 4K"],
    [*_HUGE_FILE, f"mmap s2 2M file:{FILE}", "touch r s2 4K"],
    [*_SMALL, "madvise DONTNEED s1 2M", "madvise COLLAPSE s1 4M"],
    [*_SMALL, "mprotect s1 2M r", "madvise COLLAPSE s1 4M"],
    [
        *[f"mmap s1 64K file:{FILE}", "touch w s1 64K", "mprotect s1 64K r"],
        *["mprotect s1 64K rw", "touch w s1 64K"],
    ],
    [
        *[f"mmap s1 2M file:{FILE} keepthp", "touch r s1 64K", "madvise GUARD_INSTALL s1 4K"],
        *[f"mmap s2 2M file:{FILE} keepthp", "madvise COLLAPSE s2 2M"],
    ],
)
"""What some programs begin with: states that random calls seldom reach."""


_MODE = st.sampled_from(
    [f"thp_enabled {mode}" for mode in THP_MODES]
    + [f"shmem_enabled {mode}" for mode in SHMEM_MODES]
)
_SETTINGS: Lines = st.lists(_MODE, max_size=1) | st.just([])


@st.composite
def huge_programs(draw: st.DrawFn) -> str:
    """A file, a few mappings, then calls of any kind: ten on average."""
    corners = draw(st.lists(st.sampled_from(PLACES), min_size=2, max_size=2, unique=True))
    first, some = _around(tuple(corners))
    if draw(st.booleans()):
        first = st.sampled_from(OPENINGS)
    kind = draw(st.sampled_from(["memfd"] * 4 + ["disk"]))
    lines = [
        *draw(_SETTINGS),
        f"file {FILE} 4M {kind} filled",
        *draw(first),
        *draw(some),
        *draw(some),
    ]
    program = "\n".join(lines)
    # Of a hole that was only read MADV_PAGEOUT drops the page: docs/what_is_left_out.md
    holes = any(word in program for word in ("shared", "punch", "truncate"))
    return program.replace("PAGEOUT", "COLD") if holes else program


@functools.cache  # to build strategies takes longer than to draw from them
def _around(corners: tuple[str, ...]) -> tuple[Lines, Lines]:
    """What a program around these corners begins with, and a few calls."""
    calls = HugeCalls(st.builds(Place, st.sampled_from(corners), st.sampled_from(NEAR_HUGE)))
    mapping = st.one_of(calls.mmap(), calls.mmap_file())
    mappings = st.lists(st.builds(_used, mapping, st.sampled_from("wwr")), min_size=1, max_size=2)
    return mappings, st.lists(calls.any(calls.of_huge_pages()), max_size=8)


def _used(mapping: str, how: str) -> str:
    """The line of a mapping, and one that touches all of it: without pages there is little to see."""
    _, address, length, *_ = mapping.split()
    return f"{mapping}\ntouch {how} {address} {length}"


class HugeCalls(Calls):
    """Strategies for the lines of a program in which there are huge pages."""

    def of_huge_pages(self) -> list[Line]:
        """Calls that make, use, split and lose huge pages."""
        lengths = st.sampled_from(SIZES)
        return [
            *[self.line("touch {} {}", st.sampled_from("wr"), self.spot(lengths))] * 3,
            *[self.line("madvise {} {}", st.sampled_from(ADVICE), self.spot(lengths))] * 4,
            *[self.line("mprotect {} {}", self.spot(lengths), st.sampled_from(PROTS))] * 2,
            *[self.line("mprotect {0} r\nmprotect {0} rw\ntouch w {0}", self.spot(lengths))] * 2,
            self.line("madvise {} {}", st.sampled_from(FILLING), self.spot(lengths)),
            self.line("mlock {}", self.spot(lengths)),
            self.line("munlock {}", self.spot(lengths)),
            self.line("munmap {}", self.spot(lengths)),
            self.line("mremap {0} {1} {1} to {2}", st.just("s1"), lengths.map(size), st.just("s2")),
            self.line("mremap {0} {1} {1} to {2}", st.just("s2"), lengths.map(size), st.just("s1")),
            self.line(
                "truncate {} {}", st.just(FILE), st.sampled_from(("4M", "2M", "1M", "3M+100"))
            ),
            self.line(
                "punch {} {} {}",
                st.just(FILE),
                st.sampled_from(("0", "1M", "2M+4K")),
                self.any_size(),
            ),
            self.line(
                "alloc {} {} {}", st.just(FILE), st.sampled_from(("0", "2M")), self.any_size()
            ),
            _MODE,
            self.mmap(),
            self.mmap_file(),
        ]

    def any_size(self) -> Line:
        """A size of the list."""
        return st.sampled_from(SIZES).map(size)

    def mmap(self) -> Line:
        """Private or shared memory for huge pages, or for none."""
        kinds = st.sampled_from(["anon thp", "anon thp", "anon keepthp", "anon", "shared keepthp"])
        lengths = st.sampled_from(SIZES[:2])
        return self.line("mmap {} rw {} over", self.spot(lengths), kinds)

    def mmap_file(self) -> Line:
        """A mapping of the file, aligned with it or not."""
        files = st.sampled_from(["file", "pfile"])
        offsets, modes = (
            st.sampled_from(["0", "0", "0", "2M", "4K"]),
            st.sampled_from(["keepthp", ""]),
        )
        form = "mmap {} rw {}:" + FILE + ":{} {} over"
        return self.line(form, self.spot(st.sampled_from(SIZES[:2])), files, offsets, modes)
