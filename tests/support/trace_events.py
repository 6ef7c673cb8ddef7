"""What is wrong with a file in the Trace Event Format, as ui.perfetto.dev reads it."""

import json
from collections import defaultdict
from itertools import pairwise

FIELDS = {
    "M": {"name", "args"},
    "X": {"name", "ts", "dur", "args"},
    "B": {"name", "ts", "args"},
    "E": {"ts"},
    "C": {"name", "ts", "args"},
    "i": {"name", "ts", "s", "args"},
}


def events_of(path):
    """The events of a trace that has no fault."""
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    assert list(faults(events)) == []
    return events


def faults(events):
    threads = defaultdict(list)
    for event in events:
        if set(event) != FIELDS[event["ph"]] | {"ph", "pid", "tid"}:
            yield f"fields: {event}"
        if event.get("ts", 0) < 0 or event.get("dur", 0) < 0:
            yield f"time: {event}"
        if event["ph"] == "C" and not all(type(n) is int for n in event["args"].values()):
            yield f"counter: {event}"
        if event["ph"] == "i" and event.get("s") not in ("g", "p", "t"):
            yield f"scope: {event}"
        threads[event["pid"], event["tid"]].append(event)
    for thread in threads.values():
        yield from _nested([event for event in thread if event["ph"] in "BE"])
        spans = sorted((one["ts"], one["ts"] + one["dur"]) for one in thread if one["ph"] == "X")
        yield from (f"overlap: {one}, {two}" for one, two in pairwise(spans) if two[0] < one[1])


def _nested(events):
    yield from (f"back in time: {two}" for one, two in pairwise(events) if two["ts"] < one["ts"])
    depth = 0
    for event in events:
        depth += 1 if event["ph"] == "B" else -1
        if depth < 0:
            yield f"ends what has not begun: {event}"
    if depth:
        yield f"{depth} slices do not end"
