"""A story as one string: what comes out is what went in, and nothing but data goes in."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
from ptlab.process.calls import FORMS
from ptlab.scenario import parse, play
from ptlab.scenario.builtin import builtin
from ptlab.story.link import LONGEST_LINK
from ptlab.story.story import open_link
from tests.support.strategies import programs

TEXT = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M"
BEGIN = "ptlab:story?"


def test_a_story_opens_elsewhere_at_the_same_moment() -> None:
    told = ptlab.story(TEXT, "pte_refcount", levels=5, grain="table").at(12, table=3, entry=5)
    again = ptlab.open_link(told.link())
    assert again.moment == told.moment == (12, 3, 5)
    assert str(again) == str(told) and again.title == told.title and again.link() == told.link()
    stepper = again._stepper()
    assert (stepper.position, stepper.picked, stepper.entry) == (12, "n3", 5)


@settings(max_examples=8)
@given(program=programs(longest=4, full=False), levels=st.sampled_from([4, 5]))
def test_every_program_survives(program: str, levels: int) -> None:
    told = ptlab.story(program, "pt_reclaim", levels=levels, grain="range")
    assert str(ptlab.open_link(told.link())) == str(told)


@pytest.mark.parametrize("name", [n for n, one in builtin().items() if one.group == "teaching"])
def test_every_teaching_scenario_fits_into_a_link(name: str) -> None:
    if name != "cover-letter":  # no story can hold it
        assert open_link(ptlab.story(name, "pte_refcount", grain="range").link()).title


def test_calls_of_a_process_and_its_child_can_be_handed_on() -> None:
    p = ptlab.Process(scheme="pte_refcount", levels=5, swap=True)
    heap = p.mmap(4 << 20)
    p.touch(heap, 8192)
    with p.operation("two calls <b>at once</b>"):
        p.madvise(heap, "PAGEOUT", 4096)
        p.process_madvise([(heap, 4096), (heap + 8192, 4096)], "COLD")
    child = p.fork()
    file = child.file(1 << 20, "disk", filled=True)
    child.touch(child.mmap(1 << 20, file=file, shared=True), 4096, write=False)
    with pytest.raises(ptlab.SegmentationFault):
        p.touch(4096, 1)
    p.munmap(heap)
    assert p.journal is not None
    p.journal.seek(p.journal.operations[-1].first)
    child.exit()  # in place of the munmap
    told = ptlab.Story(p, "mine & yours").at(30, table=1, entry=7)
    again = ptlab.open_link(told.link())
    assert str(again) == str(told) and again.operations == told.operations
    assert (again.title, again.moment) == (told.title, told.moment)
    assert again.payload()["panes"][0] == told.payload()["panes"][0]
    assert again.link() == told.link()


@settings(max_examples=12)
@given(program=programs(longest=6, full=False))
def test_whatever_a_program_calls_can_be_handed_on(program: str) -> None:
    process = ptlab.Process("pte_refcount", grain="range")
    for _ in play(process, parse(program)[0]):
        pass
    told = ptlab.Story(process)
    assert str(ptlab.open_link(told.link())) == str(told)


VALUES = [
    *("4096", "0", "-1", "0x7ffff7a00000+4096", "0x7ffff7a00000", "9" * 20, "1+-1", "2097152"),
    *("rw", "DONTNEED", "True", "None", "file:0", "always", "0+1,5+0x5", "disk", ""),
]
CALLS = st.builds(
    lambda who, name, given: f"{who} {name} {' '.join(given)}",
    st.integers(-1, 2),
    st.sampled_from([*FORMS, "operation", "__class__"]),
    st.lists(
        st.builds(
            lambda name, value: f"{name}={value}",
            st.sampled_from(sorted({name for form in FORMS.values() for name in form.parameters})),
            st.sampled_from(VALUES),
        ),
        max_size=4,
    ),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(CALLS, max_size=5))
def test_whatever_calls_are_asked_for_they_are_made_or_a_valueerror(lines: list[str]) -> None:
    try:
        opened = open_link(BEGIN + urlencode({"calls": "\n".join(lines), "grain": "range"}))
    except ValueError as error:
        assert str(error)
    else:
        assert str(open_link(opened.link())) == str(opened)


FIELDS = [
    "text",
    "calls",
    "swap",
    "scheme",
    "kernel",
    "levels",
    "grain",
    "step",
    "table",
    "entry",
    "title",
    "more",
]
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["mmap+s0+2M", "pt_reclaim", "4", "-1", "9" * 12, "%00", "__class__", "entry"]),
)


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.sampled_from(FIELDS), WORDS), max_size=6), junk=st.text(max_size=9)
)
def test_whatever_is_opened_is_a_story_or_a_valueerror(
    pairs: list[tuple[str, str]], junk: str
) -> None:
    for text in (junk, BEGIN + "&".join(f"{name}={word}" for name, word in pairs) + junk):
        try:
            assert isinstance(open_link(text), ptlab.Story)
        except ValueError as error:
            assert str(error)


NESTED = "".join(f"fork+{60 - k}%0A" for k in range(60)) + "nop"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://example.org", "such a link begins with 'ptlab:story\\?'"),
        (BEGIN + "x" * LONGEST_LINK, "more than 12000"),
        (BEGIN + "text=mmap+s0+100G%0Acover+s0+100G", "51201 calls, over 20000"),
        (BEGIN + "grain=range&text=mmap+s0+8T%0Amadvise+POPULATE_READ+s0+8T", "than 20000 tables"),
        (BEGIN + "grain=range&text=mlockall+future%0Ammap+s0+8T", "more than 20000 tables"),
        (BEGIN + "grain=range&calls=0+mmap+length%3D8796093022208+populate%3DTrue", "20000 tables"),
        (BEGIN + "text=madvise_each+DONTNEED+s0+1T+1", "1099511627776 calls, over 20000"),
        (BEGIN + "text=" + NESTED, "60 lines with a fork, over 50"),
        (BEGIN + "text=file+f+8G+disk+filled", "8589934592 bytes in files, over 4294967296"),
        (BEGIN + "calls=0+file+size%3D8589934592+filled%3D1", "bytes in files, over 4294967296"),
        (BEGIN + "calls=0+__init__", "calls, line 1: '0 __init__' is no call of a Process"),
        (BEGIN + "calls=0+mmap+length%3D4096%0A0+_run", "calls, line 2: '0 _run' is no call"),
        (BEGIN + "calls=0+mmap+len%3D4096", r"mmap\(\) takes .*, not 'len=4096'"),
        (BEGIN + "calls=1+mmap+length%3D4096", "calls, line 1: mmap: .*no such process"),
        (BEGIN + "calls=0+fork&text=mmap+s0+2M", "it needs text or calls"),
        (BEGIN + "text=mmap+s0+2M&scheme=os.system", "has to be one of unmap_only"),
        (BEGIN + "text=mmap+s0+2M&step=99", "this story has steps 0 to"),
        (BEGIN + "text=mmap+s0+2M&text=mmap+s0+4M", "each at most once"),
        (BEGIN + "text=mmap+s0+2M&step=1e3", "has to be a whole number"),
        (BEGIN + "text=open+/etc/passwd", "expected"),
    ],
)
def test_what_a_link_may_not_hold(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        open_link(text)


def test_what_a_link_cannot_carry() -> None:
    by_hand = ptlab.Process()
    heap = by_hand.mmap(4096)
    by_hand.mm.layout.mmap_base -= 1 << 21
    by_hand.mmap(4096)
    with pytest.raises(ValueError, match="they alone do not make this story: hand on the page"):
        ptlab.Story(by_hand).link()
    late = ptlab.Process(record=False)
    late.touch(heap := late.mmap(4096))
    late.keep_journal()
    late.munmap(heap)
    with pytest.raises(ValueError, match="hand on the page"):
        ptlab.Story(late).link()

    class Mine(ptlab.ReclaimScheme):
        name = "mine"

    with pytest.raises(ValueError, match="no Python, so it cannot carry your own design mine"):
        ptlab.story(TEXT, Mine).link()
    with pytest.raises(ValueError, match="table 99: this story has 0 to"):
        ptlab.story(TEXT).at(1, table=99)
