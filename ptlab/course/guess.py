"""A question of the course: its explanation is found by name, and is read after the answer only.

The explanations lie in `ptlab/course/why/`, one file for each notebook, in Markdown. A cell of a
notebook cannot hold them: whoever opens the notebook would read them before the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from ptlab.widgets import guess as widget

WHY = Path(__file__).with_name("why")
"""One file for each notebook: 02.md explains notebook 02. A line `# name` begins an explanation."""


class Guess(widget.Guess):
    """A question, as in `ptlab.widgets.guess`, explained by `why`: the notebook and a name.

    ValueError if that notebook has no explanation of this name.
    """

    def __init__(
        self, question: str, answer: Callable[[], Any], *, why: str = "", **form: Any
    ) -> None:
        """Ask `question`; `why="02/mmap"` is the explanation `# mmap` in `why/02.md`."""
        super().__init__(question, answer, why=explanation(why) if why else "", **form)


def explanation(name: str) -> str:
    """The explanation called `name`, such as "02/mmap", in HTML. ValueError if there is none."""
    notebook, _, section = name.partition("/")
    known = explanations(notebook)
    if section not in known:
        raise ValueError(
            f"why={name!r}: ptlab/course/why/{notebook}.md explains {', '.join(known) or 'nothing'}"
        )
    made: str = MarkdownIt("commonmark").enable("table").render(known[section])
    return made


@cache
def explanations(notebook: str) -> dict[str, str]:
    """{name: explanation in Markdown} of a notebook, such as "02"; {} if it has none."""
    path = WHY / f"{notebook}.md"
    if not path.exists():
        return {}
    _, *parts = re.split(r"^# (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
