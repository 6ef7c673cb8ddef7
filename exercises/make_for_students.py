"""Make exercises/for_students/ from exercises/source/: the problem sets without their solutions.

The wheel carries these files, because its users need no nbgrader. Run this after a change in source/
(`make exercises`); tests/test_project.py checks that it was done. It is not release/, because nbgrader
makes nothing that is already there, and a teacher's gradebook would then stay empty.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.apps import GenerateAssignmentApp

EXERCISES = Path(__file__).parent


def make(target: Path) -> None:
    """Write what `nbgrader generate_assignment` makes of each problem set to `target`."""
    before = Path.cwd()
    with TemporaryDirectory() as name:
        course = Path(name)  # a course of its own, so that no gradebook is left in exercises/
        shutil.copytree(EXERCISES / "source", course / "source")
        shutil.copy(EXERCISES / "nbgrader_config.py", course)
        os.chdir(course)
        try:
            for problem_set in sorted((course / "source").iterdir()):
                GenerateAssignmentApp.clear_instance()
                app = GenerateAssignmentApp.instance()
                app.initialize([problem_set.name, "--log-level=ERROR"])
                app.start()
        finally:
            GenerateAssignmentApp.clear_instance()
            os.chdir(before)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(course / "release", target)


if __name__ == "__main__":
    make(EXERCISES / "for_students")
