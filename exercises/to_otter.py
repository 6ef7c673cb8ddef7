"""Rewrite a problem set for Otter-Grader: python to_otter.py SOURCE.ipynb TARGET.ipynb

Each solution with its check becomes a question of Otter. The check's points become one test for each
twelfth of them, so that partial credit survives: test k passes if the report reaches k twelfths.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_raw_cell

PARTS = 12  # thirds, quarters and sixths of the points come out even
PROMPT = '\n""" # BEGIN PROMPT\nanswer = None  # your answer in place of None\n""" # END PROMPT'


def otter(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells of the set in Otter's format."""
    yield new_raw_cell("# ASSIGNMENT CONFIG\nsolutions_pdf: false\nexport_cell: false")
    answer, between = None, []
    for cell in cells:
        about = cell.metadata.pop("nbgrader", {})
        if about.get("solution") and about.get("grade"):
            yield from question(about["grade_id"], about["points"], cell, manual=True)
        elif about.get("solution"):
            answer = cell
        elif about.get("grade"):
            yield from question(about["grade_id"].removesuffix("-check"), about["points"], answer)
            yield from (*between, cell)
            answer, between = None, []
        elif answer is not None:
            between.append(cell)  # it looks at the answer
        else:
            yield cell


def question(
    name: str, points: float, answer: NotebookNode, manual: bool = False
) -> Iterator[NotebookNode]:
    """One question: its solution, and its tests unless a person grades it."""
    yield new_raw_cell(
        f"# BEGIN QUESTION\nname: {name}\npoints: {points}\nmanual: {str(manual).lower()}"
    )
    yield new_raw_cell("# BEGIN SOLUTION")
    if not manual:
        answer.source = (
            re.sub(r"### (BEGIN|END) SOLUTION", r"# \1 SOLUTION", answer.source) + PROMPT
        )
    yield answer
    yield new_raw_cell("# END SOLUTION")
    if not manual:
        yield new_raw_cell("# BEGIN TESTS")
        for part in range(1, PARTS + 1):
            yield new_code_cell(
                f'""" # BEGIN TEST CONFIG\npoints: {points / PARTS}\n""" # END TEST CONFIG\n'
                f'assert ptlab.check("{name}", answer) >= {points * part / PARTS - 0.01:.2f}'
            )
        yield new_raw_cell("# END TESTS")
    yield new_raw_cell("# END QUESTION")


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    notebook = nbformat.read(source, as_version=4)
    notebook.cells = list(otter(notebook.cells))
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
