"""Run a notebook, once for each state of the notebook and of the engine."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import ptlab
from docs.site.frames import without_players

PACKAGE = Path(ptlab.__file__).parent
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SECONDS = 600


@cache
def engine() -> str:
    """A digest of all files of ptlab: with another engine a notebook has other outputs."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return digest.hexdigest()


def executed(path: Path, kept: Path) -> Any:
    """The notebook with its outputs, taken from the folder `kept` if it has been run like that.

    CellExecutionError if a cell fails. The outputs are those of a program that collects them: pages
    that play by themselves, and no widgets.
    """
    key = hashlib.sha256(path.read_bytes() + engine().encode()).hexdigest()[:16]
    done = kept / f"{path.stem}-{key}.ipynb"
    if done.exists():
        return nbformat.read(done, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=_SECONDS, resources=resources).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if _WIDGET in output.get("data", {}):
                raise ValueError(f"{path.name}: a widget that leaves no page: {cell.source}")
    kept.mkdir(parents=True, exist_ok=True)
    for old in kept.glob(f"{path.stem}-*.ipynb"):
        old.unlink()
    nbformat.write(notebook, done)
    return notebook


def share_players(notebook: Any) -> Any:
    """The same notebook, whose frames hold marks for the players that a site loads once."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = without_players("".join(data["text/html"]))
    return notebook
