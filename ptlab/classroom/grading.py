"""nbgrader's passes over a submission, with the judge outside the student's kernel.

A notebook runs in a kernel that belongs to the student: any cell may have changed ptlab there, or
print what it likes. So at grading that kernel only hands in answers, as plain data, and this process,
which has never run a line of the student's, grades them and writes the report under the check cell.

exercises/nbgrader_config.py puts these passes in the place of nbgrader's own, so `nbgrader autograde`
and the formgrader use them. Everything else is nbgrader's.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.exchange.default import Exchange
from nbgrader.preprocessors import (
    DeduplicateIds,
    Execute,
    OverwriteCells,
)
from traitlets import Bool, Unicode

from ptlab.classroom import seeds
from ptlab.classroom.ask import graded
from ptlab.classroom.handed_in import MIME as HANDED_IN
from ptlab.classroom.handed_in import ended_with
from ptlab.classroom.notebook_run import Ran, run_notebook
from ptlab.classroom.question import refused
from ptlab.classroom.report import MIME, Report
from ptlab.classroom.safe_html import tidy
from ptlab.classroom.secret import mark, read
from ptlab.classroom.set_cells import DropCopies, RestoreCells
from ptlab.classroom.sets import find
from ptlab.classroom.solution import instructors_part
from ptlab.classroom.wire_format import VERSION, unpack


class HandIn(Execute):  # type: ignore[misc]
    """Run the notebook so that each check cell hands in its answer, then grade what came."""

    secret_file = Unicode(
        "~/ptlab-secret",
        help="The file that the grader's secret is in; - asks for it on the terminal.",
    ).tag(config=True)
    self_test = Bool(
        True,
        help="Whether honest answers are judged on this machine first; `ptlab autograde` does it once.",
    ).tag(config=True)

    def preprocess(
        self, notebook: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[NotebookNode, Any]:
        """Run, grade, and leave each check cell with its own source and its report.

        ValueError: the notebook has another version of the problems, or its kernel another ptlab.
        GraderFault: this machine could not run or judge it.
        """
        if other := seeds.other_version(notebook.metadata):
            raise ValueError(f"this notebook cannot be graded: {other}")
        student = resources["nbgrader"]["student"]
        if seeds.of_practice(student):
            raise ValueError(
                f"{student!r} is no student's name: practice problems are solved in public"
            )
        checks = {k: found for k, cell in enumerate(notebook.cells) if (found := _check(cell))}
        ran, minutes = self._run(notebook, checks, resources)
        tidy(notebook)
        secret = self.secret()
        run = {"way": ran.way, "left": ran.left, "secret": mark(secret)}
        first = 0
        for k, (question, _) in checks.items():
            cell, ended = notebook.cells[k], _ended(notebook.cells[first:k])
            first = k + 1
            with seeds.graded_with(secret):
                report = _report(question, _handed_in(cell, question), student, ran.why, ended)
            _write(cell, report, {"student": student, "minutes": _took(minutes, question), **run})
        return notebook, resources

    def secret(self) -> str:
        """The grader's secret. SystemExit: there is none."""
        return read(self.secret_file)

    def hidden(self) -> list[Path]:
        """What no notebook may see: the course, the exchange, the secret, the solutions."""
        exchange = Path(Exchange(config=self.config).root)
        secret = Path(self.secret_file).expanduser().resolve()
        return [Path.cwd(), exchange, secret, *instructors_part()]

    def _run(
        self, notebook: NotebookNode, checks: dict[int, tuple[str, str]], resources: Any
    ) -> tuple[Ran, Any]:
        """Run a copy in which the check cells hand in; the notebook gets all that is put out."""
        copy = deepcopy(notebook)
        for k, (question, answer) in checks.items():
            copy.cells[k].source = _hand_in(question, answer)
        copy.cells.append(new_code_cell(_hand_in("minutes", "minutes")))  # type: ignore[no-untyped-call]
        folder = resources.get("metadata", {}).get("path")
        place = Path(folder).resolve() if folder else None
        asked = [*checks, len(copy.cells) - 1]
        ran = run_notebook(copy, self.timeout, place, self.hidden(), asked)
        if ran.left:
            what = f"what it left running was ended: {', '.join(map(repr, ran.left))}"
            self.log.warning("%s: %s", resources["unique_key"], what)
        for number, (k, outputs) in enumerate(sorted(ran.outputs.items()), 1):
            copy.cells[k].outputs = from_dict(outputs)  # type: ignore[no-untyped-call]
            if k < len(notebook.cells):
                notebook.cells[k].outputs = copy.cells[k].outputs
                notebook.cells[k].execution_count = number
        _, minutes = _handed_in(copy.cells[-1], "minutes") or ("", None)
        return ran, minutes


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
    return graded(question, answer, seeds.plain(student), claimed, ended)


def _took(minutes: Any, question: str) -> float | None:
    took: Any = minutes.get(question) if isinstance(minutes, dict) else None
    return took if type(took) in (int, float) and 0 < took < 6000 else None


def _write(cell: NotebookNode, report: Report, about: dict[str, Any]) -> None:
    """The report becomes the cell's result; the number in it is what nbgrader reads."""
    cell.outputs = [
        NotebookNode(  # type: ignore[no-untyped-call]
            output_type="execute_result",
            data={**report._repr_mimebundle_(), MIME: {**report.data(), **about}},
            metadata={},
            execution_count=cell.execution_count,
        )
    ]
