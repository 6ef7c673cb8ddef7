"""Random programs with a heap, stacks, locked and sealed memory, and places of the kernel's choice."""

from __future__ import annotations

import functools

from hypothesis import strategies as st

from ptlab.kernels.random_programs import FILE, KIB, MIB, PAGE, Calls, Line, Lines, Place, size

SIZES = (64 * KIB, 64 * KIB, 128 * KIB, PAGE, MIB, 2 * MIB, 2 * MIB + PAGE)
NEAR = (0, 0, 0, 64 * KIB, -64 * KIB, PAGE, MIB, -MIB)
CHOSEN = (2 * MIB, 2 * MIB, PAGE, 64 * KIB, 2 * MIB + PAGE, 4 * MIB)
RIGHTS = ("rw", "rw", "r", "none", "w", "x", "rx", "rwx")
BACKINGS = ("anon", "anon", "anon thp", "shared", f"file:{FILE}", f"pfile:{FILE}")
FLAGS = ("", "", " locked", " prefault", " stack", " noreserve")
ADVICE = ("DONTNEED", "DONTNEED_LOCKED", "FREE", "COLD", "DONTFORK", "POPULATE_READ", "REMOVE")
BREAKS = (0, PAGE, 1000, 64 * KIB, MIB, 2 * MIB, 2 * MIB + PAGE, 5 * MIB)
BELOW_TOP = (2 * MIB, 4 * MIB, 2 * MIB + PAGE, PAGE, 6 * MIB, 8 * MIB)


@st.composite
def operation_programs(draw: st.DrawFn) -> str:
    """A heap and a stack at the same border, then calls of any kind: ten on average."""
    first, some = _around_heap()
    return "\n".join([f"file {FILE} 4M filled", "heap s1", *draw(first), *draw(some), *draw(some)])


@st.composite
def chosen_programs(draw: st.DrawFn) -> str:
    """Mappings at addresses that the kernel chooses, and what becomes of them."""
    first, some = _below_top()
    return "\n".join([f"file {FILE} 4M filled", *draw(first), *draw(some), *draw(some)])


@functools.cache
def _around_heap() -> tuple[Lines, Lines]:
    calls = OperationCalls(st.builds(Place, st.sampled_from(["s1+2M"]), st.sampled_from(NEAR)))
    openings = [
        ["mmap s1+2M 64K", "touch w s1+2M 64K"],
        ["mmap s1+2M 64K", "mmap s1+3M 64K growsdown"],
        ["brk s1+64K", "touch w s1 64K", "mmap s1+2M 64K"],
    ]
    return st.sampled_from(openings), st.lists(calls.any(calls.of_operations()), max_size=8)


@functools.cache
def _below_top() -> tuple[Lines, Lines]:
    calls = OperationCalls(st.just(Place("s1", 0)))
    first = st.lists(calls.mmap_any(), min_size=1, max_size=4)
    return first, st.lists(calls.any(calls.of_places()), max_size=8)


class OperationCalls(Calls):
    """Strategies for the lines of a program that uses what only some programs use."""

    def of_operations(self) -> list[Line]:
        """Calls on a heap, a stack, and on locked and sealed memory."""
        lengths = st.sampled_from(SIZES)
        return [
            *[self.brk()] * 3,
            *[self.line("touch {} {}", st.sampled_from("wwr"), self.spot(lengths))] * 4,
            self.line("touch {} {} 64K", st.sampled_from("wr"), self.spot(st.just(2 * MIB))),
            *[self.mmap()] * 2,
            self.line("mmap {} 64K growsdown{}", self.places.map(str), st.sampled_from(FLAGS[:3])),
            self.line("munmap {}", self.spot(lengths)),
            self.line("mprotect {} {}", self.spot(lengths), st.sampled_from(RIGHTS)),
            self.line("mlock {}{}", self.spot(lengths), st.sampled_from(["", " onfault"])),
            self.line("munlock {}", self.spot(lengths)),
            self.line("mlockall {}", st.sampled_from(["future", "future onfault"])),
            st.just("munlockall"),
            self.line("mseal {}", self.spot(lengths)),
            self.line("madvise {} {}", st.sampled_from(ADVICE), self.spot(lengths)),
            self.line(
                "process_madvise {} {} {}",
                st.sampled_from(ADVICE[:4]),
                self.spot(lengths),
                self.spot(lengths),
            ),
            self.line(
                "mremap {0} {1} {2}", self.places.map(str), lengths.map(size), lengths.map(size)
            ),
        ]

    def brk(self) -> Line:
        """The heap, which begins at s1, ends elsewhere."""
        return self.line("brk s1+{}", st.sampled_from(BREAKS).map(size))

    def mmap(self) -> Line:
        """Memory of any kind, with any rights."""
        form = "mmap {} {} {}{} over"
        lengths = st.sampled_from(SIZES)
        kinds = st.sampled_from(RIGHTS), st.sampled_from(BACKINGS), st.sampled_from(FLAGS)
        return self.line(form, self.spot(lengths), *kinds)

    def of_places(self) -> list[Line]:
        """Calls on what the kernel has placed."""
        spans = st.tuples(st.sampled_from(BELOW_TOP), st.sampled_from(CHOSEN))
        inside = spans.filter(lambda span: span[0] >= span[1])  # what is above `top` is not its own
        spots = inside.map(lambda span: f"top-{_down(span[0])} {size(span[1])}")
        moves = self.line("{} {}", spots, st.sampled_from(CHOSEN).map(size))
        return [
            *[self.mmap_any()] * 4,
            *[self.line("touch {} {}", st.sampled_from("wr"), spots)] * 3,
            *[self.line("munmap {}", spots)] * 2,
            *[self.line("mremap {} maymove", moves)] * 2,
            spots.map(lambda spot: f"mremap {spot} {spot.split()[1]} dontunmap"),
            self.line("mprotect {} r", spots),
        ]

    def mmap_any(self) -> Line:
        """The kernel chooses where."""
        sizes = st.sampled_from(CHOSEN).map(size)
        backings = st.sampled_from([*BACKINGS, "anon growsdown"])
        return self.line("mmap any {} {}{}", sizes, backings, st.sampled_from(FLAGS))


def _down(distance: int) -> str:
    """The bytes of a distance, as they are taken from an address: 2M-4K."""
    return size(distance).replace("+", "-")
