"""The payload of a story says at every step what the engine says there."""

import sys
from itertools import pairwise

import pytest

from ptlab import KiB, MiB, Process, Story, compare, story

SIXTEEN = "mmap s0 16M\ntouch w s0 16M"


@pytest.fixture
def short(monkeypatch):
    """A browser that can hold 2000 steps."""
    monkeypatch.setattr(sys.modules[story.__module__], "LONGEST", 2000)


LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


def test_telling_a_story_leaves_the_process_where_it_was():
    p = Process()
    heap = p.mmap(2 * MiB)
    p.touch(heap, 8 * KiB)
    p.journal.seek(5)
    Story(p)
    assert p.journal.position == 5


def test_a_process_tells_its_own_story():
    p = Process()
    p.mmap(2 * MiB)
    assert Story(p, "A first map").title == "A first map"
    assert len(Story(p).steps) == len(p.journal)


def test_a_story_is_named_in_one_line():
    one = story("mmap s0 2M\ntouch w s0 4K", scheme="unmap_only")
    assert repr(one) == f"<Story 'mmap s0 2M', unmap_only on Linux 6.1, {len(one.steps)} steps>"
    two = compare("mmap s0 2M", "unmap_only", "pte_refcount")
    assert repr(two) == (
        "<Comparison 'mmap s0 2M', unmap_only on Linux 6.1, 6 steps; pte_refcount on Linux 6.1, 6 steps>"
    )


def test_the_life_of_a_pte_page():
    told = story(LIFE, scheme="pte_refcount")
    assert told.operations == LIFE.split("\n")
    lines = [seen["line"] for seen in told.payload()["panes"][0]["nodes"]["n3"]["track"]]
    for line in (
        "1 = 0 entries + 1 visitor",
        "2 = 1 entry + 1 visitor",
        "1 = 1 entry",
        "2 = 2 entries",
        "3 = 2 entries + 1 visitor",
        "1 = 0 entries + 1 visitor",
        "freed",
    ):
        assert line in lines
        lines = lines[lines.index(line) :]


def test_a_story_too_long_for_a_browser_says_how_to_shorten_it(short):
    p = Process()
    p.touch(p.mmap(16 * MiB))
    with pytest.raises(ValueError, match=r"more than 2000 .*a coarser grain"):
        Story(p)


def test_the_story_in_words_names_each_call_and_numbers_each_step():
    told = story(LIFE, scheme="pte_refcount")
    lines = str(told).split("\n")
    assert lines[0] == "pte_refcount on Linux 6.1"
    assert [line for line in lines if line and line[0] != " "][1:] == LIFE.split("\n")
    assert sum(line[:5].strip().isdigit() for line in lines) == len(told.steps)


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_a_story_that_is_too_long_at_every_grain_is_told_no_other_grain(short, grain):
    with pytest.raises(ValueError, match="cover-letter: the story has more than 2000 ") as refused:
        story("cover-letter", grain=grain)
    told = str(refused.value)
    assert "touch less" in told and "ptlab run" in told and "ptlab.measure" in told
    assert "grain" not in told


def test_a_story_that_is_too_long_is_told_a_grain_that_is_coarse_enough(short):
    with pytest.raises(ValueError, match=r'scenario: .* larger steps \(grain="table"\)'):
        story(SIXTEEN)
    assert len(story(SIXTEEN, grain="table").steps) < 2000


def test_a_comparison_shows_both_at_the_same_call():
    compared = compare(LIFE, "unmap_only", "pte_refcount")
    payload = compared.payload()
    panes, frames = payload["panes"], payload["frames"]
    assert [pane["name"] for pane in panes] == ["unmap_only", "pte_refcount"]
    assert frames[0] == [0, 0]
    assert frames[-1] == [len(pane["steps"]) - 1 for pane in panes]
    for before, after in pairwise(frames):
        moved = [b - a for a, b in zip(before, after, strict=True)]
        assert set(moved) <= {0, 1} and 1 in moved
        both = [pane["steps"][k] for pane, k in zip(panes, after, strict=True)]
        if moved == [1, 1]:
            assert both[0]["fn"] == both[1]["fn"] and both[0]["op"] == both[1]["op"]


def test_what_both_do_is_shown_in_one_frame():
    compared = compare(LIFE, "unmap_only", "pte_refcount").payload()
    panes, frames = compared["panes"], compared["frames"]
    for fn in ("mmap_region", "pmd_populate", "set_pte_at", "ptep_get_and_clear"):
        rows = [[k for k, step in enumerate(pane["steps"]) if step["fn"] == fn] for pane in panes]
        assert rows[0] and len(rows[0]) == len(rows[1])
        for together in zip(*rows, strict=True):
            first = next(frame for frame in frames if frame[0] == together[0])
            assert first == list(together), f"{fn} is not shown side by side"
