"""The commands of docs/teaching.md, run in a folder of their own, do what the page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ptlab.classroom.box import way

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```console\n(.*?)^```$", (ROOT / "docs/teaching.md").read_text(), re.M | re.S
)
COMMANDS = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
# What a reader has done once; here it is done. A published page begins with git clone.
SET_UP = ("cd ptlab", "git clone", "python3 -m venv", "pip install")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the page is written for a shell")
@pytest.mark.skipif(
    not (way().namespaces or way().user), reason="no secret is read from a file on this system"
)
def test_the_page_works_by_copy_and_paste(tmp_path):
    lines = [line for line in COMMANDS if not line.startswith(SET_UP)]
    assert len(COMMANDS) - len(lines) == len(SET_UP) - 1
    # jsonschema takes it if it is there, and then each command begins with building a parser: 2 s.
    (tmp_path / "without").mkdir()
    (tmp_path / "without/rfc3987_syntax.py").write_text("raise ImportError")
    env = os.environ | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTHONPATH": f"{tmp_path / 'without'}{os.pathsep}{ROOT}",
    }
    ptlab = f'ptlab() {{ "{sys.executable}" -m ptlab "$@"; }}'  # from these sources
    script = "\n".join(["set -e", ptlab, *lines])
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=250,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    course = tmp_path / "course"
    rows = (course / "grades.csv").read_text().splitlines()
    assert [row for row in ran.stdout.splitlines() if row.startswith("ps1_the_walk")] == [
        "ps1_the_walk,amy7,0.0,13.0",
        "ps1_the_walk,ben,13.0,13.0",
    ], rows
    assert "walk-1" in ran.stdout  # ptlab grade
    assert (course / "class.csv").read_text().count("\n") == 1 + 2 * 4
    assert "<svg" in (course / "class.html").read_text()
    assert (course / "feedback/ben/ps1_the_walk/ps1.html").exists()
