"""What README.md shows is what happens: its Python prints, and its commands answer, just that."""

import contextlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]
SCRIPTS = [text for text in CONSOLE if text.startswith("$ ptlab trace ")]  # answers are not shown
PTLAB = [text for text in CONSOLE if text.startswith("$ ptlab ") and text not in SCRIPTS]
# Wide enough for every table, as a reader's terminal is.
WIDE = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def shown(text: str) -> list[str]:
    """The lines a reader sees: spaces at the end of a line cannot be told apart."""
    return [line.rstrip() for line in text.strip().splitlines()]


def test_python_prints_what_is_shown():
    namespace: dict[str, object] = {}
    printed = None
    for kind, text in BLOCKS:
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(text, namespace)
            printed = out.getvalue()
        elif kind == "text":
            assert printed is not None, f"no Python stands before this output:\n{text}"
            assert shown(printed) == shown(text)
            printed = None
    assert namespace, "README.md has no Python in it"


@pytest.mark.parametrize("block", PTLAB, ids=lambda block: block.splitlines()[0])
def test_command_answers_what_is_shown(block):
    command, _, answer = block.partition("\n")
    said = subprocess.run(
        [sys.executable, "-m", "ptlab", *command.split()[2:]],
        env=WIDE,
        capture_output=True,
        encoding="utf-8",
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert shown(said.stdout) == shown(answer)


@pytest.mark.parametrize("block", SCRIPTS, ids=lambda block: block.split()[6])
def test_a_program_is_recorded_and_replayed_by_copy_and_paste(block, tmp_path):
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("only Linux on x86-64 can be recorded")
    programs = {
        line.partition(" -- ")[2].split()[0] for line in block.splitlines() if " -- " in line
    }
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    commands = re.sub(r"^\$ ", "", block, flags=re.MULTILINE)
    # The interpreter itself: a manager of versions would put forty processes of its own before it.
    first = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
    ptlab = f'ptlab() {{ "{sys.executable}" -m ptlab "$@"; }}\n'
    said = subprocess.run(
        ["bash", "-e", "-c", ptlab + commands],
        env=WIDE | {"PATH": first},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert said.returncode == 0, said.stderr
    samples = int(re.search(r"equal of (\d+)", said.stdout)[1])
    assert re.search(rf"^ *pt_reclaim +\d+ +\d+ +{samples} *$", said.stdout, re.MULTILINE)


def test_other_commands_are_the_makefiles():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^\$ make ([\w-]+)", README, re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


def test_every_kind_of_block_is_tested():
    assert {kind for kind, _ in BLOCKS} == {"console", "python", "text"}
    in_scripts = sum(block.count("$ ptlab ") for block in SCRIPTS)
    assert len(PTLAB) + in_scripts == README.count("\n$ ptlab ")
