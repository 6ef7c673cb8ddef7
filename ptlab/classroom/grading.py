"""nbgrader's passes over a submission, with the judge outside the student's kernel.

A notebook runs in a kernel that belongs to the student: any cell may have changed ptlab there, or
print what it likes. So at grading that kernel only hands in answers, as plain data, and this process,
which has never run a line of the student's, grades them and writes the report under the check cell.

exercises/nbgrader_config.py puts these passes in the place of nbgrader's own, so `nbgrader autograde`
and the formgrader use them. Everything else is nbgrader's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.preprocessors import (
    DeduplicateIds,
    Execute,
    NbGraderPreprocessor,
    OverwriteCells,
)

from ptlab.classroom import seeds
from ptlab.classroom.ask import graded
from ptlab.classroom.grader_process import nothing_left_behind, secret_hidden
from ptlab.classroom.handed_in import MIME as HANDED_IN
from ptlab.classroom.handed_in import ended_with
from ptlab.classroom.question import refused
from ptlab.classroom.report import MIME, Report
from ptlab.classroom.sets import find
from ptlab.classroom.wire_format import VERSION, unpack


class DropCopies(NbGraderPreprocessor):  # type: ignore[misc]
    """A student who copies a cell copies its grade id. The first one, in its place, is the cell.

    nbgrader 0.9.6 takes only a part of the metadata off the copies, its next pass refuses what is left,
    and the whole submission gets no grade. Here a copy becomes an ordinary cell, which still runs.
    """

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Take the metadata of nbgrader off all copies."""
        seen: set[str] = set()
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in seen:
                self.log.warning(
                    "%s: a copy of cell %s was left out", resources["unique_key"], name
                )
                del cell.metadata["nbgrader"]
            elif name is not None:
                seen.add(name)
        return notebook, resources


class RestoreCells(OverwriteCells):  # type: ignore[misc]
    """Check cells that a student has deleted come back, with their answer cells.

    nbgrader 0.9.6 puts a check after the answer cell. If the student has deleted that one too, the
    whole submission gets no grade. Here the answer comes back as None, as early as it can; and the
    check as late as it can, so that it finds an answer in a cell that the student has made instead.
    """

    def add_missing_grade_cells(
        self, notebook: NotebookNode, resources: Any
    ) -> tuple[NotebookNode, Any]:
        """Put them in. ValueError: no cell of the set is there, so this is another notebook."""
        source = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        names = [cell.name for cell in source.source_cells]
        points = {cell.name: cell.max_score for cell in source.grade_cells}
        solutions = {cell.name for cell in source.solution_cells}
        if not _places(notebook).keys() & set(names):
            raise ValueError(
                f"none of the cells of {self.notebook_id} is there: this notebook was not made from "
                "the released one, or they were all deleted"
            )
        for k, cell in enumerate(source.source_cells):
            places = _places(notebook)
            before = [places[name] + 1 for name in names[:k] if name in places]
            after = [places[name] for name in names[k + 1 :] if name in places]
            if cell.name in places or cell.name not in points.keys() | solutions:
                continue
            self.log.warning(
                "%s: the deleted cell %s was put back", resources["unique_key"], cell.name
            )
            if cell.name not in points:
                restored = f"# The cell {cell.name} was missing from the submission.\n{cell.source}"
                notebook.cells.insert(max(before, default=0), new_code_cell(restored))  # type: ignore[no-untyped-call]
                continue
            found = self.missing_cell_transform(cell, points[cell.name], cell.name in solutions)
            answered = k > 0 and names[k - 1] in places
            late = min(after, default=len(notebook.cells))
            notebook.cells.insert(places[names[k - 1]] + 1 if answered else late, found)
        return notebook, resources


def _places(notebook: NotebookNode) -> dict[str, int]:
    """Where each cell with a grade id is."""
    ids = (cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells)
    return {name: place for place, name in enumerate(ids) if name}


class HandIn(Execute):  # type: ignore[misc]
    """Run the notebook so that each check cell hands in its answer, then grade what came."""

    def preprocess(
        self, notebook: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[NotebookNode, Any]:
        """Run, grade, and leave each check cell with its own source and its report.

        ValueError: the notebook has another version of the problems, or its kernel another ptlab.
        """
        if other := seeds.other_version(notebook.metadata):
            raise ValueError(f"this notebook cannot be graded: {other}")
        checks = {k: found for k, cell in enumerate(notebook.cells) if (found := _check(cell))}
        sources = {k: notebook.cells[k].source for k in checks}
        for k, (question, answer) in checks.items():
            notebook.cells[k].source = _hand_in(question, answer)
        last = new_code_cell(_hand_in("minutes", "minutes"))  # type: ignore[no-untyped-call]
        notebook.cells.append(last)
        why = "this cell did not hand in an answer: an error, or a changed ptlab, came before it"
        try:
            with _without_secret(), nothing_left_behind() as ended_here:
                notebook, resources = super().preprocess(notebook, resources, km)
        except DeadKernelError:
            why = "the notebook's Python ended before this cell was done"
        except CellTimeoutError:
            why = (
                "a cell before this one did not end and could not be stopped: the rest was not run"
            )
        except RecursionError:
            why = "a cell gave out something too deeply nested to be kept: the rest was not run"
        if ended_here:
            what = f"what it left running was ended: {', '.join(sorted(set(ended_here)))}"
            self.log.warning("%s: %s", resources["unique_key"], what)
        _, minutes = _handed_in(notebook.cells.pop(), "minutes") or ("", None)
        student = resources["nbgrader"]["student"]
        first = 0
        for k, (question, _) in checks.items():
            cell, ended = notebook.cells[k], _ended(notebook.cells[first:k])
            cell.source, first = sources[k], k + 1
            report = _report(question, _handed_in(cell, question), student, why, ended)
            _write(cell, report, student, minutes)
        return notebook, resources


_DEFAULT = Autograde()
_OURS = {DeduplicateIds: DropCopies, OverwriteCells: RestoreCells, Execute: HandIn}
SANITIZE = [_OURS.get(p, p) for p in _DEFAULT.sanitize_preprocessors]
AUTOGRADE = [_OURS.get(p, p) for p in _DEFAULT.autograde_preprocessors]
"""nbgrader's passes, with ours in the place of three of them."""


def _check(cell: NotebookNode) -> tuple[str, str] | None:
    """The question of a graded `ptlab.check("walk-1", answer)`, and what it calls its answer."""
    if not utils.is_grade(cell) or utils.is_solution(cell) or cell.cell_type != "code":
        return None
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:  # a teacher's own cell, with a magic in it
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("ptlab.check", "check"):
            question, answer = node.args
            return ast.literal_eval(question), ast.unparse(answer)
    return None


def _hand_in(name: str, answer: str) -> str:
    """Hand in, then forget the answer: a later question that has none must not find this one."""
    clear = f"\n{answer} = None" if answer.isidentifier() else ""
    return (
        "from ptlab.classroom.handed_in import HandedIn\n"
        f"handed_in = HandedIn({name!r}, {answer}){clear}\n"
        "handed_in"
    )


def _ended(cells: list[NotebookNode]) -> str:
    """How the cells of one answer went wrong: the last error among them, or that all are empty."""
    errors = [
        out for cell in cells for out in cell.get("outputs", ()) if out.output_type == "error"
    ]
    if errors:
        return ended_with(errors[-1].ename, errors[-1].evalue)
    code = [cell.source for cell in cells if utils.is_solution(cell)]
    lines = [line.strip() for source in code for line in source.splitlines()]
    empty = code and not any(line and line[0] != "#" for line in lines)
    return "your cell is empty" if empty else ""


@contextmanager
def _without_secret() -> Iterator[None]:
    """The kernel is started without the grader's secret."""
    with secret_hidden(seeds.SECRET) as secret:
        if secret is None:
            raise SystemExit(
                f"{seeds.SECRET} is not set. Choose a secret and keep it until all are graded: "
                f"export {seeds.SECRET}=..."
            )
        yield


def _handed_in(cell: NotebookNode, name: str) -> tuple[str, Any] | None:
    """The student's name and the answer that a cell has handed in, if it has.

    ValueError: the kernel's ptlab packs answers in another version of the format.
    """
    for output in cell.outputs:
        bundle = output.get("data", {}).get(HANDED_IN)
        if isinstance(bundle, dict) and bundle.get("name") == name:
            if bundle.get("version") != VERSION:
                raise ValueError(
                    "this notebook cannot be graded: its kernel has another version of ptlab than the "
                    "grader; install the same version in both"
                )
            try:
                return str(bundle["student"])[:80], unpack(bundle["answer"])
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
                return None
    return None


def _report(
    question: str, came: tuple[str, Any] | None, student: str, why: str, ended: str = ""
) -> Report:
    if came is None:
        points = find(question).points
        says = f"there is no answer: {ended}" if ended else why
        return Report(question, points, refused(says, points, "not-handed-in"))
    claimed, answer = came
    return graded(question, answer, student.strip().casefold(), claimed, ended)


def _write(cell: NotebookNode, report: Report, student: str, minutes: Any) -> None:
    """The report becomes the cell's result; the number in it is what nbgrader reads."""
    took: Any = minutes.get(report.question) if isinstance(minutes, dict) else None
    reported = {
        **report.data(),
        "student": student,
        "minutes": took if type(took) in (int, float) and 0 < took < 6000 else None,
    }
    cell.outputs = [
        NotebookNode(  # type: ignore[no-untyped-call]
            output_type="execute_result",
            data={**report._repr_mimebundle_(), MIME: reported},
            metadata={},
            execution_count=cell.execution_count,
        )
    ]
