"""Random programs with huge pages from a pool that is nearly always too small for them."""

from __future__ import annotations

import functools

from hypothesis import strategies as st

from ptlab.kernels.random_programs import FILE, KIB, MIB, PAGE, Calls, Line, Lines, Place

POOL = 5
ADVICE = ("DONTNEED", "DONTNEED", "DONTNEED_LOCKED", "REMOVE", "POPULATE_READ", "POPULATE_WRITE")
REFUSED = ("FREE", "COLD", "PAGEOUT", "COLLAPSE", "GUARD_INSTALL", "WIPEONFORK")
FLAGS = (
    "HUGEPAGE",
    "NOHUGEPAGE",
    "DONTFORK",
    "DOFORK",
    "MERGEABLE",
    "DONTDUMP",
    "DODUMP",
    "RANDOM",
)
NEAR = (0, 0, 0, 0, 0, 0, 2 * MIB, 2 * MIB, PAGE, MIB)
SIZES = (2 * MIB, 2 * MIB, 2 * MIB, 4 * MIB, 4 * MIB, PAGE, MIB, 3 * MIB, 6 * MIB)
BACKINGS = (
    "hugetlb2M",
    "hugetlb2M",
    "hugetlb2M",
    "shared hugetlb2M",
    f"file:{FILE}",
    f"pfile:{FILE}",
)
OPTIONS = ("", "", "", "", " noreserve", " locked", " prefault", " populate")
PROTS = ("rw", "rw", "rw", "r", "none")


@st.composite
def hugetlb_programs(draw: st.DrawFn) -> str:
    """A pool, a file of huge pages, a few mappings, then calls of any kind: ten on average."""
    first, some = _around()
    opening = [f"hugepages 2M {POOL}", f"file {FILE} 4M hugetlb2M"]
    return "\n".join([*opening, *draw(first), *draw(some), *draw(some)])


@functools.cache
def _around() -> tuple[Lines, Lines]:
    calls = HugetlbCalls(st.builds(Place, st.sampled_from(["s1", "s2"]), st.sampled_from(NEAR)))
    mappings = st.lists(calls.mmap(), min_size=1, max_size=3)
    return mappings, st.lists(calls.any(calls.of_hugetlb()), max_size=10)


class HugetlbCalls(Calls):
    """Strategies for the lines of a program whose memory is from the pool."""

    def of_hugetlb(self) -> list[Line]:
        """Calls on such memory, and a little memory of the usual kind beside it."""
        spots = self.spot(st.sampled_from(SIZES))
        ends = st.sampled_from(["0", "2M", "4M", "6M", "1M"])
        return [
            *[self.line("touch {} {} 512K", st.sampled_from("wwr"), spots)] * 5,
            *[self.mmap()] * 3,
            *[self.line("madvise {} {}", st.sampled_from(ADVICE), spots)] * 3,
            self.line("madvise {} {}", st.sampled_from(REFUSED), spots),
            self.line("madvise {} {}", st.sampled_from(FLAGS), spots),
            *[self.line("mprotect {} {}", spots, st.sampled_from(PROTS))] * 2,
            *[self.line("munmap {}", spots)] * 2,
            self.line("mlock {}", spots),
            self.line("munlock {}", spots),
            self.line("mmap {} anon over", self.spot(st.sampled_from([64 * KIB, 2 * MIB]))),
            *[self.line("mremap {} {} to {}", spots, self.length(), self.places.map(str))] * 2,
            self.line("mremap {} {}", spots, self.length()),
            self.line("truncate {} {}", st.just(FILE), ends),
            self.line("punch {} {} {}", st.just(FILE), ends, self.length()),
            self.line("alloc {} {} {}", st.just(FILE), ends, self.length()),
        ]

    def length(self) -> Line:
        """A length that is mostly one of whole huge pages."""
        return st.sampled_from(["2M", "2M", "4M", "4K", "3M"])

    def mmap(self) -> Line:
        """Memory from the pool, of any kind."""
        form = "mmap {} {} {}{}{}"
        kinds = st.sampled_from(PROTS), st.sampled_from(BACKINGS), st.sampled_from(OPTIONS)
        return self.line(
            form, self.spot(st.sampled_from(SIZES)), *kinds, st.sampled_from(["", " over"])
        )
