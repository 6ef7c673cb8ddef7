"""The pane of a story: at each step it agrees with the engine, and every table has its place."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import SCHEMES, Process, Story
from ptlab.draw.names import lock_name
from ptlab.state.memmap import State
from tests.support.strategies import programs, rows

few = settings(max_examples=max(5, settings.default.max_examples // 5))


def at(track, k):
    """The last record of a track that counts at step `k`, None before the first."""
    return next((record for record in reversed(track) if record["step"] <= k), None)


class Words:
    """The 512 entries of a table as the payload says, moved on from step to step."""

    def __init__(self, changes):
        self._changes, self._words = iter(changes), np.zeros(512, np.uint64)
        self._next = next(self._changes, None)

    def at(self, k):
        while self._next and self._next["step"] <= k:
            first, last = self._next["first"], self._next["last"]
            word, grows = int(self._next["word"], 16), int(self._next["grows"], 16)
            self._words[first:last] = [word + i * grows for i in range(last - first)]
            self._next = next(self._changes, None)
        return self._words


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
    words = {node: Words(pane["entries"].get(node, [])) for node in pane["nodes"]}
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
                assert (words[node].at(k) == there).all()
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
