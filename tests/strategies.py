"""Random programs in the scenario language, so that a failing one can be run, told and shown.

Addresses lie within a few pages of the borders of PTE, PMD, PUD and PGD entries: that is where
tables are shared, split and freed.
"""

from hypothesis import strategies as st

from ptlab import scenario
from ptlab.scenario.ops import SLOT_BASE, SLOT_SIZE

PAGE, M2, G1 = 4096, 2 << 20, 1 << 30
BORDERS = {
    "s0": SLOT_BASE,
    "s0+2M": SLOT_BASE + M2,
    "s0+4M": SLOT_BASE + 2 * M2,
    "s0+1G": SLOT_BASE + G1,
    "s1": SLOT_BASE + SLOT_SIZE,
}
STRIDES = (PAGE, 2 * PAGE, 3 * PAGE, 1000, 5000, M2 // 2, M2 - PAGE, M2, M2 + PAGE, 3 * M2, G1)

borders = st.sampled_from(list(BORDERS))
pages = st.just(0) | st.integers(-3, 3)
prots = st.sampled_from(["rw", "rw", "rw", "r", "none"])
zaps = st.sampled_from(["DONTNEED", "DONTNEED", "DONTNEED_LOCKED", "FREE"])
flag_advice = st.sampled_from(["NOHUGEPAGE", "SEQUENTIAL", "NORMAL"])
populates = st.sampled_from(["POPULATE_READ", "POPULATE_WRITE"])


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


arenas = st.sampled_from(
    ["mmap s0-12K 4M+24K", "mmap s0 6M", "mmap s0+1G-12K 2M", "mmap s1-12K 24K", "mmap s0 513G"]
)
"""What a program starts with, so that there is something to work on."""

mmaps = st.builds(
    "mmap {} {}{}{}".format,
    spans(),
    prots,
    st.sampled_from(["", "", " noreserve"]),
    st.sampled_from([" over", " over", ""]),
)
calls = st.one_of(
    mmaps,
    touches(),
    touches(),
    touches(),
    st.builds("madvise {} {}".format, zaps, spans()),
    st.builds("madvise {} {}".format, zaps, spans()),
    st.builds("munmap {}".format, spans()),
    st.builds("mprotect {} {}".format, spans(), prots),
    st.builds("madvise {} {}".format, flag_advice, spans()),
    st.builds("mmap {} {} populate over".format, short_spans(), prots),
    st.builds("madvise {} {}".format, populates, short_spans()),
    st.builds("mlock {}".format, short_spans()),
    st.builds("munlock {}".format, spans()),
)
fills = st.builds("touch w s0+{}M 2M".format, st.integers(0, 2).map(lambda k: 2 * k))
"""All 512 entries of a PTE page."""


nothing_more = st.nothing()


def programs(longest=10, more=nothing_more):
    """A program: one or two big mappings, then any calls."""
    first = st.lists(arenas, min_size=1, max_size=2, unique=True)
    then = st.lists(calls | more, min_size=longest // 2, max_size=longest)
    return st.builds(lambda a, b: "\n".join(a + b), first, then)


def rows(process, program):
    """Play `program` on `process`; the row of numbers after each op."""
    return list(scenario.play(process, scenario.parse(f"scenario random\n{program}")[0]))
