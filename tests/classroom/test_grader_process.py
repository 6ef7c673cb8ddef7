"""What a notebook leaves running is ended, even without namespaces."""

import subprocess
import sys

import psutil
import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl and /proc are Linux's")

LEAVES = """
import subprocess, sys, time
from ptlab.classroom.grader_process import nothing_left_behind
with nothing_left_behind() as ended:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    own = "stdout=-3, stderr=-3, start_new_session=True"  # -3: DEVNULL
    start = f"import subprocess; print(subprocess.Popen({sleep!r}, {own}).pid)"
    print(subprocess.run([sys.executable, "-c", start], capture_output=True, text=True).stdout)
assert len(ended) == 1
"""


def run(text):
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    ).stdout


@linux
def test_a_process_in_a_session_of_its_own_is_ended():
    """Its parent has ended, so it is nobody's child but the grader's."""
    assert not psutil.pid_exists(int(run(LEAVES)))
