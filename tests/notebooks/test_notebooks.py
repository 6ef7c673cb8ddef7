"""Every notebook of the course and of the exercises runs from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("exercises/source/*/*.ipynb")])
PS1 = ROOT / "exercises/source/ps1_the_walk/ps1.ipynb"


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, resources=resources).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path):
    run(nbformat.read(path, as_version=4), path.parent)


@pytest.mark.parametrize(
    ("answer_cell", "wrong", "said"),
    [
        ("q1-answer", "built = [(1, 1, 1)] * 6", "touch 2, at 0x100000002000"),
        ("q1-answer", "built = []", "six touches need six triples"),
        (
            "q2-answer",
            "def tables_for(addresses):\n    return 1, 1, len(addresses)",
            "seed 0: after touching",
        ),
    ],
)
def test_exercise_refuses_a_wrong_answer(answer_cell, wrong, said):
    notebook = nbformat.read(PS1, as_version=4)
    next(cell for cell in notebook.cells if cell.id == answer_cell).source = wrong
    with pytest.raises(CellExecutionError) as refused:
        run(notebook, PS1.parent)
    assert refused.value.ename == "AssertionError"
    assert refused.value.evalue.startswith(said)
