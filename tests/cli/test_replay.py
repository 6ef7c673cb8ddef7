"""`ptlab replay`: an object for each design, or the reason why not."""

import json

import numpy as np

from ptlab.schemes import SCHEMES
from ptlab.trace.file_format import write_trace
from ptlab.trace.rows import ROW, Op, Trace
from tests.support.command import ptlab


def test_replay_prints_an_object_for_each_design(capsys, tmp_path):
    rows = np.zeros(4, ROW)
    rows["op"] = [Op.EXEC, Op.MAP, Op.TOUCH, Op.SAMPLE]
    rows["at"], rows["length"] = 1 << 30, 4096
    rows["x"], rows["y"] = [0, 3, 0, 12], [0, 0x20, 0, 3]
    file = tmp_path / "small.trace"
    write_trace(Trace(rows), file)
    status, out, _ = ptlab(capsys, "replay", str(file), "--json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [one["scheme"] for one in objects] == list(SCHEMES)
    wanted = {"samples": 1, "equal": 1, "peak_kb": 12, "end_kb": 12}
    assert all(wanted.items() <= one.items() for one in objects)
    assert all(one["costs"]["tables_allocated"] >= 3 for one in objects)
    assert "tables" in ptlab(capsys, "replay", str(file))[1]


def test_replay_says_what_is_wrong_with_a_file(capsys, tmp_path):
    status, out, err = ptlab(capsys, "replay", str(tmp_path / "none"))
    assert (status, out) == (2, "")
    assert "No such file" in err
    (tmp_path / "text").write_text("hello")
    assert "this is no trace" in ptlab(capsys, "replay", str(tmp_path / "text"))[2]


def test_replay_names_the_designs_if_one_is_unknown(capsys, tmp_path):
    write_trace(Trace(np.zeros(0, ROW)), tmp_path / "empty")
    status, _, err = ptlab(capsys, "replay", str(tmp_path / "empty"), "--scheme", "pte_refcout")
    assert status == 2
    assert "pte_refcount" in err
