"""A story as one string: what comes out is what went in, and nothing but data goes in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
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


FIELDS = ["text", "scheme", "kernel", "levels", "grain", "step", "table", "entry", "title", "more"]
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["mmap+s0+2M", "pt_reclaim", "4", "-1", "9" * 12, "%00", "__class__", "entry"]),
)


@settings(max_examples=150, deadline=None)
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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://example.org", "such a link begins with 'ptlab:story\\?'"),
        (BEGIN + "x" * LONGEST_LINK, "more than 12000"),
        (BEGIN + "text=mmap+s0+100G%0Acover+s0+100G", "may build 51201 PTE pages"),
        (BEGIN + "text=mmap+s0+30G+populate%0Aforkbg%0Aendfork", "may build 30726 PTE pages"),
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
    with pytest.raises(ValueError, match="hand on the page"):
        ptlab.Story(ptlab.Process()).link()

    class Mine(ptlab.ReclaimScheme):
        name = "mine"

    with pytest.raises(ValueError, match="your own design"):
        ptlab.story(TEXT, Mine).link()
    with pytest.raises(ValueError, match="table 99: this story has 0 to"):
        ptlab.story(TEXT).at(1, table=99)
