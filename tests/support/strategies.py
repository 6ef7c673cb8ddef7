"""Random programs in the scenario language, so that a failing one can be run, told and shown.

Addresses lie within a few pages of the borders of PTE, PMD, PUD and PGD entries: that is where
tables are shared, split, moved and freed.
"""

from hypothesis import strategies as st

from ptlab import scenario
from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE

PAGE, M2, G1 = 4096, 2 << 20, 1 << 30
BORDERS = {
    "s0": SLOT_BASE,
    "s0+2M": SLOT_BASE + M2,
    "s0+4M": SLOT_BASE + 2 * M2,
    "s0+1G": SLOT_BASE + G1,
    "s1": SLOT_BASE + SLOT_SIZE,
}
STRIDES = (PAGE, 2 * PAGE, 3 * PAGE, 1000, 5000, M2 // 2, M2 - PAGE, M2, M2 + PAGE, 3 * M2, G1)
FILES = "file m 6M\nfile d 3M disk filled\n"
"""What every program may map: an empty memfd, and a file on disk that is in the page cache."""

borders = st.sampled_from([*BORDERS, "s0", "s0+2M", "s0+4M"])
pages = st.just(0) | st.integers(-3, 3)
prots = st.sampled_from(["rw", "rw", "rw", "r", "none"])
zaps = st.sampled_from(["DONTNEED", "DONTNEED", "DONTNEED_LOCKED", "FREE"])
flag_advice = st.sampled_from(
    ["NOHUGEPAGE", "SEQUENTIAL", "NORMAL", "DONTFORK", "DOFORK", "WIPEONFORK", "KEEPONFORK"]
)
page_advice = st.sampled_from(["COLD", "PAGEOUT", "WILLNEED", "REMOVE", "GUARD_REMOVE"])
populates = st.sampled_from(["POPULATE_READ", "POPULATE_WRITE", "GUARD_INSTALL", "GUARD_INSTALL"])
evens = st.integers(0, 2).map(lambda k: f"{2 * k}M")


@st.composite
def places(draw):
    """An address near a border, as text and as a number."""
    border, k = draw(borders), draw(pages)
    return f"{border}{k * 4:+}K" if k else border, BORDERS[border] + k * PAGE


@st.composite
def spans(draw):
    """Address and length of anything from one page to several GiB, often across borders."""
    (a, first), (b, last) = draw(places()), draw(places())
    if last < first:
        a, first, last = b, last, first
    return f"{a} {max(last - first, PAGE) >> 10}K"


@st.composite
def short_spans(draw):
    """A few pages: what may be populated entry by entry."""
    return f"{draw(places())[0]} {draw(st.integers(1, 6))}P"


@st.composite
def touches(draw):
    """A few reads or writes, near each other or far apart, page aligned or not."""
    stride, odd = draw(st.sampled_from(STRIDES)), draw(st.sampled_from(["", "", "+100"]))
    start = draw(places())[0] + odd
    length = stride * draw(st.integers(1, 6))
    return f"touch {draw(st.sampled_from('wwr'))} {start} {length} {stride}"


@st.composite
def mremaps(draw):
    """A move, a change of length by a few pages, or both; to where something is, or to nowhere."""
    where, length = draw(spans() | short_spans()).split()
    change = draw(st.sampled_from(["", "", "", "+4K", "+8K", "-4K"]))
    there = st.sampled_from([" to s1+2M", " to s1+6M+8K"])
    there |= st.builds(" to {}".format, places().map(lambda place: place[0]))
    how = draw(st.sampled_from(["", " maymove", " maymove dontunmap"]) | there | there)
    return f"mremap {where} {length} {length}{change}{how}"


mremaps = mremaps() | st.sampled_from(
    ["mremap s0 4M 4M to s1", "mremap s0 6M 6M to s0+1G", "mremap s0+2M 2M 2M to s1+4K"]
)


anon_arenas = ["s0-12K 4M+24K", "s0 6M", "s0-12K 6M+24K", "s0 513G"]
file_arenas = ["s0 6M shared", "s0 6M file:m", "s0 6M pfile:m", "s0-12K 3M file:d:12K"]
huge_arenas = [
    "s0 6M thp",
    "s0 6M keepthp",
    "s0-12K 6M+24K thp",
    "s0 6M shared keepthp",
    "s0 6M keepthp file:m",
]
far_arenas = ["s0+1G-12K 2M", "s1-12K 24K", "s1 8M"]
uses = ["touch w s0 6M 1M", "touch r s0 6M 512K", "touch w s0+2M 24K", "touch w s0+1G 8K", "forkbg"]
"""What a program starts with, so that there is something to work on."""

mmaps = st.builds(
    "mmap {} {}{}{}".format,
    spans(),
    prots,
    st.sampled_from(["", "", " noreserve"]),
    st.sampled_from([" over", " over", ""]),
)
file_mmaps = st.builds(
    "mmap {} {} {}:{}{} over".format,
    short_spans() | st.builds("s0+{} 2M".format, evens),
    prots,
    st.sampled_from(["file:m", "pfile:m", "file:d", "pfile:d"]),
    st.sampled_from(["0", "12K", "2M", "2M-8K"]),
    st.sampled_from(["", "", " populate"]),
)
calls = st.one_of(
    mmaps,
    touches(),
    touches(),
    touches(),
    touches(),
    st.builds("madvise {} {}".format, zaps, spans()),
    st.builds("madvise {} {}".format, zaps, spans()),
    st.builds("munmap {}".format, spans()),
    st.builds("mprotect {} {}".format, spans(), prots),
    st.builds("madvise {} {}".format, flag_advice, spans()),
    st.builds("madvise {} {}".format, page_advice, spans() | short_spans()),
    st.builds(
        "mmap {} {} {}over".format, short_spans(), prots, st.sampled_from(["populate ", "shared "])
    ),
    st.builds("madvise {} {}".format, populates, short_spans()),
    st.builds("mlock {}".format, short_spans()),
    st.builds("munlock {}".format, spans()),
    mremaps,
    mremaps,
    mremaps,
    file_mmaps,
    st.builds("truncate m {}".format, st.sampled_from(["0", "1M", "4M+100", "6M"])),
    st.builds("truncate d {}".format, st.sampled_from(["0", "1M+100", "3M-4K"])),
    st.builds("punch m {} {}".format, evens, st.sampled_from(["4K", "2M", "3M"])),
    st.builds("alloc m {} {}".format, evens, st.sampled_from(["4K", "2M"])),
)
huge_calls = st.one_of(
    st.builds("madvise HUGEPAGE {}".format, spans()),
    st.builds("madvise COLLAPSE s0+{} {}".format, evens, st.sampled_from(["2M", "4M-4K"])),
    st.builds("madvise COLLAPSE s0+{} {}".format, evens, st.sampled_from(["2M", "4M", "6M"])),
)
fills = st.builds("touch w s0+{} 2M".format, evens)
"""All 512 entries of a PTE page."""


def forks(call):
    """A child that does one or two calls and exits, or one that sleeps through some."""
    few = st.lists(call, min_size=1, max_size=2)
    return st.one_of(
        few.map(lambda ops: "\n".join([f"fork {len(ops)}", *ops])),
        few.map(lambda ops: "\n".join(["forkbg", *ops, "endfork"])),
        few.map(lambda ops: "\n".join(["forkbg", *ops])),
    )


def programs(longest=10, huge=True, full=True):
    """A program: one or two big mappings, then any calls, some in a child.

    Without `huge` no huge page comes up: whether one does may depend on a table that was kept.
    Without `full` no call fills a whole table: that is many steps at grain "entry".
    """
    arenas = anon_arenas + file_arenas + (huge_arenas if huge else [])
    call = calls | (huge_calls if huge else st.nothing()) | (fills if full else st.nothing())
    first = st.tuples(st.sampled_from(arenas), st.sampled_from(far_arenas))
    used = st.lists(st.sampled_from(uses), max_size=2, unique=True)
    then = st.lists(
        st.one_of(call, call, call, forks(call)), min_size=longest // 2, max_size=longest
    )
    return st.builds(
        lambda a, b, c: FILES + "\n".join([f"mmap {arena}" for arena in a] + b + c),
        first,
        used,
        then,
    )


def rows(process, program):
    """Play `program` on `process`; the row of numbers after each op."""
    return list(scenario.play(process, scenario.parse(f"scenario random\n{program}")[0]))
