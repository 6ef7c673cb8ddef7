"""The words of a question, in a file of their own: `sets/texts/NAME.toml`.

title, goal   a few words, and what one can do after it
points        what a right answer is worth
minutes       how long a student who has read the course needs
hints         Markdown: where to look, how to begin, nearly there
text          Markdown with {fields}: the problem
remarks       sentences that a report may add, with {fields}
ideas         for each known mistaken idea one sentence to a student who seems to hold it; it does
              not give the answer away

The reasoning behind an answer is in `solutions/texts/NAME.toml`: why, with {fields}, and remarks.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeAlias

Fills: TypeAlias = dict[str, object]
"""What stands for the fields of a text."""


@dataclass(frozen=True)
class Wording:
    """What the file of one question says."""

    title: str
    points: float
    minutes: int
    goal: str
    hints: tuple[str, str, str]
    text: str = ""
    remarks: dict[str, str] = field(default_factory=dict)
    ideas: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasoning:
    """What the file of one solution says."""

    why: str
    remarks: dict[str, str] = field(default_factory=dict)


def wording(name: str) -> Wording:
    """The words of the question called `name`."""
    words = _file("sets", name)
    return Wording(**{**words, "hints": tuple(words["hints"])})


def reasoning(name: str) -> Reasoning:
    """The words of its solution."""
    return Reasoning(**_file("solutions", name))


def _file(folder: str, name: str) -> dict[str, Any]:
    file = resources.files("ptlab.classroom") / folder / "texts" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
