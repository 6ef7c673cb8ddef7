"""Grading a class: submissions of ps1 a minute, against 300 in ten minutes on two cores.

python -m benchmarks.grading

The course, its gradebook and the secret are made in a folder that goes away. CPU time is that of all
processes, so that a busy machine does not matter much; the clock is printed beside it.
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.measure import machine
from ptlab.classroom.autograding import autograde, pending

SUBMISSIONS = 8
AIM = 30
"""A minute, on two cores."""
EXERCISES = Path(__file__).parents[1] / "exercises"
PS = "ps1_the_walk"


def main() -> None:
    with TemporaryDirectory() as name:
        course = Path(name)
        shutil.copytree(EXERCISES / "source" / PS, course / "source" / PS)
        shutil.copy(EXERCISES / "nbgrader_config.py", course)
        (course / "ptlab-secret").write_text("0123456789abcdef" * 2)
        (course / "ptlab-secret").chmod(0o600)
        os.environ["HOME"] = name
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", PS]
        subprocess.run(command, cwd=course, check=True, capture_output=True)
        text = (course / "source" / PS / "ps1.ipynb").read_text()
        for k in range(SUBMISSIONS):
            folder = course / "submitted" / f"student{k}" / PS
            folder.mkdir(parents=True)
            (folder / "ps1.ipynb").write_text(text.replace("your NetID", f"student{k}"))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        graded = sum(done.graded for done in autograde(course, pending(course), 2))
        seconds, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert graded == SUBMISSIONS
    a_minute = 2 * 60 * graded / cpu
    print(
        f"grading: {cpu / graded:.1f} CPU seconds for a submission of ps1, so {a_minute:.0f} a minute "
        f"on two free cores ({a_minute / AIM:.1f} of the aim of {AIM}); by the clock, here, "
        f"{60 * graded / seconds:.0f} a minute"
    )


if __name__ == "__main__":
    print(machine())
    main()
