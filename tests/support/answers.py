"""The cell that asks for every answer of a notebook, after all cells of the notebook have run."""

import nbformat

EARLY = """
from ptlab.widgets.guess import Guess as _Guess

_early = [one.question for one in _Guess._all if one.answers or one.details or one.why]
assert not _early, f"answered before anybody guessed: {_early}"
"""
"""True where a front end runs. Without one, the page that stands for a question carries its answer."""

# Where the kernel of the machine cannot be asked, the question says so, and the learner goes on.
ASK = """
from ptlab.course import open_all as _open_all
from ptlab.widgets.guess import Guess as _Guess

_all = list(_Guess._all)
_open_all()
_excused = "NoKernel", "RecorderError", "CannotObserve"
_problems = [f"{one.question} {one.problem}" for one in _all if one.problem]
assert not [said for said in _problems if not any(name in said for name in _excused)], _problems
assert all(one.stage == "shown" and one.why for one in _all if not one.problem)
"""
"""Its names begin with _, for it must not take those that the notebook's answers use."""


def asked(path, before: str = "") -> nbformat.NotebookNode:
    """A notebook of the course with that cell at its end, which begins with `before`."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(before + ASK))
    return notebook
