"""A replay as a Chrome trace: calls are slices, VmPTE is a counter."""

import pytest

from ptlab.trace.perfetto import write_perfetto
from ptlab.trace.replay import replay
from ptlab.trace.rows import Op
from tests.support.trace_events import events_of


def test_calls_are_slices_and_vmpte_is_a_counter(tmp_path):
    played = replay("redis", "unmap_only", "pt_reclaim")
    write_perfetto(played, tmp_path / "redis.json")
    events = events_of(tmp_path / "redis.json")
    assert list(tmp_path.iterdir()) == [tmp_path / "redis.json"]
    rows = played.trace.rows
    called = rows[(rows["op"] == Op.ADVISE) & (rows["took"] > 0)]
    slices = [one for one in events if one["ph"] == "X" and one["name"].startswith("madvise")]
    assert [round(one["dur"] * 1000) for one in slices] == called["took"].tolist()
    assert {"madvise DONTNEED"} <= {one["name"] for one in slices}
    for one in played:
        counted = [e["args"]["kB"] for e in events if e["name"] == f"{one.scheme}, kB"]
        assert counted == one.total.tolist()
    measured = [e["args"]["kB"] for e in events if e["name"] == "VmPTE measured, kB"]
    assert measured == played.real.tolist()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_perfetto(replay("redis", "unmap_only"), tmp_path / "none" / "redis.json")
