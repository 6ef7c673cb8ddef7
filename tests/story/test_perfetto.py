"""Stories and races as time lines: every step, lock, table event and number is there, at its place."""

from itertools import pairwise

import pytest

import ptlab
from tests.support.trace_events import events_of, faults

SCENARIO = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nfork 1\ntouch w s0 4K"


def record_at(track, step):
    return next((one for one in reversed(track) if one["step"] <= step), None)


def test_the_whole_of_a_story(tmp_path):
    story = ptlab.story(SCENARIO, "pte_refcount")
    events = events_of(story.export_perfetto(tmp_path / "story.json"))
    begun = [one for one in events if one["ph"] == "B"]
    told = [one for one in begun if one["args"]]
    assert [one["args"]["sentence"] for one in told] == [step.predicate for step in story.steps]
    assert [one["ts"] for one in told] == list(range(len(story.steps)))
    assert {one["name"] for one in begun} >= {*story.operations, "handle_pte_fault"}
    (pane,) = story.payload()["panes"]
    held = [one for one in events if one["ph"] == "X"]
    for step in range(len(story.steps)):
        now = {one["name"] for one in held if one["ts"] <= step < one["ts"] + one["dur"]}
        assert now == {lock["text"] for lock in record_at(pane["locks"], step)["held"]}, step
    assert [one["args"]["position"] for one in events if one["ph"] == "i"] == [
        number for number, step in enumerate(story.steps, 1) if step.event
    ]
    for process in pane["processes"]:
        for track in process["counters"]:
            name = " ".join(filter(None, (process["name"], track["name"], track["unit"])))
            counted = [one for one in events if one["ph"] == "C" and one["name"] == name]
            assert [(one["ts"], one["args"]["value"]) for one in counted] == [
                (one["step"], one["value"]) for one in track["track"]
            ]


def test_the_stories_of_a_comparison_are_in_step(tmp_path):
    compared = ptlab.compare(SCENARIO, "unmap_only", "pte_refcount")
    events = events_of(compared.export_perfetto(tmp_path / "two.json"))
    frames = compared.payload()["frames"]
    for p, story in enumerate(compared.stories):
        told = [one for one in events if one["ph"] == "B" and one["pid"] == p + 1 and one["args"]]
        assert len(told) == len(story.steps)
        goes_on = [k for k, (now, then) in enumerate(pairwise(frames)) if now[p] != then[p]]
        assert [one["ts"] for one in told] == goes_on


def test_a_race_has_a_thread_for_each_task_and_a_verdict(tmp_path):
    race = ptlab.race("pmd-same", schedule="AAABBBBBBBBBAA")
    events = events_of(race.export_perfetto(tmp_path / "race.json"))
    named = [one for one in events if one.get("name") == "thread_name"]
    threads = {one["tid"]: one["args"]["name"] for one in named}
    told = sorted(
        (one["ts"], threads[one["tid"]][0]) for one in events if one["ph"] == "B" and one["args"]
    )
    assert "".join(letter for _, letter in told) == race.schedule
    (verdict,) = [one for one in events if one["ph"] == "i" and one["s"] == "g"]
    assert verdict["ts"] == len(race.schedule) and str(race.verdict) in verdict["name"]
    held = {one["name"] for one in events if one["ph"] == "X"}
    assert "B: PTE lock of PTE page 4" in held and "A: an RCU read section" in held


def test_a_whole_line_that_breaks_nothing_has_no_verdict(tmp_path):
    events = events_of(ptlab.race("pmd-same").export_perfetto(tmp_path / "none.json"))
    assert not [one for one in events if one.get("s") == "g"]


@pytest.mark.parametrize(
    "wrong",
    [
        [{"ph": "E", "pid": 1, "tid": 1, "ts": 1}],
        [{"ph": "B", "pid": 1, "tid": 1, "ts": 1, "name": "f", "args": {}}],
        [
            {"ph": "X", "pid": 1, "tid": 1, "ts": t, "dur": 2, "name": "f", "args": {}}
            for t in (0, 1)
        ],
        [{"ph": "C", "pid": 1, "tid": 1, "ts": 1, "name": "n", "args": {"value": "3"}}],
        [{"ph": "i", "pid": 1, "tid": 1, "ts": 1, "name": "f", "args": {}}],
    ],
)
def test_what_perfetto_does_not_take_is_found(wrong):
    assert list(faults(wrong))
