"""The payload of a story says at every step what the engine says there."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import SCHEMES, KiB, MiB, Process, Story, compare, story
from ptlab.draw.names import lock_name
from ptlab.state.memmap import State
from tests.support.strategies import programs, rows

few = settings(max_examples=max(5, settings.default.max_examples // 5))
LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


def at(track, k):
    """The last record of a track that counts at step `k`, None before the first."""
    return next((record for record in reversed(track) if record["step"] <= k), None)


def words_at(changes, k):
    words = np.zeros(512, np.uint64)
    for change in changes:
        if change["step"] <= k:
            first, last = change["first"], change["last"]
            word, grows = int(change["word"], 16), int(change["grows"], 16)
            words[first:last] = [word + i * grows for i in range(last - first)]
    return words


@pytest.mark.parametrize("scheme", SCHEMES)
@few
@given(program=programs(longest=5, full=False), grain=st.sampled_from(["entry", "table", "range"]))
def test_every_step_of_the_payload_agrees_with_the_engine(scheme, program, grain):
    p = Process(scheme, grain=grain)
    rows(p, program)
    payload = json.loads(json.dumps(Story(p).payload()))
    (pane,) = payload["panes"]
    mem = p.machine.mem
    assert len(pane["steps"]) == len(p.journal) + 1 == len(payload["frames"])
    for k in range(len(p.journal) + 1):
        p.journal.seek(k)
        for name, value in (
            ("VmPTE", p.counters.vmpte_kb),
            ("RSS", p.counters.rss_kb),
            ("minor faults", p.counters.minflt),
            ("VMAs", p.counters.vmas),
        ):
            (counter,) = [c for c in pane["processes"][0]["counters"] if c["name"] == name]
            assert at(counter["track"], k)["value"] == value
        held = [lock_name(mem, lock) for lock in p.machine.held[0]]
        assert [lock["text"] for lock in at(pane["locks"], k)["held"]] == held
        for node, about in pane["nodes"].items():
            if node[0] == "n":
                table, seen = int(node[1:]), at(about["track"], k)
                state = State(mem.state[table]).name.lower()
                assert (seen["state"] if seen else "absent") == state
                there = mem.entries[table, slice(None)]
                assert (words_at(pane["entries"].get(node, []), k) == there).all()
                strip = np.zeros(512, bool)
                for lo, hi, _ in seen["strip"] if seen else []:
                    strip[lo:hi] = True
                assert (strip == (there != 0)).all()


@few
@given(program=programs(longest=5, full=False))
def test_every_table_has_its_place_in_the_picture(program):
    p = Process("pte_refcount", grain="table")
    rows(p, program)
    payload = Story(p).payload()
    (pane,) = payload["panes"]
    places = [(node["x"], node["y"]) for node in pane["nodes"].values()]
    assert len(set(places)) == len(places)
    column = {one["level"]: one["x"] for one in payload["columns"]}
    for node in pane["nodes"].values():
        assert node["x"] == column[node["level"]]
        assert 0 < node["y"] <= pane["height"] - payload["box_height"]
    for step in pane["steps"]:
        assert set(step["focus"]) <= set(pane["nodes"])


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


def test_table_events_are_births_unhooks_and_frees():
    told = story(LIFE, scheme="unmap_only")
    assert [step.fn for step in told.steps if step.event] == [
        "__pud_alloc",
        "__pmd_alloc",
        "pmd_populate",
        "free_pte_range",
        "free_pmd_range",
        "free_pud_range",
        "rcu_do_batch",
        "rcu_do_batch",
        "rcu_do_batch",
    ]


def test_a_story_too_long_for_a_browser_says_how_to_shorten_it():
    p = Process()
    p.touch(p.mmap(16 * MiB))
    with pytest.raises(ValueError, match=r"more than 20000.*a coarser grain"):
        Story(p)


def test_the_story_in_words_names_each_call_and_numbers_each_step():
    told = story(LIFE, scheme="pte_refcount")
    lines = str(told).split("\n")
    assert lines[0] == "pte_refcount on Linux 6.1"
    assert [line for line in lines if line and line[0] != " "][1:] == LIFE.split("\n")
    assert sum(line[:5].strip().isdigit() for line in lines) == len(told.steps)


SIXTEEN = "mmap s0 16M\ntouch w s0 16M"


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_a_story_that_is_too_long_at_every_grain_is_told_no_other_grain(grain):
    with pytest.raises(ValueError, match="cover-letter: the story has more than 20000") as refused:
        story("cover-letter", grain=grain)
    told = str(refused.value)
    assert "touch less" in told and "ptlab run" in told and "ptlab.measure" in told
    assert "grain" not in told


def test_a_story_that_is_too_long_is_told_a_grain_that_is_coarse_enough():
    with pytest.raises(ValueError, match=r'scenario: .* larger steps \(grain="table"\)'):
        story(SIXTEEN)
    assert len(story(SIXTEEN, grain="table").steps) < 20_000


LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


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
