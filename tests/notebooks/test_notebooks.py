"""Every notebook of the course and of the exercises runs from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import chromium
from tests.support.answers import asked

ROOT = Path(__file__).parents[2]
EXERCISES = sorted(ROOT.glob("exercises/source/*/*.ipynb"))
# Where there is a browser, tests/browser/test_course.py runs each of these in JupyterLab.
COURSE = [] if chromium.will_run() else sorted(ROOT.glob("notebooks/*.ipynb"))


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, resources=resources).execute()


@pytest.mark.parametrize("path", [*COURSE, *EXERCISES], ids=lambda path: path.stem)
def test_runs(path):
    notebook = asked(path) if path in COURSE else nbformat.read(path, as_version=4)
    run(notebook, path.parent)
    for cell in notebook.cells:
        grader = cell.metadata.get("nbgrader", {})
        if grader.get("grade") and cell.cell_type == "code":
            (report,) = [out for out in cell.outputs if out.output_type == "execute_result"]
            assert float(report.data["text/plain"]) == grader["points"], cell.id
