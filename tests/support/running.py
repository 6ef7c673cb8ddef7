"""A process of the test's own, which does what it is told and then holds still."""

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import mmap, sys
MiB = 1 << 20
page = bytes(1)
kept = []
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


@pytest.fixture
def can_observe():
    """This system's processes can be looked at."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("only Linux on x86-64 can be looked at")


@pytest.fixture
def child(can_observe):
    """Runs lines of Python in another process; `child.pid` is its number."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def run(line):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        run.pid, run.process = process.pid, process
        run("pass")
        yield run
        process.kill()
