"""A process that runs is recorded from its present state on, and runs on afterwards."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ptlab.trace.attach import CannotRecord, attach
from ptlab.trace.file_format import read_trace
from ptlab.trace.replay import replay
from ptlab.trace.rows import Op


def tracer_of(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("TracerPid:")[2].split()[0])


def test_a_running_process_is_recorded_and_let_go(child, tmp_path):
    child("import threading, time")
    child("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")
    child("m = mmap.mmap(-1, 64 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("m.madvise(mmap.MADV_NOHUGEPAGE)")
    child(
        "for at in range(0, 64 * MiB, 2 * MiB): m[at] = 1; m.madvise(mmap.MADV_DONTNEED, at, 4096)"
    )
    file = tmp_path / "running.trace"
    command = [sys.executable, "-m", "ptlab", "trace", "-o", file, "--pid", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as recorder:
        while not tracer_of(child.pid):
            time.sleep(0.02)
        child("big = mmap.mmap(-1, 32 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
        child("for at in range(0, 32 * MiB, 4096): big[at] = 1")
        child("big.madvise(mmap.MADV_DONTNEED, 0, 16 * MiB)")
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(30) == 0
    assert tracer_of(child.pid) == 0
    child("kept.clear()")  # it runs on
    trace = read_trace(file)
    played = replay(trace, "pt_reclaim")
    assert trace.count(Op.ADVISE) >= 1
    assert trace.samples >= 2
    # The 32 tables that were empty at the start are guessed by time: one or two may be missed.
    one = played[0]
    missed = int((played.real - one.high).max())
    assert 0 <= missed <= 8
    assert (one.low + missed <= played.real).all()
    assert not played[0].trouble


def test_who_may_not_be_recorded_is_told_why(child):
    with pytest.raises(CannotRecord, match="process 4194999: there is none"):
        attach(4194999)
    with pytest.raises(CannotRecord, match="no process can trace itself"):
        attach(os.getpid())
    child.process.kill()
    while "State:\tZ" not in Path(f"/proc/{child.pid}/status").read_text():
        time.sleep(0.01)
    with pytest.raises(CannotRecord, match="zombie"):
        attach(child.pid)
