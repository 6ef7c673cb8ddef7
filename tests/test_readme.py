"""What README.md shows is what happens: its Python prints, and its commands answer, just that."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PTLAB = [text for kind, text in BLOCKS if kind == "console" and text.startswith("$ ptlab ")]
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


def test_other_commands_are_the_makefiles():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^\$ make ([\w-]+)", README, re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


def test_every_kind_of_block_is_tested():
    assert {kind for kind, _ in BLOCKS} == {"console", "python", "text"}
    assert len(PTLAB) == README.count("\n$ ptlab ")
