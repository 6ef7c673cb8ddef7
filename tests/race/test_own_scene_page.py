"""The page on a scene of one's own: its example runs, and its table is the one that is checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ptlab import race
from ptlab.race.lock_table import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "own_scene.md").read_text()


def test_the_example_runs() -> None:
    space: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, space)
    (result,) = space["results"]
    assert (result.scene, result.result) == ("write-and-munmap", "exhausted")
    assert race(space["mine"], "fixed").enabled == "AB"


def test_the_table_of_locks_is_the_one_that_is_checked() -> None:
    for rule in RULES:
        assert f"| {' | '.join(rule)} |" in PAGE
