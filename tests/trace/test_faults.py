"""With a log of page faults a trace says which pages of files are read, and which written."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ptlab.trace.faults import ROOTS, Faults, NoTracefs
from ptlab.trace.file_format import read_trace
from ptlab.trace.replay import replay
from ptlab.trace.rows import WAS_READ, WAS_WRITTEN, Op

MiB = 1 << 20
PROGRAM = """
import mmap, os, threading
MiB = 1 << 20
shared = mmap.mmap(-1, 8 * MiB)
shared.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, 4 * MiB, 4096): shared[at]
for at in range(4 * MiB, 8 * MiB, 8192): shared[at] = 1
if not os.fork():
    def churn():
        for _ in range(40):
            piece = mmap.mmap(-1, MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            piece[0] = 1
            piece.close()
    threads = [threading.Thread(target=churn) for _ in range(3)]
    for one in threads: one.start()
    for one in threads: one.join()
    shared[4096 * 1500]
    os._exit(0)
os.wait()
"""


@pytest.fixture
def instances():
    """Where instances of tracefs are made."""
    try:
        Faults().close()
    except NoTracefs as error:
        pytest.skip(str(error))
    return next(root for root in ROOTS if root.is_dir()) / "instances"


def test_reads_and_writes_are_told_apart(instances, tmp_path):
    file = tmp_path / "faults.trace"
    command = [sys.executable, "-m", "ptlab", "trace", "--faults", "-o", file, "--"]
    subprocess.run([*command, sys.executable, "-S", "-c", PROGRAM], check=True)
    trace = read_trace(file)
    assert trace.about["faults"] > 1024 + 512
    assert trace.about["faults_lost"] == 0
    rows = trace.rows
    mapped = np.flatnonzero((rows["op"] == Op.MAP) & (rows["length"] == 8 * MiB))[0]
    at, rows = int(rows["at"][mapped]), rows[mapped:]
    mine = rows[(rows["op"] == Op.TOUCH) & (rows["at"] >= at) & (rows["at"] < at + 8 * MiB)]
    mine = mine[mine["who"] == 0]
    assert set(mine["x"][mine["at"] < at + 4 * MiB] >> 16) == {WAS_READ >> 16}
    half = mine[mine["at"] >= at + 4 * MiB]
    assert half["at"].tolist() == list(range(at + 4 * MiB, at + 8 * MiB, 8192))
    assert set(half["x"] >> 16) == {WAS_WRITTEN >> 16}
    played = replay(trace, "pt_reclaim")
    assert played.equal(played[0]) == trace.samples
    assert not played[0].trouble
    assert not list(instances.glob("ptlab-*"))


def test_an_instance_of_a_killed_run_is_removed_by_the_next(instances):
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, living = instances / f"ptlab-{gone.pid}", instances / f"ptlab-{os.getppid()}"
    left.mkdir()
    living.mkdir()
    try:
        Faults().close()
        assert not left.exists()
        assert living.exists()
    finally:
        living.rmdir()


def test_without_tracefs_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("ptlab.trace.faults.ROOTS", (tmp_path,))
    with pytest.raises(NoTracefs, match="tracefs is not mounted"):
        Faults()
    (tmp_path / "instances").write_text("")
    with pytest.raises(NoTracefs, match=f"{tmp_path}: Not a directory: .* root only"):
        Faults()
