"""The grader's process hides its secret and ends what a notebook leaves running."""

import os
import subprocess
import sys

import psutil
import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl and /proc are Linux's")

ENVIRON = """
import os
from ptlab.classroom.grader_process import secret_hidden
with secret_hidden("PTLAB_GRADE_SEED") as secret:
    assert secret == "s3cret" and "PTLAB_GRADE_SEED" not in os.environ
    try:
        with open("/proc/self/environ", "rb") as file:
            assert b"s3cret" not in file.read()
    except PermissionError:
        assert os.geteuid()
assert os.environ["PTLAB_GRADE_SEED"] == "s3cret"
print("done")
"""

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
    env = os.environ | {"PTLAB_GRADE_SEED": "s3cret"}
    return subprocess.run(
        [sys.executable, "-c", text], env=env, capture_output=True, text=True, check=True
    ).stdout


@linux
def test_the_secret_is_not_in_the_environ_file_either():
    assert run(ENVIRON) == "done\n"


@linux
def test_a_process_in_a_session_of_its_own_is_ended():
    """Its parent has ended, so it is nobody's child but the grader's."""
    assert not psutil.pid_exists(int(run(LEAVES)))
