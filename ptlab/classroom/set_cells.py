"""A submission's cells as the set has them: nbgrader's passes before a notebook is run.

What a student has copied, deleted or changed about the cells themselves is put right here, or is told.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells


class DropCopies(NbGraderPreprocessor):  # type: ignore[misc]
    """A student who copies a cell copies its grade id. The first one, in its place, is the cell.

    nbgrader 0.9.6 takes only a part of the metadata off the copies, its next pass refuses what is left,
    and the whole submission gets no grade. Here a copy becomes an ordinary cell, which still runs.
    """

    def preprocess(self, notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Take the metadata of nbgrader off all copies."""
        seen: set[str] = set()
        for cell in notebook.cells:
            noted = cell.metadata.get("nbgrader")
            name = noted.get("grade_id") if isinstance(noted, dict) else None
            if not isinstance(name, str):
                cell.metadata.pop("nbgrader", None)
                continue
            if name in seen:
                about = resources["unique_key"], name
                self.log.warning("%s: a copy of cell %.60r was left out", *about)
                del cell.metadata["nbgrader"]
            seen.add(name)
        return notebook, resources


class RestoreCells(OverwriteCells):  # type: ignore[misc]
    """Check cells that a student has deleted come back, with their answer cells.

    nbgrader 0.9.6 puts a check after the answer cell. If the student has deleted that one too, the
    whole submission gets no grade. Here the answer comes back as None, as early as it can; and the
    check as late as it can, so that it finds an answer in a cell that the student has made instead.
    Where a student has moved cells, each check stands behind its own answer again.

    What nbgrader notes about a cell is made anew from the gradebook; of what was handed in, only the
    grade id counts. A wrong version of these notes would stop nbgrader for the whole class.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """The cell with its notes. A cell of a name that is not in the set is an ordinary one."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is None:
            return cell, resources
        source = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        found = next((known for known in source.source_cells if known.name == name), None)
        if found is None:
            self.log.warning("%s: the set has no cell %.60r", resources["unique_key"], name)
            del cell.metadata["nbgrader"]
            return cell, resources
        points = {graded.name: graded.max_score for graded in source.grade_cells}
        notes = {
            "schema_version": MetadataValidator.schema_version,
            "grade_id": name,
            "grade": name in points,
            "solution": name in {solution.name for solution in source.solution_cells},
            "task": name in {task.name for task in source.task_cells},
            "locked": bool(found.locked),
            "cell_type": found.cell_type,
            "checksum": found.checksum,
            **({"points": points[name]} if name in points else {}),
        }
        cell.metadata["nbgrader"] = from_dict(notes)  # type: ignore[no-untyped-call]
        return super().preprocess_cell(cell, resources, cell_index)  # type: ignore[no-any-return]

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
        for k, name in enumerate(names):
            if name in points.keys() - solutions:
                _behind_its_answer(notebook, names, k, solutions)
        return notebook, resources


def _behind_its_answer(
    notebook: NotebookNode, names: list[str], k: int, solutions: set[str]
) -> None:
    """Check cell `k` of the set, moved away from its answer, goes back: another answer is in its place.

    A student's own cells behind the answer stay before it.
    """
    answer = max((n for n in range(k) if names[n] in solutions), default=None)
    places = _places(notebook)
    if answer is None or not {names[k], names[answer]} <= places.keys():
        return
    own, now = places[names[answer]], places[names[k]]
    others = [places[name] for name in names[:answer] + names[k + 1 :] if name in places]
    end = min((place for place in others if place > own), default=len(notebook.cells))
    if not own < now <= end:
        cell = notebook.cells.pop(now)
        notebook.cells.insert(end - (now < end), cell)


def _places(notebook: NotebookNode) -> dict[str, int]:
    """Where each cell with a grade id is."""
    ids = (cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells)
    return {name: place for place, name in enumerate(ids) if name}
