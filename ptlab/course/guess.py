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

from ptlab.draw.appearance import live_children, title
from ptlab.draw.dot import svg
from ptlab.draw.text_tree import head
from ptlab.draw.theme import themed
from ptlab.draw.tree import tree as tree_of
from ptlab.process.process import Process
from ptlab.widgets import guess as widget

WHY = Path(__file__).with_name("why")
"""One file for each notebook: 02.md explains notebook 02. A line `# name` begins an explanation."""


class Guess(widget.Guess):
    """A question, as in `ptlab.widgets.guess`, explained by `why`: the notebook and a name.

    With `tree` it is asked which table of this process is meant. The learner clicks on it, or chooses
    it in a list; the answer is the table's number. ValueError if there is no such explanation.
    """

    def __init__(
        self,
        question: str,
        answer: Callable[[], Any],
        *,
        why: str = "",
        tree: Process | None = None,
        **form: Any,
    ) -> None:
        """Ask `question`; `why="02/mmap"` is the explanation `# mmap` in `why/02.md`."""
        asked = answer
        if tree is not None:
            names = {table: title(tree.machine.mem, table) for table in _tables(tree)}
            form |= {"choices": list(names.values()), "picture": _picture(tree, list(names))}

            def asked() -> str:
                return names.get(answer(), "no table of this process")

        super().__init__(question, asked, why=explanation(why) if why else "", **form)


def _tables(process: Process) -> list[int]:
    """The tables of a process that its picture shows, from the top down."""
    below = [table for row in live_children(process.mm).values() for table in row]
    level = process.machine.mem.level
    return [process.mm.pgd, *sorted(below, key=lambda table: (-int(level[table]), table))]


def _picture(process: Process, tables: list[int]) -> str:
    """The tree of a process, in which each of `tables` can be clicked."""

    def clickable(node: re.Match[str]) -> str:
        return f'<g data-choice="{tables.index(int(node[1]))}"'

    node = re.compile(r'<g id="n(\d+)"(?= class="node )')
    return themed(
        node.sub(clickable, svg(tree_of(process.mm))), f"The page tables. {head(process.mm)}"
    )


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
