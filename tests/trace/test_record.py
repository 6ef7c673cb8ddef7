"""A program is recorded as it is: every call, every entry, every process."""

import io
import os
import platform

import numpy as np
import pytest

from ptlab.trace import calls
from ptlab.trace.file_format import check_rows
from ptlab.trace.record import CannotRecord, record
from ptlab.trace.replay import replay
from ptlab.trace.rows import Op
from ptlab.trace.space import Space

MiB = 1 << 20
DONTNEED = 4


def of(trace, op):
    return trace.rows[trace.rows["op"] == op]


def test_calls_are_written_down_with_their_arguments(trace):
    advised = of(trace, Op.ADVISE)
    advised = advised[advised["who"] == 0]
    drops = advised[(advised["x"] == DONTNEED) & (advised["length"] >= MiB)]
    assert drops["length"].tolist() == [32 * MiB, *[MiB] * 32]
    assert (drops["took"] > 0).all()


def test_what_a_call_takes_away_was_seen_before(trace):
    rows = trace.rows
    drop = int(np.argmax((rows["op"] == Op.ADVISE) & (rows["length"] == 32 * MiB)))
    start, end = rows["at"][drop], rows["at"][drop] + 32 * MiB
    before = rows[:drop][rows["op"][:drop] == Op.TOUCH]
    low, high = np.maximum(before["at"], start), np.minimum(before["at"] + before["length"], end)
    assert (high - low)[high > low].sum() == 32 * MiB


def test_what_befalls_a_mapped_file_is_written_down(trace):
    rows = trace.rows
    file = rows["file"][rows["op"] == Op.PUNCH][0]
    ops = (Op.MAP, Op.RESIZE, Op.PUNCH, Op.ALLOCATE)
    mine = rows[(rows["file"] == file) & np.isin(rows["op"], ops)]
    assert [Op(op).name for op in mine["op"].tolist()] == [
        *("RESIZE", "MAP", "PUNCH", "ALLOCATE", "RESIZE")
    ]
    assert mine["x"][[0, 4]].tolist() == [8 * MiB, 4 * MiB]
    assert (mine["z"][2], mine["length"][2]) == (2 * MiB, 2 * MiB)
    assert mine["length"][3] == MiB
    locked = of(trace, Op.LOCK)
    assert (locked["at"][0] - mine["at"][1], locked["length"][0]) == (MiB, 4096)


def test_a_child_is_a_process_of_its_own(trace):
    child = of(trace, Op.FORK)["x"].tolist()
    assert len(child) == 1
    assert child[0] in of(trace, Op.SAMPLE)["who"]
    assert sorted(of(trace, Op.EXIT)["who"].tolist()) == [0, *child]


def test_nothing_seems_lost_or_unknown(trace):
    assert not trace.count(Op.LOST)
    assert not trace.count(Op.UNKNOWN)
    assert trace.about["kernel"] == platform.release()


def test_a_process_that_may_not_be_looked_at_any_more_runs_on(tmp_path, monkeypatch):
    hidden, out, look = tmp_path / "hidden", tmp_path / "out", Space.look

    def refused(self, *where):
        if hidden.exists():
            raise PermissionError
        return look(self, *where)

    monkeypatch.setattr(Space, "look", refused)
    trace = record(["sh", "-c", f"echo > {hidden}; sleep 0; sleep 0; echo fine > {out}"])
    assert out.read_text() == "fine\n"
    check_rows(trace.rows, "trace")
    assert calls.HIDDEN in of(trace, Op.UNKNOWN)["x"]
    played = replay(trace, "pt_reclaim")[0]
    assert set(played.trouble) == {"UNKNOWN: a process that only root may look at"}


def test_a_program_of_32_bits_is_told(tmp_path, monkeypatch):
    """Its program begins as the loader of 32 bits does; none need be installed."""
    space = Space(os.getpid(), 0)
    assert not space.of_32_bits()
    monkeypatch.setattr("builtins.open", lambda *_: io.BytesIO(b"\x7fELF\x01"))
    assert space.of_32_bits()
    assert "32 bits" in calls.not_understood(calls.OF_32_BITS)


def test_a_program_that_does_not_exist_is_named(recorded):
    with pytest.raises(CannotRecord, match="no-such-program: No such file"):
        record(["no-such-program"])
