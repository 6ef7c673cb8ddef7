"""The museum's page: its example runs, and it names each scene of a real bug with its commit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ptlab.race.scenes import SCENES

PAGE = (Path(__file__).parents[2] / "docs" / "museum.md").read_text()


def test_the_example_finds_the_bug() -> None:
    space: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, space)
    assert "takes page frame 0x100001, which has been freed" in str(space["found"])


def test_every_scene_of_a_real_bug_is_listed_with_its_commit() -> None:
    rows = {row[0]: row for row in re.findall(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) \|", PAGE, re.M)}
    assert len(rows) >= 17
    assert {scene.name for scene in SCENES.values() if scene.source} == rows.keys()
    for name, _, source in rows.values():
        assert SCENES[name].source == source
