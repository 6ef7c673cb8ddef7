"""Random programs with huge pages from a pool that is nearly always too small for them."""

from __future__ import annotations

import functools

from hypothesis import strategies as st

from ptlab.kernels.random_programs import FILE, GIB, KIB, MIB, PAGE, Calls, Line, Lines, Place

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
_PROT = st.sampled_from(PROTS)


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


@st.composite
def gigantic_programs(draw: st.DrawFn) -> str:
    """One page of 1 GiB, and mappings of such pages. No fork: docs/what_is_left_out.md."""
    calls = HugetlbCalls(st.builds(Place, st.sampled_from(["s1", "s1+1G", "s2"]), st.just(0)))
    lines = st.lists(st.one_of(calls.of_gigantic()), min_size=3, max_size=9)
    return "\n".join(["hugepages 1G 1", *draw(lines)])


@st.composite
def shared_pmd_programs(draw: st.DrawFn) -> str:
    """A file of which several mappings show a whole GiB, so that they share its PMD page."""
    calls = HugetlbCalls(st.builds(Place, st.sampled_from(["s1", "s1+1G", "s2"]), st.just(0)))
    lines = st.lists(calls.any(calls.of_shared_pmds()), min_size=3, max_size=9)
    return "\n".join(["hugepages 2M 3", f"file {FILE} 1G hugetlb2M", *draw(lines)])


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

    def of_gigantic(self) -> list[Line]:
        """Calls on pages of 1 GiB."""
        spots = self.spot(st.sampled_from([GIB, GIB, 2 * GIB, 2 * MIB]))
        backings = st.sampled_from(["hugetlb1G", "hugetlb1G", "shared hugetlb1G"])
        return [
            *[self.line("mmap {} {} {}{}", spots, _PROT, backings, st.sampled_from(["", " over"]))]
            * 3,
            *[self.line("touch {} {} 256M", st.sampled_from("wr"), spots)] * 3,
            *[self.line("madvise {} {}", st.sampled_from(ADVICE[:4]), spots)] * 2,
            self.line("mprotect {} {}", spots, _PROT),
            self.line("munmap {}", spots),
            self.line("mlock {}", spots),
            self.line("mremap {} 1G to {}", spots, self.places.map(str)),
        ]

    def of_shared_pmds(self) -> list[Line]:
        """Calls on mappings that share PMD pages, and let them go."""
        parts = self.spot(st.sampled_from([GIB, 2 * MIB, 4 * MIB]))
        form = "mmap {} 1G {} file:" + FILE + " noreserve over"
        return [
            *[self.line(form, self.places.map(str), _PROT)] * 4,
            *[self.line("touch {} {} 2M", st.sampled_from("wr"), self.spot(st.just(4 * MIB)))] * 4,
            self.line("munmap {}", parts),
            self.line("mprotect {} {}", parts, _PROT),
            self.line("madvise DONTNEED {}", parts),
            self.line("madvise REMOVE {}", parts),
            self.line("mremap {} 1G 1G to {}", self.places.map(str), self.places.map(str)),
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
