"""Answers to set 5, from `answers/NAME.toml`: a right one, and wrong ones with one mistake each.

They are texts, as a cell is, because an answer is run from its text.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from textwrap import indent
from typing import Any

from ptlab.classroom.student_code import Code

_HEAD = """\
from collections import defaultdict

from ptlab import ReclaimScheme
from ptlab.schemes.empty_tables import unhook_if_empty


class Answer(ReclaimScheme):
    name, fate, source = "answer", "an exercise", "problem set 5"
"""


def cell(methods: str) -> str:
    """The text of a cell with a class `Answer` that has these methods."""
    return f"{_HEAD}\n{indent(methods, '    ')}"


def as_code(text: str) -> Code:
    """The class `Answer` of a cell."""
    return Code("class", "Answer", text)


def right(name: str) -> str:
    """The cell that answers question `name` ('scheme-1')."""
    return cell(_file(name)["right"])


def wrong(name: str) -> dict[str, tuple[str, float]]:
    """For each mistaken idea the cell that has it, and the most points it keeps."""
    mistakes = _file("every-scheme")["wrong"] | _file(name)["wrong"]
    return {idea: (cell(_methods(name, one)), one["keeps"]) for idea, one in mistakes.items()}


def _methods(name: str, mistake: dict[str, Any]) -> str:
    """The methods of a mistake: its own, or the right ones with some text exchanged."""
    if "methods" in mistake:
        return str(mistake["methods"])
    methods: str = _file(name)["right"]
    for old, new in mistake["instead"].items():
        assert old in methods
        methods = methods.replace(old, new)
    return methods


@functools.cache
def _file(name: str) -> dict[str, Any]:
    file = resources.files("ptlab.classroom.solutions") / "answers" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
